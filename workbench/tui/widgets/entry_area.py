"""The text of one entry, to be edited in place: kept, dropped, or taken to the user's own editor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static, TextArea

from workbench.tui.replay_script import Form

MOST_IN_PLACE = 200_000
"""Characters beyond which a text is for the user's own editor only."""

_HIGHLIGHTED: Mapping[Form, tuple[str, int]] = {"markdown": ("markdown", 100_000), "json": ("json", 20_000)}
"""The language of a form, and up to how many characters it is highlighted: each key colours the whole text."""

_CHECKED = 50_000
"""Characters up to which the text is checked with each key."""

Check = Callable[[str], str]
"""Says what is wrong with a text, "" if nothing is."""


def fits_in_place(text: str) -> bool:
    """Whether the text can be edited here without being changed by it: not too long, and of usual line breaks only."""
    if len(text) > MOST_IN_PLACE:
        return False
    lines = text.splitlines() or [""]
    if text.endswith("\n"):
        lines.append("")
    return ("\r\n" if "\r\n" in text else "\n").join(lines) == text


class EntryArea(Vertical):
    """A title, the text, and what is wrong with it. Opened for one text at a time; hidden otherwise."""

    DEFAULT_CSS = """
    EntryArea { display: none; height: 1fr; border-top: solid $primary; }
    EntryArea.-open { display: block; }
    EntryArea > .entry-area--title { height: 1; padding: 0 1; color: $text-primary; text-style: bold; }
    EntryArea > TextArea { height: 1fr; padding: 0 0 0 1; background: $background; }
    EntryArea > .entry-area--problem { height: auto; max-height: 3; padding: 0 1; color: $text-error; display: none; }
    EntryArea > .entry-area--problem.-told { display: block; }
    """
    HELP_NAME = "entry"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "keep", "Keep", tooltip="Keep the text", id="entry.keep", priority=True),
        Binding("escape", "drop", "Drop", tooltip="Leave the entry as it was", id="entry.drop", priority=True),
        Binding(
            "ctrl+e,f4", "external", "$EDITOR", tooltip="Go on in your own editor", id="entry.external", priority=True
        ),
    ]

    class Kept(Message):
        """The user keeps `text`."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Dropped(Message):
        """The user leaves the entry as it was."""

    class Taken(Message):
        """The user goes on in another editor, with the text as it stands."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self) -> None:
        super().__init__()
        self._area = TextArea(soft_wrap=True, tab_behavior="indent", compact=True)
        self._title = Static(classes="entry-area--title", markup=False)
        self._problem = Static(classes="entry-area--problem", markup=False)
        self._check: Check = lambda text: ""
        self._before = ""
        self._asked = False

    def compose(self) -> ComposeResult:
        """Title, text, problem."""
        yield self._title
        yield self._area
        yield self._problem

    @property
    def is_open(self) -> bool:
        """Whether a text is being edited."""
        return self.has_class("-open")

    def open(self, title: str, text: str, form: Form, check: Check, before: str | None = None) -> None:
        """Edit `text`, which was `before` the user changed it elsewhere; `check` says what would be wrong with one."""
        language, limit = _HIGHLIGHTED.get(form, ("", 0))
        self._area.language = language if len(text) <= limit and _is_writable(text) else None
        self._area.load_text(text)
        self._title.update(Content.assemble(title, ("   ^s keep · esc drop · f4 $EDITOR", "$foreground 60% not bold")))
        self._check, self._before, self._asked = check, text if before is None else before, False
        self.tell("")
        self.add_class("-open")
        self._area.focus()

    def close(self) -> None:
        """Hide."""
        self.remove_class("-open")
        self._area.load_text("")

    def tell(self, problem: str) -> None:
        """Say what is wrong, or with "" that nothing is."""
        self._problem.update(problem)
        self._problem.set_class(bool(problem), "-told")

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """Check the text as it stands."""
        event.stop()
        self._asked = False
        text = self._area.text
        if self.is_open and len(text) <= _CHECKED:
            self.tell("" if text == self._before else self._check(text))

    def action_keep(self) -> None:
        """Keep the text, if nothing is wrong with it."""
        problem = "" if self._area.text == self._before else self._check(self._area.text)
        self.tell(problem)
        if problem:
            self.app.bell()
        else:
            self.post_message(self.Kept(self._area.text))

    def action_drop(self) -> None:
        """Leave the entry as it was; what was typed is not lost by one key."""
        if self._area.text != self._before and not self._asked:
            self._asked = True
            self.tell("It is changed: ctrl+s keeps it, escape again drops it.")
        else:
            self.post_message(self.Dropped())

    def action_external(self) -> None:
        """Go on elsewhere."""
        self.post_message(self.Taken(self._area.text))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """These keys are ours only while a text is open."""
        return self.is_open if action in ("keep", "drop", "external") else super().check_action(action, parameters)


def _is_writable(text: str) -> bool:
    """Whether it can be encoded, as highlighting needs it: no lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
