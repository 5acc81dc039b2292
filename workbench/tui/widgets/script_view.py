"""The script of the shown run, to read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from workbench.tui.run_script import Part


class ScriptView(VerticalScroll, can_focus=True):
    """Everything that the model was told and said, in order."""

    DEFAULT_CSS = """
    ScriptView { padding: 0 1; & Static { height: auto; } scrollbar-size-vertical: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "Down", show=False, id="script.down"),
        Binding("k", "scroll_up", "Up", show=False, id="script.up"),
        Binding("g", "scroll_home", "Top", show=False, id="script.top"),
        Binding("G", "scroll_end", "Bottom", show=False, id="script.bottom"),
    ]

    def compose(self) -> ComposeResult:
        """One text."""
        yield Static(markup=False)

    def show(self, parts: Sequence[Part]) -> None:
        """Show a script."""
        pieces: list[tuple[str, str]] = []
        for part in parts:
            step = f"step {part.step}  " if part.step else ""
            pieces += [(step, "$foreground 50%"), (f"{part.title}\n", "bold $primary"), (f"{part.text}\n\n", "")]
        empty = ("Run an input, or open a run: its script is shown here.", "$foreground 50%")
        self.query_one(Static).update(Content.assemble(*(pieces or [empty])))
