"""Runs what of a comparison has no result yet, several runs at a time, and can be stopped and gone on with."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace

from workbench.comparison.book import Book
from workbench.comparison.job import Job
from workbench.comparison.pacing import PacedModel
from workbench.comparison.progress import JobProgress, JobState, Progress
from workbench.comparison.standing import NO_RESULT, Standing, has_result, standing
from workbench.engine.run import Run, RunEnd
from workbench.jsontypes import JsonValue
from workbench.sitting.sitting import Sitting
from workbench.trace.events import Event, ModelResponse, RunFailed, Trigger
from workbench.trace.runs import RunSummary, advance

_LOOK_AGAIN = 0.3
"""Seconds between two looks at runs that another process runs."""

_IN_A_ROW = 3
"""After so many runs one after the other that the surroundings ended, the others would end so too."""

_HOPELESS = frozenset({"authentication", "authentication_error", "billing_error", "permission_error"})
"""Kinds of model errors that every other run would meet as well."""


class Runner:
    """The runs of the comparison `name`. `execute` does all of them; `progress` and `cancel` may be called meanwhile.

    Only the calling event loop may use it. The sitting is entered and stays open.
    """

    def __init__(self, sitting: Sitting, name: str, jobs: Sequence[Job], book: Book, concurrency: int) -> None:
        self._sitting = sitting
        self._name = name
        self._jobs = jobs
        self._book = book
        self._concurrency = concurrency
        self._model = PacedModel(sitting.model)
        self._waiting: deque[Job] = deque()
        self._progress = {job.key: JobProgress(job) for job in jobs}
        self._running: dict[str, Run] = {}
        self._stopped: str | None = None
        self._failed_in_a_row = 0

    @property
    def progress(self) -> Progress:
        """How it stands now: every run in the order of the jobs, and why no more are begun, if so."""
        return Progress(tuple(self._progress.values()), self._stopped)

    def cancel(self) -> None:
        """Stop all runs of this process; what is finished stays."""
        self._stopped = self._stopped or "stopped by you"
        for run in self._running.values():
            run.cancel()

    async def execute(self) -> None:
        """Run every job that has no result, and wait for those that another process runs.

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
        claims = self._book.claims(self._name)
        for job in self._jobs:
            stands, summary = standing(claims.get(job.key), self._sitting.store)
            if stands is Standing.FINISHED:
                self._tell(job, "finished", summary)
            else:
                self._waiting.append(job)

    async def _work(self) -> None:
        while self._waiting and self._stopped is None:
            job = self._waiting.popleft()
            if not await self._settled(job):
                self._waiting.append(job)
                await asyncio.sleep(_LOOK_AGAIN)

    async def _settled(self, job: Job) -> bool:
        """Whether the job has been dealt with: it is finished, or was run; False while another process runs it."""
        claim = self._book.claim_of(self._name, job.key)
        stands, summary = standing(claim, self._sitting.store)
        if stands is Standing.FINISHED:
            self._tell(job, "finished", summary)
            return True
        if stands is Standing.RUNNING:
            self._tell(job, "elsewhere", summary)
            return False
        run = self._new_run(job)
        if not self._book.claim(self._name, job.key, run.run_id, instead_of=claim.run_id if claim else None):
            return False
        await self._run(job, run)
        return True

    def _new_run(self, job: Job) -> Run:
        return self._sitting.new_run(
            job.text,
            show=lambda event: self._follow(job, event),
            trigger=Trigger("compare", self._name),
            definition=job.definition,
            model=self._model,
            snapshot=job.files,
        )

    async def _run(self, job: Job, run: Run) -> None:
        self._running[job.key] = run
        self._progress[job.key] = replace(self._progress[job.key], state="running", own=True)
        try:
            end = await run.execute()
        finally:
            del self._running[job.key]
        self._consider(end)

    def _follow(self, job: Job, event: Event) -> None:
        """Take the job's progress one event further; once the model has answered, get the next sandbox ready."""
        known = self._progress[job.key]
        summary = advance(known.summary if event.seq > 1 else None, event)
        state: JobState = "running" if not summary.ended else "finished" if has_result(summary) else "no result"
        self._progress[job.key] = replace(known, state=state, summary=summary)
        if isinstance(event.data, ModelResponse) and event.step == 1 and self._waiting and self._stopped is None:
            self._sitting.prewarm(self._waiting[0].definition, 1)

    def _consider(self, end: RunEnd) -> None:
        """Begin no more runs when this end shows that they would fare no better."""
        if not isinstance(end, RunFailed) or end.error not in NO_RESULT:
            self._failed_in_a_row = 0
            return
        self._failed_in_a_row += 1
        hopeless = end.error in ("fuse", "definition") or _kind_of(end.details) in _HOPELESS
        if hopeless or self._failed_in_a_row >= _IN_A_ROW:
            self._stopped = self._stopped or f"{end.error}: {end.message}"

    def _tell(self, job: Job, state: JobState, summary: RunSummary | None) -> None:
        self._progress[job.key] = JobProgress(job, state, summary)


def _kind_of(details: JsonValue) -> str | None:
    return str(details.get("kind")) if isinstance(details, Mapping) else None
