"""The timeline: the events of a run, a line each, as they happen and afterwards; 100,000 of them at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Hashable, Sequence
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.dom import DOMNode
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from workbench.trace.events import Event
from workbench.trace.rows import EventRow
from workbench.tui.columns import layout
from workbench.tui.event_content import event_text
from workbench.tui.expansions import Expansions
from workbench.tui.live_rows import LiveRows
from workbench.tui.row_text import RowState, head_strip, row_strip
from workbench.tui.timeline_filter import parse_filter
from workbench.tui.timeline_search import TimelineSearch
from workbench.tui.timeline_status import status
from workbench.tui.timeline_view import TimelineView
from workbench.tui.turns import Turns
from workbench.tui.waterfall import scale
from workbench.tui.widgets.line_view import LineView
from workbench.tui.widgets.timeline_keys import TIMELINE_KEYS

Details = Callable[[int], Event | None]
"""Fetches the whole event of a seq; None when it cannot be had any more."""


class Timeline(LineView):
    """The events of one run.

    It is fed by calls and reads nothing itself, but whole events through `details` for rows that are expanded or
    copied. Calls need no order but that of the events; they may come at the rate of the screen's pump.
    """

    HEAD = 1

    BINDINGS: ClassVar[list[BindingType]] = [*TIMELINE_KEYS]

    class Selected(Message):
        """The cursor stands on another event, named by its seq."""

        def __init__(self, seq: int) -> None:
            super().__init__()
            self.seq = seq

        @property
        def control(self) -> DOMNode | None:
            """The timeline."""
            return self._sender if isinstance(self._sender, DOMNode) else None

        def can_replace(self, message: Message) -> bool:
            """Only the newest selection in a timeline matters."""
            return isinstance(message, Timeline.Selected) and message.control is self.control

    class FollowChanged(Message):
        """The timeline follows new events, or no longer does."""

        def __init__(self, follow: bool) -> None:
            super().__init__()
            self.follow = follow

    class CopyRequested(Message):
        """The user wants this text on the clipboard."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id, classes=classes)
        self.view = TimelineView()
        self.filter_text = ""
        self._search = TimelineSearch(self.view)
        self._details: Details = lambda seq: None
        self._turns = Turns()
        self._live = LiveRows(80)
        self._cursor = -1
        self._told: int | None = None
        self._follow = True
        self._whole = scale(0)
        self._tools: set[str] = set()
        self._expansions = Expansions(self.view, 80)
        self._columns = layout(80)

    # Doors

    def show_run(self, rows: Sequence[EventRow], details: Details) -> None:
        """Show a run instead of what was shown. Filter and search stay; the timeline follows, its end in view."""
        self._details = details
        self._turns, self._live = Turns(), LiveRows(self.text_width)
        self._whole, self._tools = scale(0), set()
        self._cursor, self._told = -1, None
        self.view.replace(rows)
        self._expansions = Expansions(self.view, self.text_width)
        self._taken(rows)
        self._search.look_again()
        self._set_follow(True)
        self.draw_again()
        self._after_lines()

    def extend(self, rows: Sequence[EventRow]) -> None:
        """Append what happened since. Rows that are there already are passed over."""
        begin = len(self.view.rows)
        self.view.extend(rows)
        new = self.view.rows[begin:]
        if not new:
            return
        self._taken(new)
        self._live.stored(new)
        self._search.look_from(begin)
        self._after_lines()

    def live(self, step: int, kind: str, text: str) -> None:
        """Streaming text of a reply, which grows as the last row until the stored event takes its place.

        `kind` is that of `workbench.engine.world.LiveText`: text, reasoning or tool_input grow, reset takes away what
        came so far.
        """
        self._live.take(step, kind, text)
        self._after_lines()

    def end_live(self) -> None:
        """Take the streaming rows away, for a reply that will not be stored."""
        if self._live.end():
            self._after_lines()

    def select(self, seq: int) -> bool:
        """Put the cursor on an event and stop following; False when it is not there or the filter hides it."""
        index = self.view.index_of_seq(seq)
        place = None if index is None else self.view.place_of(index)
        if place is None:
            return False
        self._go_to(place)
        return True

    @property
    def selected(self) -> EventRow | None:
        """The row under the cursor."""
        return self.view.row_at(self._cursor) if 0 <= self._cursor < len(self.view) else None

    def filter(self, text: str) -> None:
        """Show only the rows that a filter lets through; `workbench.tui.timeline_filter.LANGUAGE` describes how.

        Raises:
            FilterError: it means nothing; what is shown stays.
        """
        condition = parse_filter(text)
        index = self.view.index_at(self._cursor) if self.selected else 0
        self.filter_text = text
        self.view.filter(condition)
        self._put_cursor(self.view.nearest_place(index))
        self.refresh()
        self._after_lines()
        if not self._follow:
            self._show_cursor()

    def search(self, text: str, origin: int | None = None) -> int:
        """Mark what says `text`, in any case, and go to the first such row; gives how many say it.

        It looks from the cursor on, or from the event with the seq `origin` (where the cursor was when the first letter
        was typed), at what the rows show. Empty text ends the search.
        """
        self._search.look_for(text)
        self.refresh()
        index = None if origin is None else self.view.index_of_seq(origin)
        begin = self._cursor if index is None else self.view.nearest_place(index)
        if 0 <= begin < len(self.view):
            found = begin
            if self.needle and not self._search.says(self.view.row_at(begin)):
                found = self._search.next_place(begin, 1) or begin
            if found != self._cursor:
                self._go_to(found)
        return len(self._search.hits)

    @property
    def needle(self) -> str:
        """The text that is searched, in small letters; empty when there is no search."""
        return self._search.needle

    def add_hits(self, seqs: Collection[int]) -> None:
        """Count these events as hits of the search too: what they hold was found to say its text."""
        self._search.add([index for seq in seqs if (index := self.view.index_of_seq(seq)) is not None])
        self.refresh()

    @property
    def hits(self) -> Sequence[int]:
        """The seqs of the events that the search found."""
        return [self.view.rows[index].seq for index in self._search.hits]

    @property
    def follow(self) -> bool:
        """Whether the cursor stays on the last event as new ones come."""
        return self._follow

    @follow.setter
    def follow(self, follow: bool) -> None:
        self._set_follow(follow)
        self._after_lines()

    @property
    def tools(self) -> Collection[str]:
        """The tools that the run called, for completions of a filter."""
        return self._tools

    def go_to_next_error(self, direction: int = 1) -> bool:
        """Go to the next row that is an error, or the one before with -1; False when there is none."""
        return self._go_if_found(self.view.next_place(self._cursor, lambda row: row.is_error, direction))

    def go_to_next_step(self, direction: int = 1) -> bool:
        """Go to the first row of the next step, with -1 to that of this step or the one before."""
        return self.selected is not None and self._go_if_found(self.view.next_step(self._cursor, direction))

    def go_to_next_hit(self, direction: int = 1) -> bool:
        """Go to the next row that the search found, around the end; False when there is none that the filter shows."""
        return self._go_if_found(self._search.next_place(self._cursor, direction))

    def go_to_end(self) -> None:
        """Go to the last event and follow new ones."""
        self.follow = True

    # Lines

    def line_count(self) -> int:
        """Rows, what is expanded, and the streaming rows."""
        return self.view.line_count + len(self._live)

    def line_key(self, line: int) -> Hashable:
        """What a line looks like depends on."""
        at = self.view.at(line)
        if at is None:
            return self._live.key(line - self.view.line_count)
        index = self.view.index_at(at.place)
        if at.part:
            return index, at.part, self.needle
        row = self.view.rows[index]
        marked = self.needle if self.needle and self._search.says(row) else ""
        expanded = self.view.is_expanded(index)
        return index, self._turns.mark(row), at.place == self._cursor, expanded, self._whole, marked

    def draw_line(self, line: int) -> Strip:
        """A row, a line of an expansion, or a line of a streaming row."""
        at = self.view.at(line)
        if at is None:
            return self._live.strip(line - self.view.line_count, self.paints, self.text_width)
        if at.part:
            return self._expansions.strip(at, self.paints, self.needle)
        index = self.view.index_at(at.place)
        row = self.view.rows[index]
        expanded = self.view.is_expanded(index)
        state = RowState(self._turns.mark(row), at.place == self._cursor, expanded, self._whole, self.needle)
        return row_strip(row, self._columns, state, self.paints)

    def draw_head(self, number: int) -> Strip:
        """The titles of the columns."""
        return head_strip(self._columns, self._whole, self._status(), self.paints)

    def width_changed(self) -> None:
        """Choose the columns and wrap what is expanded."""
        self._columns = layout(self.text_width)
        self._live.rewrap(self.text_width)
        self._expansions.rewrap(self.text_width)
        if self._follow:
            self.call_after_refresh(self._after_lines)

    def scrolled_by_hand(self, lines: int) -> None:
        """The wheel: the cursor stays where it is."""
        if lines < 0:
            self._set_follow(False)
        super().scrolled_by_hand(lines)

    # Actions

    def action_move(self, rows: int) -> None:
        """Move the cursor by rows."""
        if len(self.view):
            self._go_to(self._cursor + rows)

    def action_page(self, pages: float) -> None:
        """Move the cursor by pages."""
        lines = max(1, round(abs(pages) * (self.page_height - 1)))
        at = self.view.at(max(0, self.view.line_of(max(0, self._cursor)) + (lines if pages > 0 else -lines)))
        if len(self.view):
            self._go_to(at.place if at else len(self.view) - 1)

    def action_first(self) -> None:
        """Go to the first event."""
        if len(self.view):
            self._go_to(0)

    def action_follow(self) -> None:
        """Go to the last event and follow."""
        self.go_to_end()

    def action_expand(self) -> None:
        """Expand the event under the cursor, or fold it."""
        row = self.selected
        if row is None:
            return
        index = self.view.index_at(self._cursor)
        if self.view.is_expanded(index):
            self._expansions.close(index)
        elif (event := self._details(row.seq)) is not None:
            self._expansions.open(index, event)
        self._set_follow(False)
        self.draw_again()
        self.lines_changed()
        self._show_cursor()

    def action_next_error(self, direction: int) -> None:
        """Go to another error."""
        self._or_bell(self.go_to_next_error(direction))

    def action_next_step(self, direction: int) -> None:
        """Go to another step."""
        self._or_bell(self.go_to_next_step(direction))

    def action_next_hit(self, direction: int) -> None:
        """Go to another hit."""
        self._or_bell(self.go_to_next_hit(direction))

    async def action_copy(self) -> None:
        """Ask for the event under the cursor to be copied."""
        row = self.selected
        event = None if row is None else self._details(row.seq)
        if event is not None:
            self.post_message(self.CopyRequested(await asyncio.to_thread(event_text, event)))

    def on_click(self, event: events.Click) -> None:
        """A click selects a row; a click on the selected one expands or folds it."""
        line = self.line_at(event.y)
        at = None if line is None else self.view.at(line)
        if at is None:
            return
        if at.place == self._cursor:
            self.action_expand()
        else:
            self._go_to(at.place)

    # Inside

    def _taken(self, rows: Sequence[EventRow]) -> None:
        """Follow what new rows mean for the others."""
        self._turns.extend(rows)
        self._tools.update(row.tool for row in rows if row.tool is not None)
        if rows and rows[-1].offset > self._whole:
            self._whole = scale(rows[-1].offset)
            self.refresh()

    def _after_lines(self) -> None:
        """Lines came or went: keep the cursor where it belongs, and the view with it when following."""
        last = len(self.view) - 1
        if self._follow or self._cursor < 0:
            self._put_cursor(last if self._follow else min(0, last))
        self.lines_changed()
        if self._follow:
            self.scroll_to_line(self.line_count())
        self.refresh(Region(0, 0, self.size.width, self.HEAD))

    def _go_to(self, place: int) -> None:
        """Put the cursor on a row because the user wants to be there."""
        place = max(0, min(place, len(self.view) - 1))
        self._set_follow(False)
        self._put_cursor(place)
        self._show_cursor()

    def _put_cursor(self, place: int) -> None:
        """Let the cursor stand on the row at a place; tell it when that is another event than before."""
        if place != self._cursor:
            self._cursor = place
            self.refresh()
        seq = self.selected.seq if self.selected else None
        if seq != self._told:
            self._told = seq
            if seq is not None:
                self._tell(self.Selected(seq))

    def _show_cursor(self) -> None:
        if self._cursor >= 0:
            first = self.view.line_of(self._cursor)
            self.bring_into_view(first, first + self.view.height_of(self._cursor) - 1)

    def _set_follow(self, follow: bool) -> None:
        if follow != self._follow:
            self._follow = follow
            self._tell(self.FollowChanged(follow))

    def _tell(self, message: Message) -> None:
        """Post a message as ours, also when a door was called from elsewhere: one from a parent would end there."""
        self.post_message(message.set_sender(self))

    def _go_if_found(self, place: int | None) -> bool:
        if place is not None:
            self._go_to(place)
        return place is not None

    def _status(self) -> str:
        selected = self.view.index_at(self._cursor) if self.selected else None
        return status(self.view, self._search, selected, self.filter_text, follow=self._follow)

    def _or_bell(self, found: bool) -> None:
        if not found:
            self.app.bell()
