"""Help: every key that works here, as it is bound now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from workbench.tui.keys import Section
from workbench.tui.widgets.key_line import KeyLine


class HelpScreen(Screen[None]):
    """To read and scroll; `about` says what the screen is for."""

    CSS_PATH = "reading.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,f1,question_mark", "back", "Back", id="help.back"),
        Binding("j", "scroll('down')", "Down", show=False, id="help.down"),
        Binding("k", "scroll('up')", "Up", show=False, id="help.up"),
    ]

    def __init__(self, about: str, sections: Sequence[Section]) -> None:
        super().__init__()
        self._about, self._sections = about, sections

    def compose(self) -> ComposeResult:
        """What the screen is for, and its keys."""
        yield Static("help", id="title")
        with VerticalScroll(id="body"):
            yield Static(Content.assemble("\n", (self._about, "")), markup=False)
            for section in self._sections:
                yield Static(_section(section), markup=False)
        yield KeyLine()

    def on_mount(self) -> None:
        """Ready to scroll."""
        self.query_one("#body").focus()

    def action_back(self) -> None:
        """To where help was asked for."""
        self.dismiss(None)

    def action_scroll(self, direction: str) -> None:
        """By a line."""
        body = self.query_one("#body", VerticalScroll)
        body.scroll_relative(y=1 if direction == "down" else -1, animate=False)


def _section(section: Section) -> Content:
    parts: list[tuple[str, str]] = [(f"\n{section.title}\n", "bold $primary")]
    for key in section.keys:
        named = f"  ({key.id})" if key.id else ""
        parts += [
            (f"  {key.keys:<22} ", "$accent"),
            (key.meaning or key.name, ""),
            (f"{named}\n", "$foreground 40%"),
        ]
    return Content.assemble(*parts).rstrip()
