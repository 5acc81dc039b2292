"""The line between two panes, which can be dragged."""

from __future__ import annotations

from typing import ClassVar, Literal

from rich.segment import Segment
from textual import events
from textual.message import Message
from textual.reactive import var
from textual.strip import Strip
from textual.widget import Widget


class Splitter(Widget):
    """A line of one cell. It moves nothing itself: it says where it was dragged to."""

    DEFAULT_CSS = """
    Splitter { color: $foreground 20%; width: 1; height: 1fr; pointer: ew-resize; }
    Splitter.-across { width: 1fr; height: 1; pointer: ns-resize; }
    Splitter:hover, Splitter.-dragged { color: $accent; }
    """
    ALLOW_SELECT: ClassVar[bool] = False

    dragged: var[bool] = var(False, toggle_class="-dragged")

    class Moved(Message):
        """The user dragged the splitter: `cell` is the column (of an across one the row) of the screen it wants."""

        def __init__(self, splitter: Splitter, cell: int) -> None:
            super().__init__()
            self.splitter = splitter
            self.cell = cell

        @property
        def control(self) -> Splitter:
            """The splitter."""
            return self.splitter

    class Reset(Message):
        """The user clicked the splitter twice: the usual size, please."""

        def __init__(self, splitter: Splitter) -> None:
            super().__init__()
            self.splitter = splitter

    def __init__(self, direction: Literal["beside", "across"] = "beside", *, id: str) -> None:  # noqa: A002 - the framework's name
        super().__init__(id=id, classes="-across" if direction == "across" else "")
        self._across = direction == "across"
        self.tooltip = "drag to resize, click twice for the usual size"

    def render_line(self, y: int) -> Strip:
        """The line."""
        if self._across:
            return Strip([Segment("─" * self.size.width, self.rich_style)])
        return Strip([Segment("│", self.rich_style)])

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Begin to drag."""
        self.capture_mouse()
        self.dragged = True
        event.stop()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Say where to."""
        if self.dragged:
            self.post_message(self.Moved(self, event.screen_y if self._across else event.screen_x))
            event.stop()

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Let go."""
        self.release_mouse()
        self.dragged = False
        event.stop()

    def on_click(self, event: events.Click) -> None:
        """Twice means the usual size."""
        if event.chain == 2:
            self.post_message(self.Reset(self))
