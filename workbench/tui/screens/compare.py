"""The compare screen: two to four runs side by side, stored ones or ones that go on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Static

from workbench.tui.compare_column import MOST_COLUMNS, CompareColumn
from workbench.tui.widgets.compare_view import CompareView
from workbench.tui.widgets.key_line import KeyLine

_LOOKS_A_SECOND = 8


class CompareScreen(Screen[int | None]):
    """Shows columns, which grow while it is open: whoever has a run's events hands them to its column.

    It gives the column whose run the user wants to see by itself, None when they go back. What it posts (a run to
    cancel, text to copy) is for the app.
    """

    HELP_NAME = "compare"
    DEFAULT_CSS = """
    CompareScreen {
        & #about { height: 1; background: $panel; color: $foreground; padding: 0 1; }
        & CompareView { height: 1fr; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "back", "Back", tooltip="Leave the comparison; runs go on", id="compare.back"),
        Binding("o", "open", "Open run", tooltip="Show the chosen column's run by itself", id="compare.open"),
        Binding("x", "cancel", "Cancel run", tooltip="Cancel the chosen column's run", id="compare.cancel"),
        Binding("X", "cancel_all", "Cancel all", show=False, tooltip="Cancel all runs", id="compare.cancel_all"),
    ]

    class CancelRequested(Message):
        """The user wants the run of a column stopped."""

        def __init__(self, column: int) -> None:
            super().__init__()
            self.column = column

    def __init__(
        self, about: str, columns: Sequence[CompareColumn], runtime_cost: Callable[[Decimal], Decimal]
    ) -> None:
        """`about` is one line that tells what is compared; `runtime_cost` is that of the price list.

        Raises:
            ValueError: there are fewer than two columns, or more than four.
        """
        if not 2 <= len(columns) <= MOST_COLUMNS:
            raise ValueError(f"two to {MOST_COLUMNS} runs can be compared, not {len(columns)}")
        super().__init__()
        self._about = about
        self.columns = columns
        self._runtime_cost = runtime_cost
        self._versions: Sequence[int] = ()

    def compose(self) -> ComposeResult:
        """What is compared, the runs, the keys."""
        yield Static(self._about, id="about", markup=False)
        yield CompareView(self.columns, self._runtime_cost, id="runs")
        yield KeyLine()

    def on_mount(self) -> None:
        """Look at the columns as often as a person can read."""
        self.view.focus()
        self.call_after_refresh(self._tell)
        self.set_interval(1 / _LOOKS_A_SECOND, self._look)

    @property
    def view(self) -> CompareView:
        """The runs side by side."""
        return self.query_one(CompareView)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only runs that go on can be cancelled; only runs that began can be opened."""
        del parameters
        if action == "cancel_all":
            return any(column.is_going_on for column in self.columns)
        if action in ("cancel", "open") and self.is_mounted:
            column = self.columns[self.view.chosen]
            return column.is_going_on if action == "cancel" else column.run_id is not None
        return True

    def action_back(self) -> None:
        """Leave."""
        self.dismiss(None)

    def action_open(self) -> None:
        """Leave, to see the run of the chosen column by itself."""
        self.dismiss(self.view.chosen)

    def action_cancel(self) -> None:
        """Ask for the run of the chosen column to be stopped."""
        self.post_message(self.CancelRequested(self.view.chosen))

    def action_cancel_all(self) -> None:
        """Ask for all runs to be stopped."""
        for number, column in enumerate(self.columns):
            if column.is_going_on:
                self.post_message(self.CancelRequested(number))

    @on(CompareView.ColumnChosen)
    def _column_chosen(self) -> None:
        self.refresh_bindings()

    def _look(self) -> None:
        if any(column.is_going_on for column in self.columns) or self.view.table.is_stale:
            self.view.look_again(datetime.now(UTC))
        versions = [column.version for column in self.columns]
        if versions != self._versions and not self.view.table.is_stale:
            self._versions = versions
            self._tell()
            self.refresh_bindings()

    def _tell(self) -> None:
        """Say what is compared and how much of it differs."""
        table = self.view.table
        differing = sum(table.differs(row, range(len(self.columns))) for row in range(len(table.rows)))
        rows = f"{differing} of {len(table.rows)} rows differ" if table.rows else "nothing yet"
        self.query_one("#about", Static).update(f"{self._about} · {rows}")
