"""Text cut, filled and wrapped to a number of terminal cells; a wide glyph takes two."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

from rich.cells import cell_len, set_cell_size, split_graphemes

from workbench.trace.terminal import printable

TAB = "    "


def fit(text: str, width: int) -> str:
    """`text` in exactly `width` cells: filled with spaces, or cut with `…`."""
    if width <= 0:
        return ""
    if text.isascii():
        return text.ljust(width) if len(text) <= width else text[: width - 1] + "…"
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    return set_cell_size(text, width - 1) + "…"


def fit_right(text: str, width: int) -> str:
    """`text` in exactly `width` cells, filled on the left."""
    missing = width - cell_len(text)
    return " " * missing + text if missing >= 0 else fit(text, width)


def clean(text: str) -> str:
    """`text` safe to print: line breaks stay, a tab is four spaces, controls become visible marks."""
    return printable(text, keep="\n\t").replace("\t", TAB)


def wrap(text: str, width: int) -> list[str]:
    """The lines of `text`, each at most `width` cells, broken at spaces where that is possible. At least one line."""
    return [piece for line in text.split("\n") for piece in wrap_line(line, width)]


def wrap_line(line: str, width: int) -> list[str]:
    """One line without breaks in it, wrapped. A break takes the place of one space; the rest stays as it is."""
    return [line[start:end] for start, end in breaks(line, width)]


def breaks(line: str, width: int) -> Sequence[tuple[int, int]]:
    """Where the pieces of a wrapped line begin and end."""
    width = max(2, width)  # a wide glyph must fit
    if line.isascii():
        return _breaks_ascii(line, width) if len(line) > width else [(0, len(line))]
    return _breaks_wide(line, width) if cell_len(line) > width else [(0, len(line))]


def _breaks_ascii(line: str, width: int) -> Sequence[tuple[int, int]]:
    pieces, start = [], 0
    while len(line) - start > width:
        end, following = _break(line, start, start + width)
        pieces.append((start, end))
        start = following
    pieces.append((start, len(line)))
    return pieces


def _breaks_wide(line: str, width: int) -> Sequence[tuple[int, int]]:
    spans, _ = split_graphemes(line)
    starts = [start for start, _, _ in spans]
    cells = [0, *accumulate(size for _, _, size in spans)]  # cells before each grapheme
    pieces, start, first = [], 0, 0
    while cells[-1] - cells[first] > width:
        last = max(first + 1, bisect_right(cells, cells[first] + width) - 1)
        full = starts[last] if last < len(starts) else len(line)
        end, following = _break(line, start, full)
        pieces.append((start, end))
        start = following
        first = _place(starts, following, len(spans))
    pieces.append((start, len(line)))
    return pieces


def _place(starts: Sequence[int], start: int, count: int) -> int:
    """Which grapheme begins at or after the character `start`."""
    place = bisect_right(starts, start) - 1
    return place if place < count and starts[place] == start else min(place + 1, count)


def _break(line: str, start: int, full: int) -> tuple[int, int]:
    """Where a piece that could reach to `full` ends, and where the next one begins."""
    space = line.rfind(" ", start, full + 1)
    if space > start and not line[start:space].isspace():
        return space, space + 1
    return full, full


class GrowingText:
    """Text that grows at its end and is wrapped as it grows; only the last line is ever wrapped again."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._text: list[str] = []
        self._lines: list[str] = []
        self._open = ""

    @property
    def text(self) -> str:
        """The whole text, cleaned."""
        return "".join(self._text)

    @property
    def lines(self) -> Sequence[str]:
        """The wrapped lines, the last of them still open."""
        return [*self._lines, self._open]

    def __len__(self) -> int:
        return len(self._lines) + 1

    def line(self, number: int) -> str:
        """A wrapped line, from 0."""
        return self._lines[number] if number < len(self._lines) else self._open

    def append(self, text: str) -> None:
        """Let the text grow."""
        text = clean(text)
        self._text.append(text)
        self._take(text)

    def rewrap(self, width: int) -> None:
        """Wrap everything anew, for another width."""
        if width != self._width:
            self._width, self._lines, self._open = width, [], ""
            self._take(self.text)

    def _take(self, text: str) -> None:
        pieces = wrap(self._open + text, self._width)
        self._lines.extend(pieces[:-1])
        self._open = pieces[-1]
