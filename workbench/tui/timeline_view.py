"""Which rows a timeline shows, and on which line of it: filter, expansion, and the way from row to line and back.

Pure arithmetic. A run's rows are counted by their *index*, from 0. The rows that pass the filter have a *place* among
those shown. Each takes one *line*, and as many more as its expansion has; lines are counted from 0 over the whole
timeline. Appending is cheap, whatever the number of rows: nothing is kept per row that is not expanded.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import NamedTuple

from workbench.trace.rows import EventRow

Condition = Callable[[EventRow], bool]


class Line(NamedTuple):
    """What a line shows: the row at `place`, itself when `part` is 0, else that line of its expansion, from 1."""

    place: int
    part: int


class TimelineView:
    """The rows of a run as they are shown."""

    def __init__(self) -> None:
        self.rows: list[EventRow] = []
        self._condition: Condition | None = None
        self._shown: Sequence[int] = range(0)
        self._heights: dict[int, int] = {}  # index of an expanded row → lines of its expansion
        self._places: list[int] = []  # of the expanded rows that are shown, ascending
        self._before: list[int] = [0]  # expansion lines before the n-th of them

    def replace(self, rows: Sequence[EventRow]) -> None:
        """Show another run; the filter stays, expansions are gone."""
        self.rows = list(rows)
        self._heights = {}
        self.filter(self._condition)

    def extend(self, rows: Sequence[EventRow]) -> int:
        """Append rows; those that are there already are passed over. Gives how many of the new ones are shown."""
        last = self.rows[-1].seq if self.rows else 0
        new = [row for row in rows if row.seq > last]
        begin = len(self.rows)
        self.rows.extend(new)
        if self._condition is None:
            self._shown = range(len(self.rows))
            return len(new)
        passing = [index for index, row in enumerate(new, begin) if self._condition(row)]
        assert isinstance(self._shown, array)  # noqa: S101 (there is a filter)
        self._shown.extend(passing)
        return len(passing)

    def filter(self, condition: Condition | None) -> None:
        """Show only the rows that meet the condition; None shows all. What is expanded stays so."""
        self._condition = condition
        if condition is None:
            self._shown = range(len(self.rows))
        else:
            self._shown = array("L", [index for index, row in enumerate(self.rows) if condition(row)])
        self._arrange()

    def expand(self, index: int, lines: int) -> None:
        """Give a row that many lines below its own; 0 takes them away."""
        if lines:
            self._heights[index] = lines
        else:
            self._heights.pop(index, None)
        self._arrange()

    def is_expanded(self, index: int) -> bool:
        """Whether the row has lines below its own."""
        return index in self._heights

    @property
    def expanded(self) -> Sequence[int]:
        """The indices of the expanded rows, shown or not, ascending."""
        return sorted(self._heights)

    def __len__(self) -> int:
        """How many rows are shown."""
        return len(self._shown)

    @property
    def line_count(self) -> int:
        """How many lines the shown rows take."""
        return len(self._shown) + self._before[-1]

    def index_at(self, place: int) -> int:
        """The index of the row at a place."""
        return self._shown[place]

    def row_at(self, place: int) -> EventRow:
        """The row at a place."""
        return self.rows[self._shown[place]]

    def place_of(self, index: int) -> int | None:
        """The place of a row; None when the filter hides it."""
        place = bisect_left(self._shown, index)
        return place if place < len(self._shown) and self._shown[place] == index else None

    def nearest_place(self, index: int) -> int:
        """The place of a row, or of the next one that is shown, or of the last; -1 when none is shown."""
        return min(bisect_left(self._shown, index), len(self._shown) - 1)

    def index_of_seq(self, seq: int) -> int | None:
        """The index of the event with this seq; None when it is not there."""
        index = bisect_left(self.rows, seq, key=lambda row: row.seq)
        return index if index < len(self.rows) and self.rows[index].seq == seq else None

    def next_place(self, place: int, wanted: Condition, direction: int) -> int | None:
        """The next place after `place` (before it with -1) whose row is wanted; None when there is none."""
        places = range(place + 1, len(self)) if direction > 0 else range(place - 1, -1, -1)
        return next((found for found in places if wanted(self.row_at(found))), None)

    def next_step(self, place: int, direction: int) -> int | None:
        """The first place of the next step; with -1 that of the row's own step, or of the one before."""
        step = self.row_at(place).step
        if direction > 0:
            found = self._first_of_step(step + 1)
            return found if found < len(self) else None
        first = self._first_of_step(step)
        if first < place:
            return first
        return self._first_of_step(self.row_at(first - 1).step) if first else None

    def _first_of_step(self, step: int) -> int:
        return bisect_left(range(len(self)), step, key=lambda place: self.row_at(place).step)

    def line_of(self, place: int) -> int:
        """The line on which the row at a place begins."""
        return place + self._before[bisect_left(self._places, place)]

    def height_of(self, place: int) -> int:
        """How many lines the row at a place takes."""
        return 1 + self._heights.get(self._shown[place], 0)

    def at(self, line: int) -> Line | None:
        """What a line shows; None when it is beyond the last."""
        if not 0 <= line < self.line_count:
            return None
        number = bisect_left(range(len(self._places)), line, key=self._first_line)
        if number < len(self._places) and self._first_line(number) == line:
            return Line(self._places[number], 0)
        if number:  # inside the expansion before, or after it
            part = line - self._first_line(number - 1)
            if part <= self._before[number] - self._before[number - 1]:
                return Line(self._places[number - 1], part)
        return Line(line - self._before[number], 0)

    def _first_line(self, number: int) -> int:
        """The line on which the n-th expanded row begins."""
        return self._places[number] + self._before[number]

    def _arrange(self) -> None:
        self._places, self._before = [], [0]
        for index in sorted(self._heights):
            place = self.place_of(index)
            if place is not None:
                self._places.append(place)
                self._before.append(self._before[-1] + self._heights[index])
