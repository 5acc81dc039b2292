"""A report of a comparison, and above it how the comparison stands."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import ScrollableContainer, Vertical
from textual.content import Content
from textual.widgets import Static

from workbench.trace.terminal import printable


class ReportScroll(ScrollableContainer):
    """Lines as wide as they are, with the keys of vi beside the arrows."""

    HELP_NAME = "report"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "Down", show=False, id="report.down"),
        Binding("k", "scroll_up", "Up", show=False, id="report.up"),
        Binding("h,left", "columns(-8)", "Left", show=False, id="report.left"),
        Binding("l,right", "columns(8)", "Right", show=False, id="report.right"),
        Binding("g", "scroll_home", "Beginning", show=False, id="report.first"),
        Binding("G", "scroll_end", "End", show=False, id="report.last"),
    ]

    def action_columns(self, columns: int) -> None:
        """To the side, by so many columns."""
        self.scroll_relative(x=columns, animate=False)


class ReportPane(Vertical):
    """Shows what it was last given, every character of it printable."""

    DEFAULT_CSS = """
    ReportPane {
        width: 1fr; height: 1fr;
        & #state { height: auto; padding: 0 2; color: $foreground 80%; }
        & #report { height: 1fr; border: round $foreground 30%; padding: 0 1; scrollbar-size: 1 1; }
        & #report:focus { border: round $primary; }
        & #text { width: auto; height: auto; text-wrap: nowrap; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self.state = ""
        self.text = ""

    def compose(self) -> ComposeResult:
        """The state, and the lines below it."""
        yield Static("", id="state", markup=False)
        with ReportScroll(id="report"):
            yield Static("", id="text", markup=False)

    def say(self, state: str, text: str) -> None:
        """Show `text` under `state`."""
        state, text = printable(state, keep="\n"), printable(text, keep="\n")
        if state != self.state:
            self.query_one("#state", Static).update(Content(state))
        if text != self.text:
            self.query_one("#text", Static).update(Content(text.rstrip("\n")))
        self.state, self.text = state, text

    def go_to_report(self) -> None:
        """Give the lines the keys."""
        self.query_one(ReportScroll).focus()
