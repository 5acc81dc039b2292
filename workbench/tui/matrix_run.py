"""A comparison with repeats that the screen makes: started, gone on with, cancelled. No widget and no terminal here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from workbench.cases.case import CaseError
from workbench.comparison.book import Book
from workbench.comparison.comparing import Comparing, expected
from workbench.comparison.planning import ChangedError, PlanError, Planned, Wish, make_plan, plan_again
from workbench.comparison.progress import Progress
from workbench.definition.inputs import InputError
from workbench.definition.problems import DefinitionError
from workbench.sandbox.sandbox import SandboxError
from workbench.sitting.sitting import Sitting
from workbench.trace.errors import StoreError
from workbench.tui.session import CannotRunError, Session

_MISTAKES = (CaseError, DefinitionError, InputError, PlanError, SandboxError, StoreError, OSError)

Planning = Callable[[Sitting, Book], Planned]


class MatrixRun:
    """A comparison under way in the session's sitting, and what came of it. Whoever shows it pulls `progress`.

    Cells that have a result are not run again. The fuse of the sitting stands over all its runs.
    """

    def __init__(self, session: Session, planned: Planned) -> None:
        """Begins at once; an event loop runs, and the plan is in the book."""
        self.name = planned.plan.name
        self._session = session
        self._planned = planned
        self._comparing: Comparing | None = None
        self._cancelled = False
        self._end_taken = False
        self.task = asyncio.create_task(self._execute())

    @property
    def progress(self) -> Progress | None:
        """How its runs stand, None before the first of them could begin."""
        return self._comparing.progress if self._comparing is not None else None

    @property
    def goes_on(self) -> bool:
        """Whether it has not ended yet."""
        return not self.task.done()

    @property
    def running_count(self) -> int:
        """How many of its runs go on in this process."""
        return self.progress.count("running") if self.goes_on and self.progress is not None else 0

    @property
    def stopped(self) -> str | None:
        """Why not all of it was run, None if it was, or goes on."""
        if self.goes_on:
            return None
        if self.task.cancelled():
            return "stopped by you"
        error = self.task.exception()
        if error is not None:
            return str(error) or type(error).__name__
        if self.progress is None:
            return "stopped by you"
        return self.progress.stopped

    def cancel(self) -> None:
        """Stop its runs; what is finished stays."""
        self._cancelled = True
        if self._comparing is not None:
            self._comparing.cancel()

    def take_end(self) -> bool:
        """Whether it has ended since the last time this was asked: true once."""
        fresh = not self.goes_on and not self._end_taken
        self._end_taken = self._end_taken or fresh
        return fresh

    async def _execute(self) -> None:
        sitting = await self._session.ready()
        with Book.open(sitting.folder) as book:
            agent, at_once = await asyncio.to_thread(expected, sitting.folder, self._planned, book)
            if self._cancelled:
                return
            sitting.prewarm(agent, at_once)
            self._comparing = Comparing(sitting, self._planned, book)
            await self._comparing.execute()


async def start_matrix(session: Session, wish: Wish) -> MatrixRun:
    """Start the comparison that `wish` means for the agent as it is; what an earlier one of its name ran is kept.

    Raises:
        CannotRunError: there is nothing to run, it is too much, or another comparison goes on.
    """
    return await _start(session, lambda sitting, book: make_plan(sitting, wish))


async def go_on_with_matrix(session: Session, name: str) -> MatrixRun:
    """Go on with a stored comparison: run what of it has no result.

    Raises:
        CannotRunError: the agent has changed since, another answers as its model, or another comparison goes on.
    """
    return await _start(session, lambda sitting, book: plan_again(sitting, book.plan(name)))


async def _start(session: Session, planning: Planning) -> MatrixRun:
    sitting = session.sitting
    if sitting is None:
        raise CannotRunError("the agent cannot be compared until its files are right; see the problems")
    if session.matrix is not None and session.matrix.goes_on:
        raise CannotRunError(f"the comparison {session.matrix.name} goes on: wait for its end, or cancel it")
    try:
        planned = await asyncio.to_thread(_planned, sitting, planning)
    except ChangedError as error:
        raise CannotRunError(f"{error.what} Start a new one to compare it as it is now.") from error
    except _MISTAKES as error:
        raise CannotRunError(str(error)) from error
    session.matrix = MatrixRun(session, planned)
    return session.matrix


def _planned(sitting: Sitting, planning: Planning) -> Planned:
    with Book.open(sitting.folder) as book:
        planned = planning(sitting, book)
        book.save(planned.plan)
    return planned
