"""One whole event: what is said of it, then what it holds, highlighted, to read, search and copy."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import Hashable, Sequence
from typing import ClassVar

from rich.segment import Segment
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.strip import Strip

from workbench.trace.events import Event
from workbench.tui.event_content import Part, event_text
from workbench.tui.page import Page, SourceLine, event_lines
from workbench.tui.widgets.line_view import LineView
from workbench.tui.widgets.query_bar import QueryBar

SHOWN = 200_000
"""Characters of each part of an event that are shown; the rest is a key away, in an editor."""

_SIDEWAYS = 8
_WIDTH_UNKNOWN = 80
_EMPTY = (SourceLine("No event is selected. Choose one in the timeline.", "note"),)


class EventLines(LineView):
    """The lines of an event."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll_lines(-1)", "Up", show=False, tooltip="A line up", id="detail.up"),
        Binding("down,j", "scroll_lines(1)", "Down", show=False, tooltip="A line down", id="detail.down"),
        Binding("pageup,ctrl+b", "scroll_pages(-1.0)", "Page up", show=False, tooltip="A page up", id="detail.page_up"),
        Binding(
            "pagedown,ctrl+f,space",
            "scroll_pages(1.0)",
            "Page down",
            show=False,
            tooltip="A page down",
            id="detail.page_down",
        ),
        Binding("ctrl+u", "scroll_pages(-0.5)", "Half up", show=False, tooltip="Half a page up", id="detail.half_up"),
        Binding(
            "ctrl+d", "scroll_pages(0.5)", "Half down", show=False, tooltip="Half a page down", id="detail.half_down"
        ),
        Binding("home,g", "scroll_lines(-1000000000)", "Top", show=False, tooltip="The beginning", id="detail.top"),
        Binding("end,G", "scroll_lines(1000000000)", "Bottom", show=False, tooltip="The end", id="detail.bottom"),
        Binding(
            "left,h",
            "sideways(-1)",
            "Left",
            show=False,
            tooltip="To the left, in lines that are not wrapped",
            id="detail.left",
        ),
        Binding(
            "right,l",
            "sideways(1)",
            "Right",
            show=False,
            tooltip="To the right, in lines that are not wrapped",
            id="detail.right",
        ),
        Binding(
            "n", "next_hit(1)", "Next hit", show=False, tooltip="Next place that the search found", id="detail.next_hit"
        ),
        Binding(
            "N",
            "next_hit(-1)",
            "Hit back",
            show=False,
            tooltip="Previous place that the search found",
            id="detail.previous_hit",
        ),
        Binding("w", "wrap", "Wrap", tooltip="Wrap long lines, or do not", id="detail.wrap"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.wrapped = True
        self.needle = ""
        self._page = Page(_EMPTY, _WIDTH_UNKNOWN)
        self._left = 0
        self._hits: Sequence[tuple[int, int]] = ()
        self._hit = -1

    def show_lines(self, lines: Sequence[SourceLine]) -> None:
        """Show other lines, from the first."""
        self._page = Page(lines, self.text_width or _WIDTH_UNKNOWN, wrapped=self.wrapped)
        self._left = 0
        self._find()
        self.draw_again()
        self.lines_changed()
        self.scroll_to_line(0)

    def search(self, text: str) -> int:
        """Mark what says `text`, in any case, and go to the first such place from the view on; gives their number."""
        self.needle = text.lower()
        self._find()
        self.draw_again()
        if self._hits:
            first = bisect_left(self._hits, (self._page.source_of(min(self.top, len(self._page) - 1)), 0))
            self._go_to_hit(first % len(self._hits))
        return len(self._hits)

    def line_count(self) -> int:
        """The lines of the page."""
        return len(self._page)

    def line_key(self, line: int) -> Hashable:
        """Lines do not change but all at once."""
        return line if line < len(self._page) else None

    def draw_line(self, line: int) -> Strip:
        """A line of the page."""
        base = self.paints["base"]
        if line >= len(self._page):
            return Strip.blank(self.text_width, base)
        segments = self._page.segments(line, self.paints, self.needle)
        strip = Strip(Segment.apply_style(segments, base))
        return strip.crop(self._left, self._left + self.text_width) if self._left or not self.wrapped else strip

    def width_changed(self) -> None:
        """Wrap again; what was on top stays there."""
        self._lay_out()

    def action_scroll_lines(self, lines: int) -> None:
        """Scroll by lines."""
        self.scroll_to_line(self.top + lines)

    def action_scroll_pages(self, pages: float) -> None:
        """Scroll by pages."""
        self.scroll_to_line(self.top + round(pages * (self.page_height - 1)))

    def action_sideways(self, steps: int) -> None:
        """Move lines that are not wrapped."""
        if not self.wrapped:
            self._left = max(0, self._left + steps * _SIDEWAYS)
            self.draw_again()

    def action_wrap(self) -> None:
        """Wrap, or do not."""
        self.wrapped = not self.wrapped
        self._left = 0
        self._lay_out()
        self.draw_again()

    def action_next_hit(self, direction: int) -> None:
        """Go to another place that the search found."""
        if self._hits:
            self._go_to_hit((self._hit + direction) % len(self._hits))
        else:
            self.app.bell()

    def _lay_out(self) -> None:
        source = self._page.source_of(min(self.top, len(self._page) - 1))
        self._page = Page(self._page.lines, self.text_width or _WIDTH_UNKNOWN, wrapped=self.wrapped)
        self.lines_changed()
        self.scroll_to_line(self._page.line_of(source))

    def _find(self) -> None:
        self._hits = self._page.find(self.needle) if self.needle else ()
        self._hit = -1

    def _go_to_hit(self, hit: int) -> None:
        self._hit = hit
        line = self._page.line_of(*self._hits[hit])
        self.bring_into_view(line, line)


class EventDetail(Vertical):
    """A pane that shows one whole event, with a search within it."""

    HELP = (
        "The event on which the timeline's cursor stands: what is said of it, then what it holds. Long parts are cut; "
        "o opens the whole in your editor or pager, y copies it, w wraps long lines, / finds text."
    )

    DEFAULT_CSS = """
    EventDetail > EventLines { height: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "open_search", "Search", tooltip="Find text in this event", id="detail.search"),
        Binding("y", "copy", "Copy", tooltip="Copy the whole event as text", id="detail.copy"),
        Binding("o", "open_whole", "Open", tooltip="Open the whole in your editor or pager", id="detail.open"),
        Binding("escape", "clear", "Clear", show=False, tooltip="Forget the search", id="detail.clear"),
    ]

    class OpenRequested(Message):
        """The user wants this text in an editor or pager, in a file with this ending."""

        def __init__(self, text: str, suffix: str) -> None:
            super().__init__()
            self.text, self.suffix = text, suffix

    class CopyRequested(Message):
        """The user wants this text on the clipboard."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id, classes=classes)
        self.lines = EventLines()
        self._bar = QueryBar()
        self._event: Event | None = None
        self._cut: Sequence[Part] = ()

    def compose(self) -> ComposeResult:
        """The lines above, the search below."""
        yield self.lines
        yield self._bar

    @property
    def event(self) -> Event | None:
        """The event that is shown."""
        return self._event

    def show(self, event: Event | None) -> None:
        """Show an event, or that there is none. At most `SHOWN` characters of each part of it are laid out."""
        if event is not None and event is self._event:
            return
        self._event = event
        lines, self._cut = (_EMPTY, ()) if event is None else event_lines(event, SHOWN)
        self.lines.show_lines(lines)

    def action_open_search(self) -> None:
        """Type what to look for."""
        self._bar.open("search", self.lines.needle)

    async def action_copy(self) -> None:
        """Ask for the whole event to be copied."""
        if self._event is not None:
            self.post_message(self.CopyRequested(await asyncio.to_thread(event_text, self._event)))

    async def action_open_whole(self) -> None:
        """Ask for the part that was cut to be opened whole, or else the event. Writing 5 MB of JSON takes a second."""
        if self._cut:
            part = self._cut[0]
            self.post_message(self.OpenRequested(await asyncio.to_thread(lambda: part.text), part.suffix))
        elif self._event is not None:
            self.post_message(self.OpenRequested(await asyncio.to_thread(event_text, self._event), ".txt"))

    def action_clear(self) -> None:
        """Forget the search."""
        self.lines.search("")
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Escape is ours only while there is a search to forget."""
        if action == "clear":
            return bool(self.lines.needle)
        return super().check_action(action, parameters)

    def on_query_bar_typed(self, event: QueryBar.Typed) -> None:
        """Search as the text stands."""
        event.stop()
        count = self.lines.search(event.text)
        self._bar.note(f"{count:,} found" if event.text else "", bad=bool(event.text) and not count)

    def on_query_bar_closed(self, event: QueryBar.Closed) -> None:
        """Keep the search, or go back to the one before."""
        event.stop()
        if not event.kept:
            self.lines.search(event.text)
        self.screen.set_focus(self.lines)
        self.refresh_bindings()
