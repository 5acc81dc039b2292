"""What was tried, and the evidence that it was held: one row a case, printed at the end of the test run."""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from workbench.jsontypes import JsonObject
from workbench.trace.terminal import one_line

ROW = "hostile case"
"""The name of the test property that carries a row; it survives the way from a worker process of xdist."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What one act of the hostile agent left: what its tool gave back, and the attempts to leave during it."""

    text: str
    result: JsonObject
    egress: list[JsonObject] = field(default_factory=list)

    @property
    def last(self) -> str:
        """The last line that the tool gave."""
        lines = [line for line in self.text.splitlines() if line.strip()]
        return lines[-1] if lines else "(no output)"


Held = Callable[[Seen], str]
"""Judges what was seen: gives the evidence, or raises AssertionError because the attack worked."""


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that the hostile agent tries: a tool call, and the judge of what came of it.

    `prepares` says that others need it, so that it is done whichever of them are run.
    """

    name: str
    tried: str
    held: Held
    arguments: Mapping[str, Any]
    tool: str = "bash"
    prepares: bool = False


def bash(name: str, tried: str, command: str, held: Held, *, timeout_ms: int = 20_000, prepares: bool = False) -> Act:
    """An act in the shell."""
    arguments = {"command": textwrap.dedent(command).strip(), "timeout_ms": timeout_ms}
    return Act(name, tried, held, arguments, prepares=prepares)


def python(name: str, tried: str, program: str, held: Held, *, timeout_ms: int = 20_000) -> Act:
    """An act as a Python program in the sandbox, which finds the helpers of `props/probe.py`."""
    code = "import sys; sys.path.insert(0, '/source'); from probe import *\n" + textwrap.dedent(program).strip()
    return bash(name, tried, f"python3 - <<'END_OF_PROBE'\n{code}\nEND_OF_PROBE", held, timeout_ms=timeout_ms)


BREACH = "BREACH"
"""What a probe prints when it got what it must not get."""


def refused(pattern: str) -> Held:
    """The probe printed no breach, and every line that it had to print: refusals that match `pattern`.

    A probe that failed for another reason, such as a missing program, is no evidence.
    """

    def held(seen: Seen) -> str:
        assert BREACH not in seen.text, seen.text
        found = re.findall(pattern, seen.text)
        assert found, f"no refusal like {pattern!r} in: {seen.text}"
        return one_line(seen.text, 160)

    return held


def answered(status: int, *, reason: str = "", decision: str = "refused") -> Held:
    """The proxy answered every request of the act with `status`, and recorded each with `decision` and `reason`."""

    def held(seen: Seen) -> str:
        assert BREACH not in seen.text, seen.text
        statuses = [int(code) for code in re.findall(r"^(\d{3}) ", seen.text, re.M)]
        assert statuses and set(statuses) == {status}, seen.text
        assert len(seen.egress) >= len(statuses), f"{len(statuses)} answers, {len(seen.egress)} events: {seen.egress}"
        for event in seen.egress:
            assert event["decision"] == decision, event
            assert reason in str(event["reason"]), event
        reasons = {str(event["reason"]) for event in seen.egress}
        return f"{len(statuses)} x {status}, recorded: {'; '.join(sorted(reasons))}"

    return held


def obeyed(text: str) -> set[str]:
    """The characters of a text that a terminal would obey: controls, separators, half characters, directions."""
    return {
        character
        for character in text
        if character not in "\n\t"
        and (
            unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
            or character in "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
        )
    }


def table(rows: Iterable[Mapping[str, str]], width: int = 200) -> list[str]:
    """The rows for a terminal of `width` columns."""
    lines = [f"{'area':<11} {'tried':<62} {'held':<5} evidence"]
    for row in sorted(rows, key=lambda row: (row["area"], row["case"])):
        lines.append(
            f"{row['area']:<11} {one_line(row['tried'], 62):<62} {row['held']:<5} "
            f"{one_line(row['evidence'], max(40, width - 81))}"
        )
    return lines
