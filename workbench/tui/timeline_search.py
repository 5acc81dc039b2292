"""Which rows of a timeline say a text, and the way from one to the next."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Sequence

from workbench.trace.rows import EventRow
from workbench.tui.timeline_view import TimelineView


class TimelineSearch:
    """A search over the rows of a view, hidden ones included. `needle` is the text in small letters, empty for none."""

    def __init__(self, view: TimelineView) -> None:
        self._view = view
        self._hits: list[int] = []
        self.needle = ""

    def look_for(self, text: str) -> None:
        """Find the rows that say `text` in any case."""
        self.needle = text.lower()
        self.look_again()

    def look_again(self) -> None:
        """The rows are others: find anew."""
        self._hits = []
        self.look_from(0)

    def look_from(self, index: int) -> None:
        """Rows were appended, from that index on."""
        if self.needle:
            rows = self._view.rows
            self._hits.extend(number for number in range(index, len(rows)) if self.says(rows[number]))

    def add(self, indices: Collection[int]) -> None:
        """Count these rows as found too."""
        self._hits = sorted({*indices, *self._hits})

    def says(self, row: EventRow) -> bool:
        """Whether the row shows the text."""
        return self.needle in row.gist.lower() or (row.tool is not None and self.needle in row.tool.lower())

    @property
    def hits(self) -> Sequence[int]:
        """The indices of the rows found, ascending."""
        return self._hits

    def next_place(self, place: int, direction: int) -> int | None:
        """The place of the next row found after `place`, with -1 before it, around the end; None when none is shown."""
        if not self._hits:
            return None
        index = self._view.index_at(place) if 0 <= place < len(self._view) else -1
        at = bisect_right(self._hits, index) if direction > 0 else bisect_left(self._hits, index) - 1
        for step in range(len(self._hits)):
            found = self._view.place_of(self._hits[(at + step * direction) % len(self._hits)])
            if found is not None:
                return found
        return None

    def rank(self, index: int) -> int | None:
        """Which of the rows found this one is, from 1; None when it is none of them."""
        at = bisect_left(self._hits, index)
        return at + 1 if at < len(self._hits) and self._hits[at] == index else None
