"""Lists to choose from, with the keys of vi beside the arrows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option


class Choices(OptionList):
    """An `OptionList` that looks like a part of its pane. Its text is never read as markup."""

    HELP_NAME = "lists"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space", "select", "Choose", show=False, id="list.choose"),
        Binding("j,down", "cursor_down", "Down", show=False, id="list.down"),
        Binding("k,up", "cursor_up", "Up", show=False, id="list.up"),
        Binding("g,home", "first", "First", show=False, id="list.first"),
        Binding("G,end", "last", "Last", show=False, id="list.last"),
    ]
    DEFAULT_CSS = """
    Choices, Choices:focus {
        border: none; padding: 0; background: transparent; background-tint: transparent; height: auto;
        scrollbar-size-vertical: 1;
        & > .option-list--option { padding: 0; }
        & > .option-list--option-highlighted { background: transparent; }
    }
    Choices:focus > .option-list--option-highlighted {
        background: $primary-muted; color: $foreground; text-style: bold;
    }
    """

    def __init__(self, *, id: str) -> None:  # noqa: A002 - the framework's name
        super().__init__(id=id, markup=False, compact=True)


class FileList(Choices):
    """The files of the definition, each with its problems below it."""

    HELP_NAME = "files"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space", "select", "Edit", tooltip="Edit the file, at the problem's line", id="files.edit")
    ]


class InputList(Choices):
    """The inputs that the agent's folder offers."""

    HELP_NAME = "inputs"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space", "select", "Run it", tooltip="Run the agent with this input", id="inputs.run")
    ]


class RunChoices(Choices):
    """The runs, each replay below the run that it was made from."""

    HELP_NAME = "runs"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "Show it", tooltip="Show this run in the other panes", id="runs.show"),
        Binding("space", "mark", "Mark", tooltip="Mark the run; c compares those marked", id="runs.mark"),
    ]

    class Marked(Message):
        """The user wants the run under the cursor marked, or no longer."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def action_mark(self) -> None:
        """Mark the run under the cursor."""
        if self.highlighted is not None:
            self.post_message(self.Marked(self.highlighted))


class ComparisonList(Choices):
    """The agent's comparisons, the one that was started last first."""

    HELP_NAME = "comparisons"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space", "select", "Read it", tooltip="Go to the report", id="comparisons.read")
    ]

    def show(self, comparisons: Iterable[tuple[str, str]]) -> None:
        """List these: the name of each, and below it what it is."""
        self.clear_options()
        for name, about in comparisons:
            self.add_option(Option(Content.assemble((name, "bold"), "\n", (f"  {about}", "$foreground 60%"))))
