"""The cost meter: what the selected run costs, by kind, step and month, beside its budget and the sitting's fuse."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input

from workbench.cost.estimate import Estimate, PriceOfReply
from workbench.cost.fuse import FuseStatus
from workbench.cost.meter import Meter
from workbench.cost.projection import RunCost
from workbench.tui.cost_view import CostView, cost_lines
from workbench.tui.spans import Line, Span, plain
from workbench.tui.widgets.painted_lines import PaintedLines

MOST_RUNS = 999_999_999
"""Runs a month up to which a rate can be set."""


class CostMeter(Vertical, can_focus=True):
    """Shows a meter. Whoever owns the run calls `show` when it has changed, at most four times a second."""

    HELP_NAME = "cost meter"
    HELP = """\
    # Cost meter

    What the run has cost so far, beside its budget and the fuse of this sitting. While a request is under way its
    likely and its highest cost are shown; `▒` in a bar is set aside for it. Steps from tape cost nothing.

    `R` sets how many runs a month the projection is made for. `y` copies the meter as text.
    """
    DEFAULT_CSS = """
    CostMeter {
        min-width: 24;
        PaintedLines { height: 1fr; }
        Input { height: 1; border: none; padding: 0 1; display: none; }
        &.-editing Input { display: block; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("R", "edit_rate", "Runs a month", tooltip="Set how many runs a month are projected", id="cost.rate"),
        Binding("y", "copy", "Copy", show=False, tooltip="Copy the meter as text", id="cost.copy"),
        Binding("escape", "leave_rate", "Cancel", show=False),
    ]

    class RateChanged(Message):
        """The user has set how many runs a month the projection is for; the owner remembers it and calls `show`."""

        def __init__(self, runs_per_month: int) -> None:
            super().__init__()
            self.runs_per_month = runs_per_month

    class CopyRequested(Message):
        """The user wants the meter as text."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(name=name, id=id, classes=classes)
        self._view: CostView | None = None

    def compose(self) -> ComposeResult:
        """The lines, and below them the field for the run rate."""
        yield PaintedLines()
        yield Input(type="integer", placeholder="runs a month", max_length=len(str(MOST_RUNS)), compact=True)

    def on_mount(self) -> None:
        """Say what will be here before the first run."""
        if self._view is None:
            self.query_one(PaintedLines).draw(_nothing_yet)

    def show(
        self,
        meter: Meter,
        *,
        now: datetime | None = None,
        runtime_cost: Callable[[Decimal], Decimal],
        price: PriceOfReply = lambda usage: None,
        estimate: Estimate | None = None,
        fuse_status: FuseStatus | None = None,
        runs_per_month: int = 1_000,
        measured: Sequence[RunCost] = (),
    ) -> None:
        """Show a run's meter.

        `now` lets the runtime of a run that goes on grow between its events; None stands for its last event.
        `runtime_cost` is that of the price list, `price` what a reply of the run's model would cost live (for what a
        tape saved), `estimate` that of the request under way (`workbench.cost.estimate`), None when there is none.
        `measured` are runs that the month is projected from, by default this one.
        """
        view = CostView.of(
            meter,
            now=now,
            runtime_cost=runtime_cost,
            price=price,
            estimate=estimate,
            fuse_status=fuse_status,
            runs_per_month=runs_per_month,
            measured=measured,
        )
        if view != self._view:
            self._view = view
            self.query_one(PaintedLines).draw(partial(cost_lines, view))

    def clear(self) -> None:
        """Show that no run is selected."""
        self._view = None
        self.query_one(PaintedLines).draw(_nothing_yet)

    def action_edit_rate(self) -> None:
        """Let the user type a run rate."""
        field = self.query_one(Input)
        self.add_class("-editing")
        field.value = str(self._view.projection.runs_per_month) if self._view is not None else ""
        field.action_select_all()
        field.focus()

    def action_leave_rate(self) -> None:
        """Leave the run rate as it was."""
        if self.has_class("-editing"):
            self.remove_class("-editing")
            self.focus()

    def action_copy(self) -> None:
        """Ask for the meter to be copied."""
        if self._view is not None:
            lines = cost_lines(self._view, 60, 60)
            self.post_message(self.CopyRequested("\n".join(plain(line).rstrip() for line in lines)))

    @on(Input.Submitted)
    def _rate_entered(self, submitted: Input.Submitted) -> None:
        submitted.stop()
        self.action_leave_rate()
        if submitted.value.strip().isdecimal():
            self.post_message(self.RateChanged(int(submitted.value)))

    @on(events.Click)
    def _clicked(self, click: events.Click) -> None:
        """A click on the month's line edits its rate."""
        lines = self.query_one(PaintedLines)
        if click.widget is lines and "month" in plain(lines.line_at(click.y)):
            self.action_edit_rate()


def _nothing_yet(width: int, height: int) -> Sequence[Line]:
    del height
    text = "No run yet." if width < 30 else "No run yet: its cost will be here."
    return [(Span(text, "label"),)]
