"""A screen full of hostile text, for a test that reads what reaches the terminal: `python -m tests.tui.hostile_screen`.

With the argument `unsafe` the app leaves out the filter of control characters and hands a widget the raw text.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.filter import LineFilter
from textual.widgets import Input, Static

from tests.tui.timeline_cases import HOSTILE, a_run, rows_of
from workbench.tui.safe_text import NO_CONTROL
from workbench.tui.widgets.event_detail import EventDetail
from workbench.tui.widgets.timeline_pane import TimelinePane

EVENTS = {event.seq: event for event in a_run()}
RAW = HOSTILE.replace("\ud800", "")  # a surrogate ends the program where nothing filters it


class HostileScreen(App[None]):
    """The timeline, the detail pane and the query line, each showing the text."""

    CSS = "TimelinePane, EventDetail { height: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+q", "quit", "Quit")]

    def __init__(self, *, safe: bool) -> None:
        super().__init__()
        self.safe = safe

    def get_line_filters(self) -> Sequence[LineFilter]:
        filters = super().get_line_filters()
        return [*filters, NO_CONTROL] if self.safe else filters

    def compose(self) -> ComposeResult:
        yield TimelinePane()
        yield EventDetail()
        yield Static(HOSTILE if self.safe else RAW, markup=False)
        yield Static(id="last")

    async def on_mount(self) -> None:
        timeline = self.query_one(TimelinePane).timeline
        timeline.show_run(rows_of(list(EVENTS.values())), EVENTS.get)
        timeline.live(4, "text", HOSTILE)
        timeline.live(4, "tool_input", HOSTILE)
        timeline.select(18)
        timeline.action_expand()
        self.query_one(EventDetail).show(EVENTS[18])
        pane = self.query_one(TimelinePane)
        pane.action_open_search()
        pane.query_one(Input).value = RAW
        self.set_timer(0.5, lambda: self.query_one("#last", Static).update("painted-last"))


if __name__ == "__main__":
    HostileScreen(safe="unsafe" not in sys.argv).run()
