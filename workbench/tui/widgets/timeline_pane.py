"""The timeline with the line in which its filter and its search are typed."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message

from workbench.tui import timeline_filter
from workbench.tui.timeline_filter import FilterError, completions
from workbench.tui.widgets.query_bar import QueryBar
from workbench.tui.widgets.timeline import Timeline

SEARCH, FILTER = "search", "filter"


class TimelinePane(Vertical):
    """A `Timeline`, reached as `timeline`, and its query line."""

    HELP = (
        "The events of a run, one a line. enter shows the whole event below its row, G follows what happens, e goes to "
        "the next error, ] to the next step, / finds text, and f shows only some rows. A heavy bracket joins calls "
        "that the model issued at once; a result has the number of its call.\n\n" + timeline_filter.LANGUAGE
    )

    DEFAULT_CSS = """
    TimelinePane > Timeline { height: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "open_search", "Search", tooltip="Find text in the rows", id="timeline.search"),
        Binding(
            "f",
            "open_filter",
            "Filter",
            tooltip="Show only some rows: kind, tool, step, error, text",
            id="timeline.filter",
        ),
        Binding("escape", "clear", "Clear", tooltip="Forget the search, then the filter", id="timeline.clear"),
    ]

    class Searched(Message):
        """A search was kept. What whole events hold can be searched too, and told by `timeline.add_hits`."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id, classes=classes)
        self.timeline = Timeline()
        self._bar = QueryBar()
        self._came_from = 0

    def compose(self) -> ComposeResult:
        """The timeline above, the query line below."""
        yield self.timeline
        yield self._bar

    def action_open_search(self) -> None:
        """Type what to look for."""
        self._came_from = self.timeline.selected.seq if self.timeline.selected else 0
        self._bar.open(SEARCH, self.timeline.needle)

    def action_open_filter(self) -> None:
        """Type what to show."""
        self._bar.open(FILTER, self.timeline.filter_text, lambda text: completions(text, self.timeline.tools))

    def action_clear(self) -> None:
        """Forget the search; if there is none, the filter."""
        if self.timeline.needle:
            self.timeline.search("")
        else:
            self.timeline.filter("")
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Escape is ours only while there is something to clear."""
        if action == "clear":
            return bool(self.timeline.needle or self.timeline.filter_text)
        return super().check_action(action, parameters)

    def on_query_bar_typed(self, event: QueryBar.Typed) -> None:
        """Search or filter as the text stands."""
        event.stop()
        self._apply(event.purpose, event.text)

    def on_query_bar_closed(self, event: QueryBar.Closed) -> None:
        """Keep what was typed, or go back to what was before."""
        event.stop()
        if not event.kept:
            self._apply(event.purpose, event.text)
        elif event.purpose == SEARCH and event.text:
            self.post_message(self.Searched(event.text))
        self.screen.set_focus(self.timeline)
        self.refresh_bindings()

    def _apply(self, purpose: str, text: str) -> None:
        if purpose == SEARCH:
            count = self.timeline.search(text, self._came_from)
            self._bar.note(f"{count:,} found" if text else "", bad=bool(text) and not count)
            return
        try:
            self.timeline.filter(text)
        except FilterError as error:
            if not completions(text, self.timeline.tools):
                self._bar.note(str(error), bad=True)
