"""A pane of lines that a pure function makes for its size: painted as they are, each role in the theme's colours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from workbench.tui.spans import Line

LineMaker = Callable[[int, int], Sequence[Line]]
"""Makes the lines for a width and a height in cells."""


class PaintedLines(Widget):
    """Shows what `draw` was given last; asks for the lines once for each size."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"painted-lines--{role}"
        for role in ("label", "value", "strong", "unknown", "good", "warn", "bad", "pending", "empty", "tape", "bar")
    }
    DEFAULT_CSS = """
    PaintedLines {
        .painted-lines--label { color: $foreground 65%; }
        .painted-lines--value { color: $foreground; }
        .painted-lines--strong { color: $foreground; text-style: bold; }
        .painted-lines--unknown { color: $text-warning; text-style: italic; }
        .painted-lines--good { color: $text-success; }
        .painted-lines--warn { color: $text-warning; }
        .painted-lines--bad { color: $text-error; text-style: bold; }
        .painted-lines--pending { color: $text-secondary; }
        .painted-lines--empty { color: $foreground 25%; }
        .painted-lines--tape { color: $text-accent; }
        .painted-lines--bar { color: $text-primary; }
    }
    """

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(name=name, id=id, classes=classes)
        self._make: LineMaker = lambda width, height: ()
        self._lines: Sequence[Line] = ()
        self._made_for: tuple[int, int] | None = None

    def draw(self, make: LineMaker) -> None:
        """Show the lines that `make` gives, from the next frame on."""
        self._make = make
        self._made_for = None
        self.refresh()

    def line_at(self, y: int) -> Line:
        """The line that is painted at `y`."""
        size = (self.size.width, self.size.height)
        if self._made_for != size:
            self._lines, self._made_for = self._make(*size), size
        return self._lines[y] if y < len(self._lines) else ()

    def render_line(self, y: int) -> Strip:
        """The strip of a line."""
        base = self.rich_style
        segments = [Segment(span.text, self._style_of(span.role)) for span in self.line_at(y)]
        return Strip(segments).apply_style(base).adjust_cell_length(self.size.width, base)

    def _style_of(self, role: str) -> Style | None:
        return self.get_component_rich_style(f"painted-lines--{role}") if role else None
