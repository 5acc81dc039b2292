"""A pane of lines, drawn one by one as they come into view, whatever their number.

It uses Textual's line API below its public door, because the public way costs more than drawing the lines: it hands
the compositor its own strips, finished and kept; it draws its own mark of the position instead of a scroll bar; and it
never asks for a new layout when the number of lines changes. So it must have no border, padding, tint or opacity of
its own (put it into a container that has them), and Textual is pinned exactly.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.cache import LRUCache
from textual.color import Color
from textual.filter import LineFilter
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from workbench.tui.row_text import PAINTS

_KEPT_STRIPS = 1_000
_WHEEL_LINES = 3
_THUMB, _TRACK = "▐", " "


class LineView(ScrollView, can_focus=True):
    """Lines that scroll. A subclass says how many there are, what identifies a line's looks, and draws it.

    The last column shows which part of the whole is in view. `HEAD` lines at the top do not scroll.
    """

    DEFAULT_CSS = """
    LineView {
        overflow: hidden hidden;
        scrollbar-size: 0 0;
        background: $surface;
        color: $foreground;
    }
    LineView > .line-view--faint { color: $text-muted; }
    LineView > .line-view--model { color: $text-primary; }
    LineView > .line-view--message { color: $foreground; text-style: bold; }
    LineView > .line-view--reasoning { color: $text-secondary; text-style: italic; }
    LineView > .line-view--tool { color: $text-accent; }
    LineView > .line-view--outside { color: $text-warning; }
    LineView > .line-view--run { color: $text-success; text-style: bold; }
    LineView > .line-view--error { color: $text-error; text-style: bold; }
    LineView > .line-view--hit { color: auto 90%; background: $warning; text-style: bold; }
    LineView > .line-view--cursor { background: $boost; text-style: none; }
    LineView:focus > .line-view--cursor { background: $primary-muted; text-style: bold; }
    LineView > .line-view--title { color: $text-muted; text-style: bold; }
    LineView > .line-view--key { color: $text-primary; }
    LineView > .line-view--string { color: $text-success; }
    LineView > .line-view--number { color: $text-warning; }
    LineView > .line-view--added { color: $text-success; }
    LineView > .line-view--removed { color: $text-error; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"line-view--{name}" for name in PAINTS}
    ALLOW_SELECT = False
    HEAD = 0

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id, classes=classes)
        self._strips: LRUCache[Hashable, Strip] = LRUCache(_KEPT_STRIPS)
        self._look: tuple[object, ...] = ()
        self._paints: dict[str, Style] | None = None
        self._filters: Sequence[LineFilter] = ()
        self._background = Color(0, 0, 0)
        self._thumb = range(0)
        self._thumb_drawn = range(0)

    # What a subclass says

    def line_count(self) -> int:
        """How many lines there are, without the head."""
        raise NotImplementedError

    def line_key(self, line: int) -> Hashable:
        """What identifies the looks of a line: the same key, the same strip. Cheap: it is asked for each line drawn."""
        raise NotImplementedError

    def draw_line(self, line: int) -> Strip:
        """A line in `text_width` cells or fewer. It may be beyond the last."""
        raise NotImplementedError

    def draw_head(self, number: int) -> Strip:
        """A line of the head."""
        return Strip.blank(self.text_width, self.paints["base"])

    def width_changed(self) -> None:
        """The width is another one: lay out again."""

    # What a subclass uses

    @property
    def text_width(self) -> int:
        """The cells of a line, without the mark of the position; 0 before the first layout."""
        return max(0, self.size.width - 1)

    @property
    def page_height(self) -> int:
        """How many lines are in view."""
        return max(1, self.size.height - self.HEAD)

    @property
    def top(self) -> int:
        """The first line in view."""
        return round(self.scroll_y)

    @property
    def paints(self) -> Mapping[str, Style]:
        """The styles to draw with, by what they are for; `base` is the widget's own."""
        if self._paints is None:
            self._paints = {name: self._paint(f"line-view--{name}") for name in PAINTS} | {"base": self.rich_style}
        return self._paints

    def lines_changed(self) -> None:
        """Lines were added to the end, taken from it, or the last of them changed. Draws only what that touches."""
        before, now = self.virtual_size.height - self.HEAD, self.line_count()
        size = Size(self.size.width, now + self.HEAD)
        if size != self.virtual_size:
            self.set_reactive(Widget.virtual_size, size)
            self.scroll_to_line(self.top)
        if min(before, now) <= self.top + self.page_height:
            self.refresh()
        elif self._place_of_thumb() != self._thumb_drawn:
            self.refresh(Region(self.size.width - 1, 0, 1, self.size.height))

    def draw_again(self) -> None:
        """Forget the drawn lines and draw those in view."""
        self._strips.clear()
        self.refresh()

    def scroll_to_line(self, line: int) -> None:
        """Let `line` be the first in view, or as near to it as the number of lines allows."""
        top = max(0, min(line, self.line_count() - self.page_height))
        if top != self.scroll_y:
            self.scroll_target_y = top
            self.scroll_y = top

    def bring_into_view(self, first: int, last: int) -> None:
        """Scroll as little as needed to see the lines from `first` to `last`; `first` if they are too many."""
        if last >= self.top + self.page_height:
            self.scroll_to_line(min(first, last - self.page_height + 1))
        if first < self.top:
            self.scroll_to_line(first)

    def line_at(self, y: int) -> int | None:
        """The line at a row of the widget; None in the head."""
        return None if y < self.HEAD else y - self.HEAD + self.top

    def scrolled_by_hand(self, lines: int) -> None:
        """The wheel turned: scroll."""
        self.scroll_to_line(self.top + lines)

    # Textual

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines of a part of the widget, for the compositor."""
        self._begin_frame()
        strips = [self._finished(y) for y in crop.line_range]
        if crop.column_span != (0, self.size.width):
            first, last = crop.column_span
            return [strip.crop(first, last) for strip in strips]
        return strips

    def notify_style_update(self) -> None:
        """The theme or the focus changed."""
        super().notify_style_update()
        self._paints = None
        self._strips.clear()

    def on_resize(self, event: events.Resize) -> None:
        """Lay out for the new size."""
        self._strips.clear()
        self.width_changed()
        self.lines_changed()
        self.scroll_to_line(self.top)
        self.refresh()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel."""
        event.stop()
        self.scrolled_by_hand(-_WHEEL_LINES)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel."""
        event.stop()
        self.scrolled_by_hand(_WHEEL_LINES)

    # Drawing

    def _paint(self, name: str) -> Style:
        """What a component class says of itself, its colours blended with what is behind them."""
        said = self.get_component_rich_style(name, partial=True)
        blended = self.get_component_rich_style(name)
        return said + Style.from_color(said.color and blended.color, said.bgcolor and blended.bgcolor)

    def _begin_frame(self) -> None:
        """Ask once what is the same for all lines: the ancestors' styles, the filters, the position."""
        self._filters = self.get_line_filters()
        self._background = self.background_colors[1]
        look = (self._background, self.rich_style, *self._filters)
        if look != self._look:
            self._look = look
            self._paints = None
            self._strips.clear()
        self._thumb = self._thumb_drawn = self._place_of_thumb()

    def _finished(self, y: int) -> Strip:
        in_thumb = y in self._thumb
        if y < self.HEAD:
            return self._with_edge(self.draw_head(y), in_thumb)
        line = y - self.HEAD + self.top
        key = (self.line_key(line), in_thumb)
        strip = self._strips.get(key)
        if strip is None:
            strip = self._strips[key] = self._with_edge(self.draw_line(line), in_thumb)
        return strip

    def _with_edge(self, strip: Strip, in_thumb: bool) -> Strip:
        base = self.paints["base"]
        filled = strip.adjust_cell_length(self.text_width, base)
        if self.size.width:
            edge = Segment(_THUMB if in_thumb else _TRACK, base + self.paints["faint"])
            filled = Strip([*filled, edge], self.size.width)
        for line_filter in self._filters:
            filled = filled.apply_filter(line_filter, self._background)
        return filled

    def _place_of_thumb(self) -> range:
        """The rows of the widget beside which the mark stands; none when everything is in view."""
        count, page = self.line_count(), self.page_height
        if count <= page:
            return range(0)
        length = max(1, page * page // count)
        first = self.HEAD + round((page - length) * self.top / (count - page))
        return range(first, first + length)
