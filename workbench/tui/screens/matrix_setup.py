"""Choose what a comparison with repeats is made of: models, inputs, how often, and its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Label, SelectionList, Static
from textual.widgets.selection_list import Selection

from workbench.comparison.plan import MOST_CELLS, NAME
from workbench.comparison.planning import MOST_REPEATS, Wish
from workbench.trace.terminal import one_line
from workbench.tui.screens.compare_setup import DEFAULT_MODELS, CostOfModel, ModelList, model_option

DEFAULT_REPEATS = 3

_KEYS = "space chooses · tab goes on · ctrl+r runs · escape goes back"


class InputChoices(ModelList):
    """The inputs that every model answers."""

    HELP_NAME = "inputs"


class MatrixSetup(ModalScreen[Wish | None]):
    """Asks for a comparison; None if the user goes back."""

    DEFAULT_CSS = """
    MatrixSetup {
        align: center middle;
        background: $background 60%;
        & #dialog {
            width: 78; max-width: 96%; height: auto; max-height: 94%;
            background: $panel; border: round $primary; border-title-color: $primary; padding: 0 1;
        }
        & ModelList, & ModelList:focus {
            height: auto; max-height: 9; border: none; padding: 0; background: $surface; scrollbar-size-vertical: 1;
        }
        & Input { height: 1; border: none; padding: 0 1; }
        & #another { margin-bottom: 1; }
        & .line { height: 1; margin-top: 1; }
        & Label { padding: 0 1; color: $foreground 70%; }
        & #repeats { width: 8; }
        & #name { width: 1fr; }
        & #note { height: auto; margin-top: 1; color: $foreground 70%; }
        & #note.-wrong { color: $text-error; text-style: bold; }
        &.-low ModelList { max-height: 4; }
    }
    """
    VERTICAL_BREAKPOINTS = [(0, "-low"), (30, "-high")]  # noqa: RUF012 (Textual declares it for instances)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+r,ctrl+enter", "done", "Run", key_display="^r", id="matrix_setup.run", priority=True),
        Binding("escape", "back", "Back", id="matrix_setup.back"),
    ]

    def __init__(
        self,
        *,
        models: Sequence[str],
        cost_of: CostOfModel,
        inputs: Mapping[str, str],
        chosen: Sequence[str] = DEFAULT_MODELS,
        note: str = "",
    ) -> None:
        """`models` are offered beside those `chosen` at first; `inputs` are what each input is called, by what asks for
        it (`Wish.inputs`); `note` tells what limits hold, such as the budget of each run and the fuse.
        """
        super().__init__()
        self._models = tuple(dict.fromkeys((*chosen, *models)))
        self._chosen = tuple(chosen)
        self._cost_of = cost_of
        self._inputs = inputs
        self._note = note
        self._tried = False

    def compose(self) -> ComposeResult:
        """The models, the inputs, the numbers, and the keys."""
        with Vertical(id="dialog") as dialog:
            dialog.border_title = "Compare with repeats"
            yield ModelList(
                *(model_option(model, self._cost_of, is_chosen=model in self._chosen) for model in self._models),
                id="models",
            )
            yield Input(placeholder="another model: its id, then enter", id="another", compact=True)
            yield InputChoices(
                *(Selection(Content(one_line(name, 60)), asked, True) for asked, name in self._inputs.items()),
                id="inputs",
            )
            with Horizontal(classes="line"):
                yield Label("repeats")
                yield Input(str(DEFAULT_REPEATS), type="integer", max_length=4, id="repeats", compact=True)
                yield Label("name")
                yield Input(placeholder="made from what is compared", max_length=64, id="name", compact=True)
            yield Static("", id="note", markup=False)

    def on_mount(self) -> None:
        """The models first."""
        self.query_one("#models").focus()
        self._tell()

    @on(Input.Submitted, "#another")
    def _added(self, event: Input.Submitted) -> None:
        """A model that is not in the list."""
        event.stop()
        if model := event.value.strip():
            self.query_one("#models", ModelList).choose(model, self._cost_of)
            event.input.value = ""

    @on(SelectionList.SelectedChanged)
    @on(Input.Changed, "#repeats")
    @on(Input.Changed, "#name")
    def _changed(self) -> None:
        self._tell()

    @property
    def wish(self) -> Wish:
        """What is chosen as it stands; 0 repeats where there is no number."""
        written = self.query_one("#repeats", Input).value
        return Wish(
            models=self.query_one("#models", ModelList).chosen,
            inputs=self.query_one("#inputs", InputChoices).chosen,
            repeats=int(written) if written.isdecimal() else 0,
            name=self.query_one("#name", Input).value.strip() or None,
        )

    def action_done(self) -> None:
        """Give the choice, if it is one."""
        wish, self._tried = self.wish, True
        if problem_of(wish):
            self._tell()
        else:
            self.dismiss(wish)

    def action_back(self) -> None:
        """Give nothing."""
        self.dismiss(None)

    def _tell(self) -> None:
        """Say how much it would be; once the user has tried to run it, what is wrong with it until it is right."""
        wish = self.wish
        wrong = problem_of(wish) if self._tried else ""
        sizes = ((len(wish.models), "model"), (len(wish.inputs), "input"), (wish.repeats, "repeat"))
        size = " × ".join(f"{count} {noun}" if count == 1 else f"{count} {noun}s" for count, noun in sizes)
        runs = len(wish.models) * len(wish.inputs) * wish.repeats
        limits = f", {self._note}" if self._note else ""
        note = self.query_one("#note", Static)
        note.set_class(bool(wrong), "-wrong")
        note.update(f"{wrong or f'{size} = {runs:,} runs{limits}'}\n{_KEYS}")


def problem_of(wish: Wish) -> str:
    """What is wrong with a choice, in a sentence; empty when nothing is."""
    if not wish.models:
        return "Choose at least one model."
    if not wish.inputs:
        return "Choose at least one input; the agent's own are the files in its folder inputs/."
    if not 1 <= wish.repeats <= MOST_REPEATS:
        return f"The number of repeats is 1 to {MOST_REPEATS:,}."
    if len(wish.models) * len(wish.inputs) * wish.repeats > MOST_CELLS:
        return f"A comparison may have {MOST_CELLS:,} runs."
    if wish.name is not None and not NAME.fullmatch(wish.name):
        return "A name is letters, digits, dots, dashes and underscores, and begins with a letter or a digit."
    return ""
