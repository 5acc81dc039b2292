"""The line in which a search or a filter is typed: it answers with every letter, and says what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input, Label

Completions = Callable[[str], Sequence[str]]


class _LastWord(Suggester):
    """Suggests what the text could become."""

    def __init__(self, completions: Completions) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._completions = completions

    async def get_suggestion(self, value: str) -> str | None:
        """The likeliest completion."""
        return next(iter(self._completions(value)), None)


class QueryBar(Horizontal):
    """A hidden line that opens to take a text, and closes with enter (keep it) or escape (as it was before)."""

    DEFAULT_CSS = """
    QueryBar { height: 1; display: none; background: $panel; }
    QueryBar.-open { display: block; }
    QueryBar > .query-bar--name { width: auto; padding: 0 1; color: $text-primary; text-style: bold; }
    QueryBar > Input { width: 2fr; }
    QueryBar > .query-bar--note { width: 3fr; padding: 0 1; color: $text-muted; }
    QueryBar > .query-bar--note.-bad { color: $text-error; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close(False)", "Cancel", tooltip="Close, as it was before", id="query.cancel"),
        Binding("tab", "complete", "Complete", tooltip="Take the completion", id="query.complete", priority=True),
    ]

    class Typed(Message):
        """The text is now another one."""

        def __init__(self, bar: QueryBar, purpose: str, text: str) -> None:
            super().__init__()
            self.bar, self.purpose, self.text = bar, purpose, text

        @property
        def control(self) -> QueryBar:
            """The bar."""
            return self.bar

    class Closed(Message):
        """The bar closed; `text` is what stands: the new text when it was `kept`, else the one from before."""

        def __init__(self, bar: QueryBar, purpose: str, text: str, *, kept: bool) -> None:
            super().__init__()
            self.bar, self.purpose, self.text, self.kept = bar, purpose, text, kept

        @property
        def control(self) -> QueryBar:
            """The bar."""
            return self.bar

    def __init__(self) -> None:
        super().__init__()
        self._purpose = ""
        self._before = ""
        self._completions: Completions = lambda text: ()

    def compose(self) -> ComposeResult:
        """Name, text, note."""
        yield Label(classes="query-bar--name", markup=False)
        yield Input(compact=True, select_on_focus=False, suggester=_LastWord(self._completed))
        yield Label(classes="query-bar--note", markup=False)

    @property
    def is_open(self) -> bool:
        """Whether it takes text now."""
        return self.has_class("-open")

    def open(self, purpose: str, text: str = "", completions: Completions | None = None) -> None:
        """Take a text for `purpose`, such as `search`, beginning with `text`."""
        self._purpose, self._before = purpose, text
        self._completions = completions or (lambda text: ())
        self.query_one(".query-bar--name", Label).update(purpose)
        box = self.query_one(Input)
        with self.prevent(Input.Changed):
            box.value = text
        box.cursor_position = len(text)
        self.note(self._offer(text))
        self.add_class("-open")
        self.screen.set_focus(box)

    def note(self, text: str, *, bad: bool = False) -> None:
        """Say something beside the text: how much was found, or what is wrong."""
        label = self.query_one(".query-bar--note", Label)
        label.update(text, layout=False)
        if bad != label.has_class("-bad"):
            label.set_class(bad, "-bad")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Answer with every letter."""
        event.stop()
        if self.is_open:
            self.note(self._offer(event.value))
            self.post_message(self.Typed(self, self._purpose, event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter keeps the text."""
        event.stop()
        self.action_close(True)

    def action_close(self, kept: bool) -> None:
        """Close, and keep the text or not."""
        if self.is_open:
            self.remove_class("-open")
            text = self.query_one(Input).value if kept else self._before
            self.post_message(self.Closed(self, self._purpose, text, kept=kept))

    def action_complete(self) -> None:
        """Take the likeliest completion."""
        box = self.query_one(Input)
        completed = next(iter(self._completed(box.value)), None)
        if completed is not None:
            box.value = completed
            box.cursor_position = len(completed)

    def _completed(self, text: str) -> Sequence[str]:
        return self._completions(text)

    def _offer(self, text: str) -> str:
        """The completions of the last word, to choose from."""
        begin = text.rfind(" ") + 1
        return "  ".join(completed[begin:] for completed in self._completed(text)[:8])
