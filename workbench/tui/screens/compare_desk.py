"""Comparisons on the main screen: of models on one input, each in a sandbox of its own, and of runs that are stored."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from textual import work

from workbench.comparison.settings import on_model
from workbench.cost.usage import Usage
from workbench.trace.errors import StoreError
from workbench.trace.events import Event, Trigger
from workbench.trace.terminal import one_line
from workbench.tui.compare_column import CompareColumn
from workbench.tui.screens.compare import CompareScreen
from workbench.tui.screens.editing import Editing
from workbench.tui.session import CannotRunError, Session
from workbench.tui.widgets.compare_view import CompareView

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from textual.screen import Screen

    from workbench.trace.runs import RunSummary
    from workbench.tui.live_run import LiveRun, News


class CompareDesk:
    """Opens the compare screen, and hands on what its runs say."""

    def __init__(self, screen: Screen[None], session: Session, editing: Editing) -> None:
        self._screen = screen
        self._session = session
        self._editing = editing
        self._columns: list[tuple[LiveRun, CompareColumn]] = []

    def take(self, live: LiveRun, news: News) -> None:
        """Hand on what a run said, if it is one of a comparison."""
        for compared, column in self._columns:
            if compared is live:
                for item in news.items:
                    if isinstance(item, Event):
                        column.take([item])
                    else:
                        column.live(item.kind, item.text)

    def ended(self, live: LiveRun, error: BaseException | None) -> None:
        """A run will say no more; `error` is why it could not start."""
        for compared, column in self._columns:
            if compared is live and error is not None:
                column.failed_to_start(str(error))
        self._columns = [(compared, column) for compared, column in self._columns if compared is not live]

    def cancel(self, column: CompareColumn) -> None:
        """Stop the run of a column."""
        for live, mine in self._columns:
            if mine is column:
                live.cancel()

    async def models(self, text: str, inputs: Mapping[str, Path]) -> str | None:
        """Ask for models and input, run them at once, show them; gives the run that the user wants to see by itself."""
        from workbench.tui.screens.compare_setup import CompareSetup

        asked = CompareSetup(
            models=tuple(self._session.prices.models),
            cost_of=self.cost_of,
            text=text,
            inputs={name: await asyncio.to_thread(_text_of, path) for name, path in inputs.items()},
            note=self.limits(),
        )
        choice = await self._screen.app.push_screen_wait(asked)
        definition = self._session.definition
        if choice is None or definition is None:
            return None
        columns = []
        for model in choice.models:
            agent, left_out = on_model(definition, model)
            try:
                live = self._session.run(choice.input, Trigger("compare", model), agent)
            except CannotRunError as error:
                self._screen.notify(str(error), severity="error", timeout=20, markup=False)
                return None
            title = f"{model} without {', '.join(left_out)}" if left_out else model
            column = CompareColumn(one_line(title, 80), lambda seq, live=live: self._event(live.run_id, seq))  # type: ignore[misc]
            self._columns.append((live, column))
            columns.append(column)
        return await self._show(f"{len(columns)} models on: {one_line(choice.input, 120)}", columns)

    async def runs(self, chosen: Sequence[RunSummary], names: Mapping[str, str]) -> str | None:
        """Show stored runs side by side; gives the run that the user wants to see by itself.

        Raises:
            StoreError: one cannot be read.
        """
        columns = []
        for run in chosen:
            events = await self._session.events(run.run_id)
            title = f"{run.run_id[-4:]} {names.get(run.run_id, '')} · {run.model}"
            read = lambda seq, run_id=run.run_id: self._event(run_id, seq)  # noqa: E731 - one for each run
            columns.append(await asyncio.to_thread(CompareColumn.of, one_line(title, 80), events, read))
        return await self._show(f"{len(columns)} runs of {self._session.folder.resolve().name}", columns)

    def cost_of(self, model: str, usage: Usage) -> Decimal | None:
        """What a reply costs now in USD, None when the price of the model is unknown."""
        return self._session.prices.cost(model, usage, datetime.now(UTC))

    def limits(self) -> str:
        """What a run may cost, and what the fuse has left, in words; empty before anything is known."""
        definition, fuse = self._session.definition, self._session.fuse()
        parts = []
        if definition is not None and definition.budget_usd is not None:
            parts.append(f"at most ${definition.budget_usd} each")
        if fuse is not None:
            parts.append(f"the fuse has ${max(Decimal(0), fuse.limit - fuse.spent - fuse.reserved):.2f} left")
        return ", ".join(parts)

    async def _show(self, about: str, columns: Sequence[CompareColumn]) -> str | None:
        screen = _DeskScreen(about, columns, self._session.prices.runtime_cost)
        screen.desk, screen.editing = self, self._editing
        wanted = await self._screen.app.push_screen_wait(screen)
        return columns[wanted].run_id if wanted is not None else None

    def _event(self, run_id: str | None, seq: int) -> Event | None:
        try:
            return self._session.event(run_id, seq) if run_id else None
        except (StoreError, StopIteration):
            return None


class _DeskScreen(CompareScreen):
    """The compare screen with somebody who does what it asks for."""

    desk: CompareDesk
    editing: Editing

    def on_compare_screen_cancel_requested(self, event: CompareScreen.CancelRequested) -> None:
        """Stop the run of a column."""
        event.stop()
        self.desk.cancel(self.columns[event.column])

    @work(group="copy")
    async def on_compare_view_copy_requested(self, event: CompareView.CopyRequested) -> None:
        """Copy what is chosen."""
        await self.editing.copy(event.text)


def _text_of(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
