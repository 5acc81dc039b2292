"""A question with a few answers, each with its key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.events import Key
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from workbench.tui.widgets.choices import Choices


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: `name` is what the question gives, `key` what chooses it, `label` what a person reads."""

    name: str
    key: str
    label: str


class Question(ModalScreen[str | None]):
    """Asks, and gives the name of the answer; None if the user goes back."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "back", "Back", id="question.back")]

    def __init__(self, title: str, text: str, answers: Sequence[Answer]) -> None:
        super().__init__()
        self._title, self._text, self._answers = title, text, answers

    def compose(self) -> ComposeResult:
        """The text and the answers."""
        with Vertical(id="dialog") as dialog:
            dialog.border_title = self._title.replace("[", r"\[")
            yield Static(self._text, id="text", markup=False)
            choices = Choices(id="answers")
            for answer in self._answers:
                choices.add_option(Option(Content.assemble((f" {answer.key} ", "bold $accent"), f" {answer.label}")))
            yield choices

    def on_mount(self) -> None:
        """The first answer is the one that enter takes."""
        choices = self.query_one(Choices)
        choices.highlighted = 0
        self.set_focus(choices)

    def on_key(self, event: Key) -> None:
        """A key that is an answer's."""
        for answer in self._answers:
            if event.key == answer.key:
                event.stop()
                self.dismiss(answer.name)
                return

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(self._answers[event.option_index].name)

    def action_back(self) -> None:
        """Answer nothing."""
        self.dismiss(None)
