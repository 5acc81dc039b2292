"""What a save changed, line by line, as it may be shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import unified_diff

from workbench.definition.masking import hide_unparsed
from workbench.definition.watcher import FileChange
from workbench.trace.terminal import printable

_YAML = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class FileDiff:
    """The change of one file: its name, how many lines came and went, and the lines, each led by `+`, `-` or a blank."""

    name: str
    added: int
    removed: int
    lines: Sequence[str]


def diff(change: FileChange, name: str, context: int = 1) -> FileDiff:
    """The change with `context` lines around it. What may be a secret in YAML is hidden; all is safe to print."""
    if change.after is None:
        return FileDiff(name, 0, 0, ["  (deleted, or no text)"])
    before, after = (_shown(change, text or "") for text in (change.before, change.after))
    lines = [line for line in unified_diff(before, after, lineterm="", n=context)][2:]
    return FileDiff(
        name,
        sum(line.startswith("+") for line in lines),
        sum(line.startswith("-") for line in lines),
        [f"  ⋯ {line.split('@@')[1].strip()}" if line.startswith("@@") else _line(line) for line in lines],
    )


def _shown(change: FileChange, text: str) -> list[str]:
    lines = text.splitlines()
    return hide_unparsed(lines) if change.path.suffix in _YAML else lines


def _line(line: str) -> str:
    return f"{line[0]} {printable(line[1:]).expandtabs(4)}"
