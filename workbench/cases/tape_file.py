"""The tape of a case as a file: the run's whole trace, one event a line, as `workbench export` writes it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.definition.problems import DefinitionError, Problem
from workbench.trace.errors import TraceFormatError
from workbench.trace.events import Event
from workbench.trace.export import import_jsonl
from workbench.trace.tape import Tape, TapeError, tape_of

MAX_BYTES = 256 << 20
"""The largest tape file, in bytes."""

_AGAIN = "the trace of one run, as `workbench keep` wrote it: restore the file, or keep the run again"
_LATER = f"{_AGAIN}; if a later version of the workbench wrote it, use that one"
_EVENT = re.compile(r"event (\d+)\b")


@dataclass(frozen=True, slots=True)
class KeptTape:
    """A tape with the events that it was made from."""

    events: Sequence[Event]
    tape: Tape


def read_tape(path: Path, sha256: str | None = None) -> KeptTape:
    """The tape in a file, which is never changed.

    Args:
        path: The file.
        sha256: The digest that its lines must have, see `lines_digest`; None takes any.

    Raises:
        DefinitionError: it cannot be read, is damaged, cut off, of another version of the trace, or not the tape that
            was kept; tells the line.
    """
    lines = _lines(path)
    events: list[Event] = []
    try:
        for number, event in enumerate(import_jsonl(lines), start=1):
            if events and event.run_id != events[0].run_id:
                raise _problem(path, number, "a second run begins here: a tape is one run")
            events.append(event)
        tape = tape_of(events)
    except TraceFormatError as error:
        raise _problem(path, error.line, str(error).partition(": ")[2], _LATER) from None
    except TapeError as error:
        told = _EVENT.match(str(error))
        raise _problem(path, int(told[1]) if told else 1, str(error)) from None
    if tape.end is None:
        raise _problem(path, len(lines), "the tape is cut off: the end of the run is missing")
    if sha256 is not None and lines_digest(lines) != sha256:
        raise _problem(
            path, 1, "this is not the tape that was kept: its content has another SHA-256 than the case says"
        )
    return KeptTape(tuple(events), tape)


def lines_digest(lines: Sequence[str]) -> str:
    """The SHA-256 of the lines of a tape, however its file ends them: 64 hex digits."""
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line.encode("utf-8", "surrogatepass") + b"\n")
    return digest.hexdigest()


def _lines(path: Path) -> Sequence[str]:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise _problem(path, 1, f"the tape has more than {MAX_BYTES:,} bytes")
        content = path.read_bytes()
    except FileNotFoundError:
        raise _problem(path, 1, "there is no such file") from None
    except OSError as error:
        raise _problem(path, 1, f"the tape cannot be read: {error.strerror}") from None
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _problem(path, line, f"the byte 0x{content[error.start]:02x} is not UTF-8") from None
    return text.removesuffix("\n").split("\n") if "\r" not in text else text.splitlines()


def _problem(path: Path, line: int, message: str, expected: str = _AGAIN) -> DefinitionError:
    return DefinitionError([Problem(path, line, 1, "", "", expected, None, message)])
