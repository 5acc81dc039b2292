"""The screen where there is no agent: agents nearby, the samples, and a new agent from the template."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from workbench.definition.new_agent import NewAgentError, copy_sample, new_agent, samples
from workbench.trace.terminal import one_line
from workbench.tui.widgets.choices import Choices
from workbench.tui.widgets.key_line import KeyLine

_MAX_NEARBY = 12


@dataclass(frozen=True, slots=True)
class _Offer:
    kind: Literal["open", "copy", "new"]
    name: str
    about: str
    folder: Path | None = None


class StartScreen(Screen[Path | None]):
    """Gives the folder of the agent to open."""

    CSS_PATH = "start.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "new", "New agent", id="start.new"),
        Binding("escape", "back", "Back", show=False, id="start.back"),
    ]
    HELP = "There is no agent in this folder. Choose one that is nearby, copy a sample agent, or make a new one."

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self._offers: Sequence[_Offer] = ()

    def compose(self) -> ComposeResult:
        """What can be opened."""
        self._offers = _offers(self._folder)
        with Vertical(id="box") as box:
            box.border_title = "workbench"
            yield Static(
                f"There is no agent.yaml in {one_line(_home_short(self._folder.resolve()), 200)}.\n"
                "An agent is a folder with agent.yaml and prompt.md. Choose one to begin with:",
                id="about",
                markup=False,
            )
            choices = Choices(id="offers")
            for offer in self._offers:
                choices.add_option(Option(_line(offer)))
            yield choices
            yield Input(placeholder="name of the new agent, which is its folder's too", id="name")
        yield KeyLine()

    def on_mount(self) -> None:
        """Ready to choose."""
        choices = self.query_one(Choices)
        choices.highlighted = 0
        self.set_focus(choices)

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        offer = self._offers[event.option_index]
        if offer.kind == "new":
            self.action_new()
        elif offer.folder is not None and offer.kind == "open":
            self.dismiss(offer.folder)
        else:
            self._make(offer.name, sample=True)

    @on(Input.Submitted)
    def _named(self, event: Input.Submitted) -> None:
        event.stop()
        self._make(event.value.strip(), sample=False)

    def action_new(self) -> None:
        """Ask for a name."""
        entry = self.query_one("#name", Input)
        entry.add_class("-asked")
        entry.focus()

    def action_back(self) -> None:
        """From the name to the choices."""
        self.query_one("#name", Input).remove_class("-asked")
        self.query_one(Choices).focus()

    def _make(self, name: str, *, sample: bool) -> None:
        try:
            made = copy_sample(name, self._folder) if sample else new_agent(name, self._folder)
        except NewAgentError as error:
            self.notify(str(error), severity="error", markup=False)
        else:
            self.dismiss(made)


def _offers(folder: Path) -> Sequence[_Offer]:
    nearby = sorted(file.parent for file in (*folder.glob("*/agent.yaml"), *folder.glob("*/*/agent.yaml")))
    here = {place.name for place in nearby}
    return [
        *(_Offer("open", str(place.relative_to(folder)), "an agent nearby", place) for place in nearby[:_MAX_NEARBY]),
        *(_Offer("copy", sample.name, sample.description) for sample in samples() if sample.name not in here),
        _Offer("new", "a new agent …", "from the template: it runs at once, and you make it yours"),
    ]


def _home_short(path: Path) -> str:
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) and path != home else str(path)


def _line(offer: _Offer) -> Content:
    verb = {"open": "open", "copy": "copy sample", "new": "make"}[offer.kind]
    return Content.assemble(
        (f"{verb:<12}", "$foreground 60%"),
        (one_line(offer.name, 60), "bold"),
        (f"\n{' ' * 12}{one_line(offer.about, 200)}", "$foreground 70%"),
    )
