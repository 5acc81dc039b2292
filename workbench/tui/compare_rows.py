"""The aligned rows of a comparison: which rows there are while runs go on, which differ, and which lines they take."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

from workbench.trace.alignment import Row, align, realign, settled
from workbench.trace.compared_rows import ComparedRow
from workbench.tui.compare_column import CompareColumn


class Line(NamedTuple):
    """What a line shows: the row at a place, itself when `part` is 0, else that line of its expansion, from 1."""

    place: int
    part: int


class CompareRows:
    """The rows of two to four columns side by side, aligned again as the columns grow.

    Rows are counted from 0; the rows that are shown (all, or those that differ) have a *place* among them.
    """

    def __init__(self, columns: Sequence[CompareColumn]) -> None:
        self.columns = columns
        self.rows: list[Row] = []
        self.only_differences = False
        self.shown: Sequence[int] = range(0)
        self._versions: list[int] = []
        self._settled = 0
        self._ends: list[int] = [-1] * len(columns)
        self._heights: dict[int, int] = {}
        self._lines: list[int] = [0]

    @property
    def is_stale(self) -> bool:
        """Whether a column has changed since the rows were aligned."""
        return self._versions != [column.version for column in self.columns]

    def would_change_from(self) -> int:
        """The first place that a new alignment may change."""
        kept = self._kept()
        return next((place for place, row in enumerate(self.shown) if row >= kept), len(self.shown))

    def align(self) -> None:
        """Align what has changed: the rows after the last one that all columns share, unless one before it moved."""
        keys = [column.keys for column in self.columns]
        kept = self._kept()
        self.rows = realign(self.rows, keys, kept) if kept else align(keys)
        self._settled = settled(self.rows, keys)
        self._ends = [self._end(column) for column in range(len(self.columns))]
        self._versions = [column.version for column in self.columns]
        for column in self.columns:
            column.first_changed = len(column.rows)
        self._heights = {row: height for row, height in self._heights.items() if row < len(self.rows)}
        self.show(only_differences=self.only_differences)

    def _kept(self) -> int:
        """How many rows stay: the settled ones, unless something before their end has moved; then none."""
        if not self._settled:
            return 0
        last = self.rows[self._settled - 1]
        moved = any(at is None or at >= column.first_changed for at, column in zip(last, self.columns, strict=True))
        return 0 if moved else self._settled

    def _end(self, column: int) -> int:
        """The last row that has something in a column, -1 if none has."""
        return next((row for row in range(len(self.rows) - 1, -1, -1) if self.rows[row][column] is not None), -1)

    def cell(self, row: int, column: int) -> ComparedRow | None:
        """What a column has in a row."""
        at = self.rows[row][column]
        return None if at is None else self.columns[column].rows[at]

    def reference(self, row: int, among: Sequence[int]) -> ComparedRow | None:
        """What the others of a row are compared with: the first that is there."""
        return next((cell for column in among if (cell := self.cell(row, column)) is not None), None)

    def is_pending(self, row: int, column: int) -> bool:
        """Whether a gap may still be filled: the column goes on and has nothing after it."""
        return row > self._ends[column] and self.columns[column].is_going_on

    def differs(self, row: int, among: Sequence[int]) -> bool:
        """Whether these columns do not all say the same in a row; what may still come is no difference."""
        said = {
            cell.exact if cell is not None else None
            for column in among
            if (cell := self.cell(row, column)) is not None or not self.is_pending(row, column)
        }
        return len(said) > 1

    # Lines

    def show(self, *, only_differences: bool) -> None:
        """Show all rows, or only those in which any two columns differ."""
        self.only_differences = only_differences
        everything = range(len(self.columns))
        self.shown = (
            [row for row in range(len(self.rows)) if self.differs(row, everything)]
            if only_differences
            else range(len(self.rows))
        )
        self._arrange()

    def expand(self, heights: Mapping[int, int]) -> None:
        """Give rows that many lines below their own."""
        self._heights = {row: height for row, height in heights.items() if height}
        self._arrange()

    @property
    def expanded(self) -> Sequence[int]:
        """The rows with lines below their own."""
        return tuple(self._heights)

    @property
    def line_count(self) -> int:
        """How many lines the shown rows take."""
        return self._lines[-1]

    def line_of(self, place: int) -> int:
        """The line on which the row at a place begins."""
        return self._lines[place]

    def height_of(self, place: int) -> int:
        """How many lines the row at a place takes."""
        return 1 + self._heights.get(self.shown[place], 0)

    def at(self, line: int) -> Line | None:
        """What a line shows; None when it is beyond the last."""
        if not 0 <= line < self.line_count:
            return None
        place = bisect_right(self._lines, line) - 1
        return Line(place, line - self._lines[place])

    def place_of(self, row: int) -> int:
        """The place of a row, or of the next one that is shown, or of the last; -1 when none is."""
        return next((place for place, shown in enumerate(self.shown) if shown >= row), len(self.shown) - 1)

    def _arrange(self) -> None:
        self._lines = [0, *accumulate(1 + self._heights.get(row, 0) for row in self.shown)]
