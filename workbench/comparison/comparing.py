"""Makes a comparison: first its cells, then the judgements about them. The command and the screen use this door.

planned = make_plan(sitting, wish)          # or plan_again
book.save(planned.plan)
sitting.expect(*expected(planned, ...))     # before the sitting is entered
async with sitting:
    comparing = Comparing(sitting, planned, book)
    await comparing.execute()               # meanwhile: comparing.progress, comparing.cancel()
report = read_report(sitting.folder, planned.plan, book, stopped=comparing.progress.stopped)
"""

from __future__ import annotations

from pathlib import Path

from workbench.comparison.book import Book
from workbench.comparison.case_checks import cases_of, with_checks
from workbench.comparison.concurrency import fitting
from workbench.comparison.job import cell_jobs
from workbench.comparison.judgements import judge_jobs, read_judging
from workbench.comparison.plan import Plan
from workbench.comparison.planning import Planned
from workbench.comparison.progress import Progress
from workbench.comparison.report import DEFAULT_RUNS_PER_MONTH, Report, make_report
from workbench.comparison.results import read_results
from workbench.comparison.runner import Runner
from workbench.comparison.standing import Standing, standing
from workbench.comparison.timelines import read_timelines
from workbench.cost.selfhost import load_rates
from workbench.definition.agent import AgentDefinition
from workbench.sitting.sitting import Sitting
from workbench.trace.store import Store


class Comparing:
    """A comparison that is being made. The sitting is entered and stays open; only its event loop may use this."""

    def __init__(self, sitting: Sitting, planned: Planned, book: Book, concurrency: int | None = None) -> None:
        """At most `concurrency` runs go on at once, by default as many as this machine bears."""
        self._sitting = sitting
        self._plan = planned.plan
        self._book = book
        self._concurrency = concurrency or fitting(_first(planned))
        self._cells = Runner(sitting, self._plan.name, cell_jobs(planned), book, self._concurrency)
        self._judge: Runner | None = None

    @property
    def progress(self) -> Progress:
        """How it stands now: the cells, and the judgements once they have begun."""
        cells = self._cells.progress
        if self._judge is None:
            return cells
        judge = self._judge.progress
        return Progress((*cells.jobs, *judge.jobs), judge.stopped)

    def cancel(self) -> None:
        """Stop all runs of this process; what is finished stays."""
        (self._judge or self._cells).cancel()

    async def execute(self) -> None:
        """Run what has no result yet, then ask the judge what it was not asked yet.

        Raises:
            StoreError: a file of the agent's state cannot be read or written.
        """
        await self._cells.execute()
        jobs = judge_jobs(self._plan, read_results(self._plan, self._book, self._sitting.store), self._sitting.folder)
        if jobs and self._cells.progress.stopped is None:
            self._judge = Runner(self._sitting, self._plan.name, jobs, self._book, self._concurrency)
            await self._judge.execute()


def expected(folder: Path, planned: Planned, book: Book, concurrency: int | None = None) -> tuple[AgentDefinition, int]:
    """What a sitting is to expect: the agent of the first runs, and how many of them begin at once."""
    first = _first(planned)
    with Store.open(folder) as store:
        unfinished = sum(result.measured is None for result in read_results(planned.plan, book, store))
    return first, min(concurrency or fitting(first), unfinished)


def is_finished(folder: Path, plan: Plan, book: Book) -> bool:
    """Whether every cell has a result and every judgement was made."""
    with Store.open(folder) as store:
        results = read_results(plan, book, store)
        claims = book.claims(plan.name)
        jobs = judge_jobs(plan, results, folder)
        judged = all(standing(claims.get(job.key), store)[0] is Standing.FINISHED for job in jobs)
    return judged and all(result.measured is not None for result in results)


def read_report(
    folder: Path,
    plan: Plan,
    book: Book,
    *,
    runs_per_month: int = DEFAULT_RUNS_PER_MONTH,
    stopped: str | None = None,
) -> Report:
    """The report of a comparison as it stands in the store; `stopped` tells why it is not complete, if a run ended it.

    Raises:
        StoreError: a file of the agent's state cannot be read, or there are no runs yet.
        DefinitionError: the user's selfhost.yaml cannot be used.
    """
    cases = cases_of(folder)
    with Store.open(folder, read_only=True) as store:
        results = with_checks(read_results(plan, book, store), cases or (), folder, store)
        return make_report(
            plan,
            results,
            runs_per_month=runs_per_month,
            rates=load_rates(),
            stopped=stopped,
            timelines=read_timelines(plan, results, store),
            judging=read_judging(plan, results, folder, book, store),
            cases_readable=cases is not None,
        )


def _first(planned: Planned) -> AgentDefinition:
    return next(iter(planned.definitions.values()))
