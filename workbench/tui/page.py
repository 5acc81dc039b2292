"""Lines of content laid out for a width: wrapped or cut, painted, found text marked."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from rich.segment import Segment

from workbench.trace.events import Event
from workbench.tui.event_content import Part, parts_of
from workbench.tui.event_facts import facts_of
from workbench.tui.marking import marked
from workbench.tui.row_text import Paints
from workbench.tui.wrapping import breaks, clean

LineForm = Literal["title", "fact", "text", "json", "diff", "note"]

_NAME_CELLS = 14
_JSON = re.compile(
    r'(?P<key>"[^"\\]*(?:\\.[^"\\]*)*"(?=\s*:))|(?P<string>"[^"\\]*(?:\\.[^"\\]*)*"?)|(?P<number>-?\d[\d.eE+-]*|\btrue\b|\bfalse\b|\bnull\b)'
)


class SourceLine(NamedTuple):
    """A line before it is wrapped, safe to print; `form` says how it is painted."""

    text: str
    form: LineForm


def event_lines(event: Event, limit: int) -> tuple[Sequence[SourceLine], Sequence[Part]]:
    """The lines that show an event, at most `limit` characters of each part, and the parts that were cut."""
    lines = [_fact(*fact) for fact in facts_of(event)]
    cut = []
    for part in parts_of(event):
        shown, whole = part.head(limit)
        lines += [SourceLine("", "text"), SourceLine(clean(part.title), "title")]
        lines += [SourceLine(clean(line), part.form) for line in _without_return(shown)]
        if not whole:
            cut.append(part)
            lines.append(SourceLine(f"… cut after {limit:,} characters; o opens the whole", "note"))
    return lines, cut


def _without_return(lines: Sequence[str]) -> Iterator[str]:
    return (line.removesuffix("\r") for line in lines)


def _fact(name: str, value: str) -> SourceLine:
    return SourceLine(f"{clean(name):<{_NAME_CELLS}}{clean(value)}".replace("\n", " "), "fact")


Stretch = tuple[int, int, str | None]
"""A part of a line that is painted alike: where it begins, where it ends, and the name of its paint."""


class Page:
    """Source lines laid out for a width: wrapped, or a line each. Lines of the page are counted from 0."""

    def __init__(self, lines: Sequence[SourceLine], width: int, *, wrapped: bool = True) -> None:
        self.lines = lines
        self.width = width
        self._stretched: tuple[int, Sequence[Stretch]] = (-1, ())
        self._pieces: list[tuple[int, int, int]] = []  # source line, begin, end
        for number, line in enumerate(lines):
            if wrapped:
                self._pieces.extend((number, begin, end) for begin, end in breaks(line.text, width))
            else:
                self._pieces.append((number, 0, len(line.text)))

    def __len__(self) -> int:
        return len(self._pieces)

    def source_of(self, number: int) -> int:
        """The source line that a line of the page shows a piece of."""
        return self._pieces[number][0]

    def line_of(self, source: int, column: int = 0) -> int:
        """The line of the page that shows a place of a source line."""
        return max(0, bisect_right(self._pieces, (source, column, len(self.lines[source].text))) - 1)

    def find(self, needle: str) -> Sequence[tuple[int, int]]:
        """The places that say `needle` (in small letters): source line and column, in order."""
        found = []
        for source, line in enumerate(self.lines):
            folded = line.text.lower()
            column = folded.find(needle)
            while column >= 0:
                found.append((source, column))
                column = folded.find(needle, column + len(needle))
        return found

    def segments(self, number: int, paints: Paints, needle: str = "") -> list[Segment]:
        """A line of the page, painted; not filled to the width, and longer where it is not wrapped."""
        source, begin, end = self._pieces[number]
        line = self.lines[source]
        segments: list[Segment] = []
        for first, last, paint in self._stretches_of(source):
            if last > begin and first < end:
                text = line.text[max(first, begin) : min(last, end)]
                style = paints[paint] if paint else None
                segments.extend(marked(text, needle, style, paints["hit"]) if needle else [Segment(text, style)])
        return segments

    def _stretches_of(self, source: int) -> Sequence[Stretch]:
        """The stretches of a source line; kept for its other pieces, because a line may be very long."""
        if self._stretched[0] != source:
            self._stretched = source, list(_stretches(self.lines[source]))
        return self._stretched[1]


def _stretches(line: SourceLine) -> Iterator[Stretch]:
    """The stretches of a line that are painted alike, without a gap."""
    text, form = line
    match form:
        case "json":
            yield from _json_stretches(text)
        case "fact":
            yield 0, _NAME_CELLS, "faint"
            yield _NAME_CELLS, len(text), None
        case "title":
            yield 0, len(text), "title"
        case "note":
            yield 0, len(text), "faint"
        case "diff":
            yield 0, len(text), _diff_paint(text)
        case _:
            yield 0, len(text), None


def _json_stretches(text: str) -> Iterator[Stretch]:
    position = 0
    for found in _JSON.finditer(text):
        if found.start() > position:
            yield position, found.start(), None
        yield found.start(), found.end(), found.lastgroup
        position = found.end()
    if position < len(text):
        yield position, len(text), None


def _diff_paint(text: str) -> str | None:
    if text.startswith(("+++", "---", "@@")):
        return "faint"
    return "added" if text.startswith("+") else "removed" if text.startswith("-") else None
