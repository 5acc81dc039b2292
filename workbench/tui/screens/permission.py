"""A tool call that waits for the user's permission."""

from __future__ import annotations

import json
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from workbench.engine.world import Answer, Question
from workbench.trace.gist import call_text
from workbench.trace.terminal import one_line, printable
from workbench.tui.widgets.key_line import KeyLine

_MOST_SHOWN = 20_000


class PermissionScreen(ModalScreen[Answer | None]):
    """Gives the answer; None if the question was taken back."""

    CSS_PATH = "permission.tcss"
    HELP = "A tool of this agent asks before it is called (permission_policy: always_ask in agent.yaml). The run waits."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "grant", "Allow", tooltip="Allow this call", id="permission.grant"),
        Binding("a", "always", "Always", tooltip="Allow this tool for the rest of the run", id="permission.always"),
        Binding("n", "refuse", "Refuse", tooltip="Refuse this call", id="permission.refuse"),
        Binding("w", "why", "Refuse, saying why", tooltip="The model is told the reason", id="permission.why"),
    ]

    def __init__(self, question: Question, agent: str) -> None:
        super().__init__()
        self.question = question
        self._agent = agent

    def compose(self) -> ComposeResult:
        """What is to be called, with what."""
        question = self.question
        whole = json.dumps(question.arguments, indent=2, ensure_ascii=False)
        cut = f"\n… {len(whole) - _MOST_SHOWN:,} more characters" if len(whole) > _MOST_SHOWN else ""
        with Vertical(id="dialog") as dialog:
            dialog.border_title = "may it?"
            yield Static(
                Content.assemble(
                    (one_line(self._agent, 40), "bold"),
                    f" wants to call, at step {question.step}:\n",
                    (one_line(call_text(question.tool, question.arguments), 300), "bold $warning"),
                ),
                id="text",
            )
            with VerticalScroll(id="arguments"):
                yield Static(printable(whole[:_MOST_SHOWN], keep="\n") + cut, markup=False)
            yield Input(placeholder="why not? the model is told", id="reason", compact=True)
            yield KeyLine()

    def on_mount(self) -> None:
        """No key does anything but those that are shown."""
        self.set_focus(self.query_one("#arguments"))

    def action_grant(self) -> None:
        """Allow it."""
        self.dismiss(Answer(True))

    def action_always(self) -> None:
        """Allow the tool in this run."""
        self.dismiss(Answer(True, "always in this run", always=True))

    def action_refuse(self) -> None:
        """Refuse it."""
        self.dismiss(Answer(False))

    def action_why(self) -> None:
        """Ask for the reason."""
        reason = self.query_one("#reason", Input)
        reason.add_class("-asked")
        reason.focus()

    @on(Input.Submitted)
    def _reason_given(self, event: Input.Submitted) -> None:
        event.stop()
        self.dismiss(Answer(False, event.value.strip()))
