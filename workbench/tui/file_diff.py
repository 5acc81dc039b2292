"""What a save changed, line by line and word by word, as it may be shown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from textual.content import Content

from workbench.definition.masking import hide_unparsed
from workbench.definition.watcher import FileChange
from workbench.trace.line_diff import DiffLine, unified_lines
from workbench.trace.terminal import printable
from workbench.trace.word_diff import word_diff

_YAML = (".yaml", ".yml")
_SIGNS = {"hunk": "⋯", "same": " ", "removed": "-", "added": "+"}
_STYLES: Mapping[str, str] = {"⋯": "$foreground 45%", " ": "$foreground 60%", "-": "$text-error", "+": "$text-success"}
_HUNK = re.compile(r"\+(\d+)")


@dataclass(frozen=True, slots=True)
class ShownLine:
    """A line of a difference: its sign, and its text in parts, each with whether it is what changed in the line."""

    sign: str
    parts: Sequence[tuple[str, bool]]

    def __str__(self) -> str:
        return f"{self.sign} {''.join(text for text, _ in self.parts)}"

    @property
    def content(self) -> Content:
        """The line in its colours, what changed in it underlined and bold."""
        style = _STYLES[self.sign]
        parts = [(text, f"bold underline {style}" if changed else style) for text, changed in self.parts]
        return Content.assemble((f"{self.sign} ", style), *parts)


@dataclass(frozen=True, slots=True)
class FileDiff:
    """The change of one file: its name, how many lines came and went, and the lines around that."""

    name: str
    added: int
    removed: int
    lines: Sequence[ShownLine]


def diff(change: FileChange, name: str, context: int = 1) -> FileDiff:
    """The change with `context` lines around it. What may be a secret in YAML is hidden; all is safe to print."""
    if change.after is None:
        return FileDiff(name, 0, 0, [ShownLine("⋯", [("deleted, or no text any more", False)])])
    before, after = (_shown(change, text or "") for text in (change.before, change.after))
    lines = unified_lines(before, after, context)
    return FileDiff(
        name,
        sum(line.tag == "added" for line in lines),
        sum(line.tag == "removed" for line in lines),
        list(_marked(lines)),
    )


def _shown(change: FileChange, text: str) -> str:
    return "\n".join(hide_unparsed(text.splitlines())) if change.path.suffix in _YAML else text


def _marked(lines: Sequence[DiffLine]) -> Iterator[ShownLine]:
    """The lines; of those that took the place of others, the words that differ are marked."""
    at = 0
    while at < len(lines):
        removed = _run(lines, at, "removed")
        added = _run(lines, at + len(removed), "added")
        if not removed and not added:
            yield _plain(lines[at])
            at += 1
            continue
        pairs = [word_diff(old.text, new.text) for old, new in zip(removed, added, strict=False)]
        for side, sign, tag in ((removed, "-", "removed"), (added, "+", "added")):
            for number, line in enumerate(side):
                if number < len(pairs):
                    mine = [piece for piece in pairs[number] if piece.tag in ("same", tag)]
                    yield ShownLine(sign, [(_safe(piece.text), piece.tag != "same") for piece in mine])
                else:
                    yield _plain(line)
        at += len(removed) + len(added)


def _run(lines: Sequence[DiffLine], at: int, tag: str) -> Sequence[DiffLine]:
    end = at
    while end < len(lines) and lines[end].tag == tag:
        end += 1
    return lines[at:end]


def _plain(line: DiffLine) -> ShownLine:
    if line.tag == "hunk":
        found = _HUNK.search(line.text)
        return ShownLine("⋯", [(f"line {found[1]}" if found else "", False)])
    return ShownLine(_SIGNS[line.tag], [(_safe(line.text), False)])


def _safe(text: str) -> str:
    return printable(text, keep="\t").expandtabs(4)
