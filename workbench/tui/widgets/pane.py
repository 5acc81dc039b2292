"""A pane of the main screen: a line with its number and name above its content."""

from __future__ import annotations

from textual.containers import Vertical

from workbench.tui.layout import PANES, PaneName


class Pane(Vertical):
    """One of the panes; its title's colour says whether it has the focus."""

    DEFAULT_CSS = """
    Pane {
        height: 1fr; width: 1fr;
        border-top: solid $foreground 20%; border-title-color: $foreground 70%;
        border-title-align: left; border-title-style: none;
        &:focus-within { border-top: solid $primary; border-title-color: $primary; border-title-style: bold; }
    }
    """

    def __init__(self, pane: PaneName, title: str) -> None:
        super().__init__(id=pane)
        self.pane = pane
        self._title = title
        self.note("")

    def note(self, text: str) -> None:
        """Say `text` beside the pane's name."""
        number = PANES.index(self.pane) + 1
        # the brackets of markup are escaped: a note may hold what a tool said
        self.border_title = f"{number} {self._title}{f'  {text}' if text else ''}".replace("[", r"\[")
