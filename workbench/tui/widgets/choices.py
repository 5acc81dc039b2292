"""A list to choose from, with the keys of vi beside the arrows."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import OptionList


class Choices(OptionList):
    """An `OptionList` that looks like a part of its pane. Its text is never read as markup."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", "Down", show=False, id="list.down"),
        Binding("k", "cursor_up", "Up", show=False, id="list.up"),
        Binding("g", "first", "First", show=False, id="list.first"),
        Binding("G", "last", "Last", show=False, id="list.last"),
    ]
    DEFAULT_CSS = """
    Choices, Choices:focus {
        border: none; padding: 0; background: transparent; background-tint: transparent; height: auto;
        scrollbar-size-vertical: 1;
        & > .option-list--option { padding: 0; }
    }
    """

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, markup=False, compact=True)
