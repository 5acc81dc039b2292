"""Runs the cells of a comparison that have no result yet, several at a time, and can be stopped and gone on with."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import replace

from workbench.comparison.book import Book
from workbench.comparison.pacing import PacedModel
from workbench.comparison.plan import Cell, Plan
from workbench.comparison.planning import Planned
from workbench.comparison.progress import CellProgress, CellState, Progress
from workbench.comparison.standing import NO_RESULT, Standing, has_result, standing
from workbench.definition.agent import AgentDefinition
from workbench.engine.run import Run, RunEnd
from workbench.jsontypes import JsonValue
from workbench.sitting.sitting import Sitting
from workbench.trace.events import Event, ModelResponse, RunFailed, Trigger
from workbench.trace.runs import RunSummary, advance

_LOOK_AGAIN = 0.3
"""Seconds between two looks at cells that another process runs."""

_IN_A_ROW = 3
"""After so many runs one after the other that the surroundings ended, the others would end so too."""

_HOPELESS = frozenset({"authentication", "authentication_error", "billing_error", "permission_error"})
"""Kinds of model errors that every other run would meet as well."""


class Matrix:
    """The runs of a comparison. `execute` does all of them; `progress` and `cancel` may be called meanwhile.

    Only the calling event loop may use it. The sitting is entered and stays open.
    """

    def __init__(self, sitting: Sitting, planned: Planned, book: Book, concurrency: int) -> None:
        self._sitting = sitting
        self._plan: Plan = planned.plan
        self._definitions: Mapping[str, AgentDefinition] = planned.definitions
        self._book = book
        self._concurrency = concurrency
        self._model = PacedModel(sitting.model)
        self._waiting: deque[Cell] = deque()
        self._progress = {cell.key: CellProgress(cell) for cell in self._plan.cells}
        self._running: dict[str, Run] = {}
        self._stopped: str | None = None
        self._cancelled = False
        self._failed_in_a_row = 0

    @property
    def progress(self) -> Progress:
        """How it stands now: every cell in the order of the plan, and why no more are begun, if so."""
        return Progress(tuple(self._progress.values()), self._stopped)

    def cancel(self) -> None:
        """Stop all runs of this process; what is finished stays."""
        self._cancelled = True
        self._stopped = self._stopped or "stopped by you"
        for run in self._running.values():
            run.cancel()

    async def execute(self) -> None:
        """Run every cell that has no result, and wait for those that another process runs.

        Raises:
            StoreError: a file of the agent's state cannot be read or written.
        """
        self._pass_over_finished()
        workers = min(self._concurrency, len(self._waiting))
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(workers):
                    group.create_task(self._work())
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from None

    def _pass_over_finished(self) -> None:
        claims = self._book.claims(self._plan.name)
        for cell in self._plan.cells:
            stands, summary = standing(claims.get(cell.key), self._sitting.store)
            if stands is Standing.FINISHED:
                self._tell(cell, "finished", summary)
            else:
                self._waiting.append(cell)

    async def _work(self) -> None:
        while self._waiting and self._stopped is None:
            cell = self._waiting.popleft()
            if not await self._settled(cell):
                self._waiting.append(cell)
                await asyncio.sleep(_LOOK_AGAIN)

    async def _settled(self, cell: Cell) -> bool:
        """Whether the cell has been dealt with: it is finished, or was run; False while another process runs it."""
        claim = self._book.claim_of(self._plan.name, cell.key)
        stands, summary = standing(claim, self._sitting.store)
        if stands is Standing.FINISHED:
            self._tell(cell, "finished", summary)
            return True
        if stands is Standing.RUNNING:
            self._tell(cell, "elsewhere", summary)
            return False
        run = self._new_run(cell)
        if not self._book.claim(self._plan.name, cell.key, run.run_id, instead_of=claim.run_id if claim else None):
            return False
        await self._run(cell, run)
        return True

    def _new_run(self, cell: Cell) -> Run:
        return self._sitting.new_run(
            cell.input.text,
            show=lambda event: self._follow(cell, event),
            trigger=Trigger("compare", self._plan.name),
            definition=self._definitions[cell.variant.digest],
            model=self._model,
            files=self._plan.files,
        )

    async def _run(self, cell: Cell, run: Run) -> None:
        self._running[cell.key] = run
        self._progress[cell.key] = replace(self._progress[cell.key], state="running", own=True)
        try:
            end = await run.execute()
        finally:
            del self._running[cell.key]
        self._judge(end)

    def _follow(self, cell: Cell, event: Event) -> None:
        """Take the cell's progress one event further; once the model has answered, get the next sandbox ready."""
        known = self._progress[cell.key]
        summary = advance(known.summary if event.seq > 1 else None, event)
        state: CellState = "running" if not summary.ended else "finished" if has_result(summary) else "no result"
        self._progress[cell.key] = replace(known, state=state, summary=summary)
        if isinstance(event.data, ModelResponse) and event.step == 1 and self._waiting and self._stopped is None:
            self._sitting.prewarm(self._definitions[self._waiting[0].variant.digest], 1)

    def _judge(self, end: RunEnd) -> None:
        """Begin no more runs when this end shows that they would fare no better."""
        if not isinstance(end, RunFailed) or end.error not in NO_RESULT:
            self._failed_in_a_row = 0
            return
        self._failed_in_a_row += 1
        hopeless = end.error in ("fuse", "definition") or _kind_of(end.details) in _HOPELESS
        if hopeless or self._failed_in_a_row >= _IN_A_ROW:
            self._stopped = self._stopped or f"{end.error}: {end.message}"

    def _tell(self, cell: Cell, state: CellState, summary: RunSummary | None) -> None:
        self._progress[cell.key] = CellProgress(cell, state, summary)


def _kind_of(details: JsonValue) -> str | None:
    return str(details.get("kind")) if isinstance(details, Mapping) else None
