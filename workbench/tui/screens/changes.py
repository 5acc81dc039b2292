"""All that saves have changed since the screen was opened, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from workbench.tui.saves import Saved
from workbench.tui.widgets.key_line import KeyLine
from workbench.tui.widgets.save_strip import strip_content

_WHOLE = 100_000


class ChangesScreen(Screen[None]):
    """To read and scroll."""

    CSS_PATH = "reading.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,d", "back", "Back", id="changes.back"),
        Binding("j", "scroll('down')", "Down", show=False, id="changes.down"),
        Binding("k", "scroll('up')", "Up", show=False, id="changes.up"),
    ]

    def __init__(self, saves: Sequence[Saved]) -> None:
        super().__init__()
        self._saves = saves

    def compose(self) -> ComposeResult:
        """Every save with its whole difference."""
        yield Static("what saves have changed", id="title")
        with VerticalScroll(id="body"):
            if not self._saves:
                yield Static("Nothing yet. Save prompt.md or agent.yaml, in any editor: the change is shown here.")
            for saved in self._saves:
                yield Static(Content.assemble("\n", strip_content(saved, "", _WHOLE)), markup=False)
        yield KeyLine()

    def action_back(self) -> None:
        """To the main screen."""
        self.dismiss(None)

    def action_scroll(self, direction: str) -> None:
        """By a line."""
        body = self.query_one("#body", VerticalScroll)
        body.scroll_relative(y=1 if direction == "down" else -1, animate=False)
