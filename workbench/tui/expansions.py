"""The events that are expanded below their rows in a timeline."""

from __future__ import annotations

from rich.segment import Segment
from textual.strip import Strip

from workbench.trace.events import Event
from workbench.tui.page import Page, event_lines
from workbench.tui.row_text import Paints
from workbench.tui.timeline_view import Line, TimelineView

EXCERPT = 6_000
"""Characters of each part of an event that are shown in place; the detail pane shows more."""

_LEAD_CELLS = 4
_LEAST_CELLS = 10


class Expansions:
    """What is expanded in a view, laid out for `width` cells. The view knows how many lines each takes."""

    def __init__(self, view: TimelineView, width: int) -> None:
        self._view = view
        self._width = width
        self._pages: dict[int, Page] = {}

    def open(self, index: int, event: Event) -> None:
        """Show the event below its row."""
        lines, _ = event_lines(event, EXCERPT)
        self._lay_out(index, Page(lines, self._text_width))

    def close(self, index: int) -> None:
        """Fold it."""
        self._pages.pop(index, None)
        self._view.expand(index, 0)

    def rewrap(self, width: int) -> None:
        """Lay out for another width."""
        self._width = width
        for index, page in list(self._pages.items()):
            self._lay_out(index, Page(page.lines, self._text_width))

    def strip(self, at: Line, paints: Paints, needle: str) -> Strip:
        """A line of an expansion; `at.part` counts from 1."""
        page = self._pages[self._view.index_at(at.place)]
        segments = [Segment(f"  {'│' if at.part < len(page) else '╰'} ", paints["faint"])]
        segments += page.segments(at.part - 1, paints, needle)
        return Strip(Segment.apply_style(segments, paints["base"]))

    @property
    def _text_width(self) -> int:
        return max(_LEAST_CELLS, self._width - _LEAD_CELLS)

    def _lay_out(self, index: int, page: Page) -> None:
        self._pages[index] = page
        self._view.expand(index, len(page))
