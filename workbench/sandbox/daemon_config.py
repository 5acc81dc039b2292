"""Docker's daemon.json: adding a runtime to it and leaving everything else as it is."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.jsontypes import JsonValue
from workbench.sandbox.sandbox import SandboxError


class DaemonConfigError(SandboxError):
    """daemon.json cannot be read or extended; it was not touched."""


@dataclass(frozen=True, slots=True)
class RuntimeEntry:
    """A runtime as daemon.json names it."""

    path: str
    args: tuple[str, ...]

    def as_json(self) -> dict[str, JsonValue]:
        """The entry as daemon.json holds it."""
        return {"path": self.path, "runtimeArgs": list(self.args)}


def merge_runtime(text: str | None, name: str, entry: RuntimeEntry, where: str = "daemon.json") -> str:
    """The file's text with the runtime `name` set to `entry`; unchanged text if it is so already.

    Key order and indentation are kept. `text` is None where there is no file yet.

    Raises:
        DaemonConfigError: the text is not a JSON object, a key is there twice, or `runtimes` is not an object.
    """
    document = _parse(text or "", where)
    runtimes = document.get("runtimes", {})
    if not isinstance(runtimes, dict):
        raise DaemonConfigError(f'{where}: "runtimes" must be an object, not {type(runtimes).__name__}. Mend it first.')
    if text and runtimes.get(name) == entry.as_json():
        return text
    document["runtimes"] = {**runtimes, name: entry.as_json()}
    return json.dumps(document, indent=_indentation(text or ""), ensure_ascii=False) + "\n"


def registered_runtime(text: str | None, name: str) -> RuntimeEntry | None:
    """The runtime `name` as the text has it; None if it has none, or cannot be read."""
    try:
        runtimes = _parse(text or "", "").get("runtimes")
    except DaemonConfigError:
        return None
    found = runtimes.get(name) if isinstance(runtimes, dict) else None
    if not isinstance(found, dict) or not isinstance(found.get("path"), str):
        return None
    args = found.get("runtimeArgs")
    return RuntimeEntry(str(found["path"]), tuple(str(arg) for arg in args) if isinstance(args, list) else ())


def _parse(text: str, where: str) -> dict[str, JsonValue]:
    if not text.strip():
        return {}
    try:
        document = json.loads(text, object_pairs_hook=_unique_keys)
    except json.JSONDecodeError as error:
        place = f"{where}:{error.lineno}:{error.colno}"
        raise DaemonConfigError(f"{place}: not valid JSON ({error.msg}). Docker cannot read it either.") from error
    except ValueError as error:
        raise DaemonConfigError(f"{where}: {error}. Remove one of them; nothing was changed.") from error
    if not isinstance(document, dict):
        raise DaemonConfigError(f"{where}: must hold a JSON object, not {type(document).__name__}.")
    return document


def _unique_keys(pairs: Sequence[tuple[str, JsonValue]]) -> Mapping[str, JsonValue]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f'the key "{twice}" is there twice')
    return found


def _indentation(text: str) -> int | str:
    match = re.search(r"^[\[{]\s*?\n([ \t]+)\"", text.lstrip())
    if not match:
        return 4
    return "\t" if "\t" in match.group(1) else len(match.group(1))


def read_text_or_none(path: Path) -> str | None:
    """The file's text, None where there is no such file.

    Raises:
        DaemonConfigError: it is there and cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise DaemonConfigError(f"{path}: cannot be read ({error}).") from error
