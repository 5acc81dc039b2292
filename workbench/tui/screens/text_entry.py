"""A text to type: an input of one's own, a trigger's payload."""

from __future__ import annotations

import json
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static, TextArea


class TextEntry(ModalScreen[str | None]):
    """Asks for a text and gives it; None if the user goes back. With `as_json`, text that is no JSON is pointed out."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+r,ctrl+enter", "done", "Run", key_display="^r", id="entry.run", priority=True),
        Binding("escape", "back", "Back", id="entry.back"),
    ]

    def __init__(self, title: str, hint: str, text: str, *, as_json: bool = False) -> None:
        super().__init__()
        self._title, self._hint, self._text, self._as_json = title, hint, text, as_json

    def compose(self) -> ComposeResult:
        """A hint, the text, the keys."""
        with Vertical(id="dialog") as dialog:
            dialog.border_title = self._title.replace("[", r"\[")
            yield Static(self._hint, id="text", markup=False)
            yield TextArea(self._text, language="json" if self._as_json else None, soft_wrap=True, tab_behavior="focus")
            yield Static("ctrl+r runs it · escape goes back", id="keys", markup=False)

    def on_mount(self) -> None:
        """Ready to type at the end."""
        area = self.query_one(TextArea)
        self.set_focus(area)
        area.move_cursor(area.document.end)
        self._check(area.text)

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """Look at it as it is typed."""
        self._check(event.text_area.text)

    def action_done(self) -> None:
        """Give the text."""
        text = self.query_one(TextArea).text
        if text.strip():
            self.dismiss(text)
        else:
            self.app.bell()

    def action_back(self) -> None:
        """Give nothing."""
        self.dismiss(None)

    def _check(self, text: str) -> None:
        if not self._as_json:
            return
        keys = "ctrl+r runs it · escape goes back"
        try:
            json.loads(text)
        except ValueError as error:
            keys = f"not JSON ({error}); it is sent as it is · {keys}"
        self.query_one("#keys", Static).update(keys)
