"""Choose what to compare: two to four models, and the input that each of them answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from rich.segment import Segment
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widgets import Checkbox, Input, Select, SelectionList, Static, TextArea
from textual.widgets.selection_list import Selection

from workbench.cost.usage import Usage
from workbench.trace.terminal import one_line
from workbench.tui.compare_column import MOST_COLUMNS
from workbench.tui.money_text import usd

DEFAULT_MODELS = ("claude-haiku-4-5", "claude-sonnet-4-6", "claude-opus-4-6")
"""What is compared unless the user chooses otherwise: a small, a middle and a large model."""

_A_THOUSAND_IN = Usage(input_tokens=1_000)
_A_THOUSAND_OUT = Usage(output_tokens=1_000)
_KEYS = "space chooses · tab goes on · ctrl+r runs · escape goes back"

CostOfModel = Callable[[str, Usage], Decimal | None]
"""What a reply of a model costs in USD, None when its price is unknown."""


@dataclass(frozen=True, slots=True)
class CompareChoice:
    """What the user wants compared: each model answers the input in a sandbox of its own."""

    models: Sequence[str]
    input: str


class ModelList(SelectionList[str]):
    """The models, with the keys of vi beside the arrows."""

    HELP_NAME = "models"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", "Down", show=False, id="models.down"),
        Binding("k", "cursor_up", "Up", show=False, id="models.up"),
    ]

    @property
    def chosen(self) -> Sequence[str]:
        """What is chosen, in the order of the list."""
        selected = set(self.selected)
        offered = (self.get_option_at_index(number).value for number in range(self.option_count))
        return tuple(value for value in offered if value in selected)

    def choose(self, model: str, cost_of: CostOfModel) -> None:
        """Choose a model, which is added to the list if it is not there."""
        if all(self.get_option_at_index(number).value != model for number in range(self.option_count)):
            self.add_option(model_option(model, cost_of, is_chosen=True))
        else:
            self.select(model)

    def render_line(self, y: int) -> Strip:
        """A line whose box is empty where the model is not chosen: brightness alone would tell too little."""
        at = self.scroll_offset.y + y
        chosen = at < self.option_count and self.get_option_at_index(at).value in self.selected
        strip, button = super().render_line(y), Checkbox.BUTTON_INNER
        inner = next((number for number, part in enumerate(strip) if part.text == button), None)
        if inner is None:
            return strip
        parts = list(strip)
        parts[inner] = Segment("✓" if chosen else " ", parts[inner].style, parts[inner].control)
        return Strip(parts, strip.cell_length)


def model_option(model: str, cost_of: CostOfModel, *, is_chosen: bool) -> Selection[str]:
    """A model as a line of the list, with what its tokens cost."""
    into, out = cost_of(model, _A_THOUSAND_IN), cost_of(model, _A_THOUSAND_OUT)
    if into is None or out is None:
        price = "price unknown"
    else:
        price = f"{usd(into * 1_000)} in, {usd(out * 1_000)} out per M tokens"
    return Selection(Content(f"{one_line(model, 32):<28} {price}"), model, is_chosen)


class CompareSetup(ModalScreen[CompareChoice | None]):
    """Asks for models and input; None if the user goes back."""

    DEFAULT_CSS = """
    CompareSetup {
        align: center middle;
        background: $background 60%;
        & #dialog {
            width: 78; max-width: 96%; height: auto; max-height: 94%;
            background: $panel; border: round $primary; border-title-color: $primary; padding: 0 1;
        }
        & ModelList, & ModelList:focus {
            height: auto; max-height: 9; border: none; padding: 0; background: $surface; scrollbar-size-vertical: 1;
        }
        & Input { height: 1; border: none; padding: 0 1; margin-bottom: 1; }
        & Select { height: auto; }
        & TextArea { height: 8; border: none; background: $surface; }
        & #note { height: auto; color: $foreground 70%; }
        & #note.-wrong { color: $text-error; text-style: bold; }
        &.-low TextArea { height: 4; }
        &.-low ModelList { max-height: 5; }
    }
    """
    VERTICAL_BREAKPOINTS = [(0, "-low"), (30, "-high")]  # noqa: RUF012 (Textual declares it for instances)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+r,ctrl+enter", "done", "Run", key_display="^r", id="compare_setup.run", priority=True),
        Binding("escape", "back", "Back", id="compare_setup.back"),
    ]

    def __init__(
        self,
        *,
        models: Sequence[str],
        cost_of: CostOfModel,
        text: str = "",
        inputs: Mapping[str, str] | None = None,
        chosen: Sequence[str] = DEFAULT_MODELS,
        note: str = "",
    ) -> None:
        """`models` are offered beside those `chosen` at first; `inputs` are the agent's own by their names, `text` what
        stands in the field at first; `note` tells what limits hold, such as the budget of each run and the fuse.
        """
        super().__init__()
        self._models = tuple(dict.fromkeys((*chosen, *models)))
        self._chosen = tuple(chosen)
        self._cost_of = cost_of
        self._text = text
        self._inputs = dict(inputs or {})
        self._note = note

    def compose(self) -> ComposeResult:
        """The models, the input, and the keys."""
        with Vertical(id="dialog") as dialog:
            dialog.border_title = "Compare models on one input"
            yield ModelList(
                *(model_option(model, self._cost_of, is_chosen=model in self._chosen) for model in self._models)
            )
            yield Input(placeholder="another model: its id, then enter", id="another", compact=True)
            if self._inputs:
                options = [(Content(one_line(name, 60)), name) for name in self._inputs]
                yield Select(options, prompt="an input of the agent's own", compact=True, id="inputs")
            yield TextArea(self._text, soft_wrap=True, tab_behavior="focus", id="text")
            yield Static("", id="note", markup=False)

    def on_mount(self) -> None:
        """The models first."""
        self.query_one(ModelList).focus()
        self._say(self._note)

    @on(Input.Submitted, "#another")
    def _added(self, event: Input.Submitted) -> None:
        """A model that is not in the list."""
        event.stop()
        if model := event.value.strip():
            self.query_one(ModelList).choose(model, self._cost_of)
            event.input.value = ""

    @on(Select.Changed, "#inputs")
    def _input_chosen(self, event: Select.Changed) -> None:
        """An input of the agent's own: it can still be changed."""
        event.stop()
        if isinstance(event.value, str):
            self.query_one("#text", TextArea).text = self._inputs[event.value]

    @on(SelectionList.SelectedChanged)
    def _models_chosen(self) -> None:
        self._say(self._note)

    def action_done(self) -> None:
        """Give the choice, if it is one."""
        models = self.query_one(ModelList).chosen
        text = self.query_one("#text", TextArea).text
        if not 2 <= len(models) <= MOST_COLUMNS:
            self._say(f"Choose two to {MOST_COLUMNS} models; {len(models)} are chosen.", wrong=True)
        elif not text.strip():
            self._say("The input is empty: choose one of the agent's own or write one.", wrong=True)
        else:
            self.dismiss(CompareChoice(models, text))

    def action_back(self) -> None:
        """Give nothing."""
        self.dismiss(None)

    def _say(self, text: str, *, wrong: bool = False) -> None:
        note = self.query_one("#note", Static)
        note.set_class(wrong, "-wrong")
        note.update(f"{text}\n{_KEYS}" if text else _KEYS)
