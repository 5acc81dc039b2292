"""Firing a trigger by hand: which one, and with what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from workbench.definition.agent import CronTrigger, WebhookTrigger
from workbench.definition.inputs import InputError
from workbench.trace.events import Trigger
from workbench.trace.terminal import one_line
from workbench.tui.agent_facts import trigger_text
from workbench.tui.chosen_input import ChosenInput
from workbench.tui.screens.text_entry import TextEntry
from workbench.tui.widgets.choices import Choices

AnyTrigger = WebhookTrigger | CronTrigger


async def ask_for_trigger(
    app: App[object], triggers: Sequence[AnyTrigger], chosen: ChosenInput
) -> tuple[str, Trigger] | None:
    """Ask which trigger fires, and with what; None if the user goes back. A webhook begins with the chosen input."""
    trigger = await app.push_screen_wait(TriggerScreen(triggers))
    if trigger is None:
        return None
    if isinstance(trigger, WebhookTrigger):
        kind, sample, hint = "webhook", _payload(chosen), "The body of the request, which is the run's input."
    else:
        kind, sample, hint = "cron", trigger.input, "The input that the trigger gives."
    text = await app.push_screen_wait(TextEntry(trigger_text(trigger), hint, sample, as_json=kind == "webhook"))
    return None if text is None else (text, Trigger(kind, trigger_text(trigger)))


def _payload(chosen: ChosenInput) -> str:
    try:
        return chosen.text()
    except InputError:
        return "{}"


class TriggerScreen(ModalScreen[AnyTrigger | None]):
    """Asks which of the agent's triggers shall fire."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "back", "Back", id="triggers.back")]

    def __init__(self, triggers: Sequence[AnyTrigger]) -> None:
        super().__init__()
        self._triggers = triggers

    def compose(self) -> ComposeResult:
        """The triggers."""
        with Vertical(id="dialog") as dialog:
            dialog.border_title = "fire a trigger"
            yield Static("What the agent gets can be changed before it runs.", id="text")
            choices = Choices(id="triggers")
            for trigger in self._triggers:
                choices.add_option(Option(_line(trigger)))
            yield choices

    def on_mount(self) -> None:
        """Ready to choose."""
        choices = self.query_one(Choices)
        choices.highlighted = 0
        self.set_focus(choices)

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(self._triggers[event.option_index])

    def action_back(self) -> None:
        """Fire none."""
        self.dismiss(None)


def _line(trigger: AnyTrigger) -> Content:
    kind = "webhook" if isinstance(trigger, WebhookTrigger) else "cron"
    said = f"  {one_line(trigger.input, 60)}" if isinstance(trigger, CronTrigger) else ""
    return Content.assemble((f"{kind:<8}", "$accent"), (trigger_text(trigger), "bold"), (said, "$foreground 60%"))
