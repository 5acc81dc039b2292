"""What the screen asks of the rest: one agent's folder, its definition, its runs. It knows no widget and no terminal.

Intents are calls: run, cancel, reload. Nothing is pushed back: whoever draws takes the news of each live run as often
as it draws, and reads everything else from the store.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.trace.errors import StoreError
from workbench.trace.places import store_file
from workbench.tui.asking import Asking

if TYPE_CHECKING:
    from workbench.cost.fuse import FuseStatus
    from workbench.cost.meter import Meter
    from workbench.cost.prices import PriceList
    from workbench.definition.agent import AgentDefinition
    from workbench.definition.problems import Problem
    from workbench.engine.replay_request import ReplayRequest
    from workbench.engine.run import Run, RunEnd
    from workbench.sitting.sitting import Sitting
    from workbench.trace.events import Event, Trigger
    from workbench.trace.rows import EventRow
    from workbench.trace.runs import RunSummary
    from workbench.trace.store import Store
    from workbench.tui.live_run import LiveRun
    from workbench.tui.matrix_run import MatrixRun

_METERED = ("run_started", "model_response", "notice", "run_completed", "run_failed")
_NOT_RIGHT = "the agent cannot run until its files are right; see the problems"
_FIRST = 50
_CLOSE_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class SittingOptions:
    """What the user chose on the command line for all runs of the screen."""

    offline: bool = False
    fuse_usd: Decimal | None = None
    runtime: str | None = None


class CannotRunError(Exception):
    """No run can be started now. `str` tells a person why and what to do."""


@dataclass
class Session:
    """One agent, opened on the screen."""

    folder: Path
    options: SittingOptions = SittingOptions()
    environment: Mapping[str, str] | None = field(default=None, repr=False)
    sitting: Sitting | None = field(default=None, repr=False)
    problems: Sequence[Problem] = ()
    trouble: str | None = None
    live_runs: list[LiveRun] = field(default_factory=list)
    matrix: MatrixRun | None = None
    asking: Asking = field(default_factory=Asking)
    loaded: bool = False
    _store: Store | None = None
    _prices: PriceList | None = None
    _entering: asyncio.Task[None] | None = None

    @property
    def definition(self) -> AgentDefinition | None:
        """The last good definition, None while there has been none."""
        return self.sitting.definition if self.sitting is not None else None

    @property
    def broken(self) -> bool:
        """Whether the files on disk cannot be used as they are."""
        return any(problem.severity == "error" for problem in self.problems)

    @property
    def running(self) -> Sequence[LiveRun]:
        """The runs that go on."""
        return [live for live in self.live_runs if live.goes_on]

    @property
    def running_count(self) -> int:
        """How many runs go on, those of a comparison among them."""
        return len(self.running) + (self.matrix.running_count if self.matrix is not None else 0)

    @property
    def under_way(self) -> str:
        """What goes on, in a sentence; empty when nothing does."""
        if self.matrix is not None and self.matrix.goes_on:
            others = f", {len(self.running)} besides" if self.running else ""
            return f"The comparison {self.matrix.name} goes on{others}."
        count = len(self.running)
        return "" if count == 0 else "A run goes on." if count == 1 else f"{count} runs go on."

    def stop(self) -> bool:
        """Stop all that goes on; says whether anything did."""
        under_way = bool(self.under_way)
        for live in self.running:
            live.cancel()
        if self.matrix is not None:
            self.matrix.cancel()
        return under_way

    async def load(self) -> None:
        """Load the agent; afterwards there is a definition, or there are problems or trouble that say why not."""
        await asyncio.to_thread(self._open)
        self.loaded = True

    async def reload(self) -> None:
        """Load the agent again after its files changed; what cannot be used leaves the last good definition.

        Afterwards `problems` and `trouble` are those of the files as they are.
        """
        from workbench.definition.problems import DefinitionError
        from workbench.sitting.sitting import SittingError

        if self.sitting is None:
            self._open()
            return
        self.trouble = None
        try:
            await self.sitting.reload()
        except DefinitionError as error:
            self.problems = error.problems
        except SittingError as error:
            self.trouble = str(error)
        else:
            self.problems = self.sitting.warnings

    def warm_up(self) -> None:
        """Begin to load what a run needs and to start a sandbox; returns at once."""
        if self.sitting is not None and self._entering is None:
            self._entering = asyncio.create_task(self._enter(self.sitting))

    async def ready(self) -> Sitting:
        """The sitting, once runs can start in it.

        Raises:
            CannotRunError: there is no definition that could run, or the agent's state cannot be opened.
        """
        if self.sitting is None:
            raise CannotRunError(_NOT_RIGHT)
        self.warm_up()
        if self._entering is not None:
            await asyncio.shield(self._entering)
        return self.sitting

    @property
    def entered(self) -> bool:
        """Whether a run can start without waiting for libraries."""
        entering = self._entering
        return entering is not None and entering.done() and not entering.cancelled() and entering.exception() is None

    def run(self, text: str, trigger: Trigger | None = None, definition: AgentDefinition | None = None) -> LiveRun:
        """Start a run that answers `text`, of the agent as it is or as `definition` has it.

        It waits for what is still being loaded.

        Raises:
            CannotRunError: there is no definition that could run.
        """
        from workbench.trace.events import Trigger
        from workbench.tui.live_run import LiveRun

        live = LiveRun(text, trigger or Trigger())
        return self._start(
            live,
            lambda sitting: sitting.new_run(
                text,
                show=live.show,
                live=live.live,
                ask=self.asking.ask,
                trigger=live.trigger,
                definition=definition,
            ),
        )

    def rerun_hot(self, run_id: str, text: str, *, source_changed: bool, script_changed: bool) -> LiveRun:
        """Run the agent as it is now on the input of an ended run, with only that live which the change can affect.

        Raises:
            CannotRunError: there is no definition that could run.
        """
        from workbench.trace.events import Trigger
        from workbench.tui.live_run import LiveRun

        live = LiveRun(text, Trigger("save", run_id))

        def make(sitting: Sitting) -> Run:
            request = sitting.hot_rerun_request(run_id, source_changed=source_changed, script_changed=script_changed)
            return sitting.new_replay(
                request,
                show=live.show,
                live=live.live,
                ask=self.asking.ask,
                trigger=live.trigger,
                definition=sitting.definition,
            )

        return self._start(live, make)

    def replay(self, request: ReplayRequest, text: str, trigger: Trigger | None = None) -> LiveRun:
        """Start a replay; `text` is the input that it answers.

        Raises:
            CannotRunError: there is no definition that could run.
        """
        from workbench.trace.events import Trigger
        from workbench.tui.live_run import LiveRun

        live = LiveRun(text, trigger or Trigger("replay", request.parent_run_id))
        return self._start(
            live,
            lambda sitting: sitting.new_replay(
                request, show=live.show, live=live.live, ask=self.asking.ask, trigger=live.trigger
            ),
        )

    def resume(self, run_id: str, text: str) -> LiveRun:
        """Go on with a run that was cut off, from its last complete step.

        Raises:
            CannotRunError: there is no definition that could run.
        """
        from workbench.trace.events import Trigger
        from workbench.tui.live_run import LiveRun

        live = LiveRun(text, Trigger("resume", run_id))
        return self._start(
            live,
            lambda sitting: sitting.new_replay(
                sitting.resume_request(run_id),
                show=live.show,
                live=live.live,
                ask=self.asking.ask,
                trigger=live.trigger,
            ),
        )

    def prepare(self) -> None:
        """Have a sandbox for the next run ready; returns at once."""
        if self.sitting is not None and self.entered:
            self.sitting.prewarm()

    async def summaries(self, limit: int = 200) -> Sequence[RunSummary]:
        """The newest runs first, as they are stored."""
        store = self.store()
        return () if store is None else await asyncio.to_thread(store.runs, limit)

    async def rows(self, run_id: str) -> Sequence[EventRow]:
        """The rows of a stored run."""
        store = self.store()
        return () if store is None else await asyncio.to_thread(_rows, store, run_id)

    async def meter(self, run_id: str) -> Meter:
        """The meter of a stored run."""
        from workbench.cost.meter import Meter

        store = self.store()
        if store is None:
            return Meter()
        return await asyncio.to_thread(lambda: Meter().after(store.events(run_id, types=_METERED, with_replies=False)))

    async def events(self, run_id: str) -> Sequence[Event]:
        """All events of a stored run, with all that they hold."""
        store = self.store()
        return () if store is None else await asyncio.to_thread(lambda: tuple(store.events(run_id)))

    async def beginning(self, run_id: str) -> Sequence[Event]:
        """What a stored run says of itself as a whole: its start, and its first notices."""
        store = self.store()
        if store is None:
            return ()
        types = ("run_started", "notice")
        return await asyncio.to_thread(lambda: tuple(store.events(run_id, limit=_FIRST, types=types)))

    def event(self, run_id: str, seq: int) -> Event:
        """One event with all that it holds.

        Raises:
            StoreError: it cannot be read.
        """
        store = self.store()
        if store is None:
            raise StoreError("there are no runs yet")
        return next(iter(store.events(run_id, after=seq - 1, limit=1)))

    def fuse(self) -> FuseStatus | None:
        """How the fuse stands, None before it is known."""
        return self.sitting.fuse.status() if self.sitting is not None and self.entered else None

    @property
    def prices(self) -> PriceList:
        """The price list."""
        if self._prices is None:
            from workbench.cost.prices import PriceList

            self._prices = self.sitting.prices if self.sitting is not None else PriceList.load()
        return self._prices

    def store(self) -> Store | None:
        """The store for reading, None while there are no runs."""
        if self._store is None and store_file(self.folder).is_file():
            from workbench.trace.store import Store

            self._store = Store.open(self.folder, read_only=True)
        return self._store

    async def close(self, reason: str) -> None:
        """End the runs with `reason` (cancelled or interrupted), remove the sandboxes, close the files."""
        tasks: list[asyncio.Task[Any]] = [live.task for live in self.live_runs if live.task is not None]
        for live in self.running:
            live.cancel(reason)
        if self.matrix is not None:
            self.matrix.cancel()
            tasks.append(self.matrix.task)
        if tasks:
            await asyncio.wait(tasks, timeout=_CLOSE_SECONDS)
        if self._entering is not None and self.sitting is not None:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(self._entering, _CLOSE_SECONDS)
            await self.sitting.__aexit__(None, None, None)
        if self._store is not None:
            self._store.close()

    def _open(self) -> None:
        from workbench.definition.problems import DefinitionError
        from workbench.sitting.sitting import Sitting, SittingError

        self.problems, self.trouble = (), None
        options = self.options
        try:
            self.sitting = Sitting.open(
                self.folder,
                offline=options.offline,
                fuse_usd=options.fuse_usd,
                runtime=options.runtime,
                environment=self.environment,
            )
        except DefinitionError as error:
            self.problems = error.problems
        except (SittingError, StoreError, ValueError) as error:
            self.trouble = str(error)
        else:
            self.folder = self.sitting.folder
            self.problems = self.sitting.warnings

    async def _enter(self, sitting: Sitting) -> None:
        try:
            with _here_to_stay():
                await asyncio.to_thread(_load_libraries, sitting.offline is not None)
            await sitting.__aenter__()
        except (OSError, StoreError) as error:
            self.trouble = str(error)
            raise CannotRunError(self.trouble) from error

    def _start(self, live: LiveRun, make: Callable[[Sitting], Run]) -> LiveRun:
        if self.sitting is None:
            raise CannotRunError(_NOT_RIGHT)
        self.warm_up()
        live.task = asyncio.create_task(self._execute(live, make))
        self.live_runs.append(live)
        return live

    async def _execute(self, live: LiveRun, make: Callable[[Sitting], Run]) -> RunEnd:
        live.run = make(await self.ready())
        return await live.run.execute()


def _rows(store: Store, run_id: str) -> Sequence[EventRow]:
    with _here_to_stay():
        return store.rows(run_id)


@contextlib.contextmanager
def _here_to_stay() -> Iterator[None]:
    """Keep the collector of garbage from what is made meanwhile, now and later: 100,000 rows, or whole libraries.

    To look through them would stop the screen for a tenth of a second, again and again. Rows refer to nothing that
    could refer back to them, so they still go as soon as nobody shows them.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _load_libraries(offline: bool) -> None:
    """Import what runs need, in a thread: together it takes seconds, and the screen goes on drawing."""
    import workbench.engine.run
    import workbench.sandbox.docker_sandbox
    from workbench.tools.opening import preload

    if offline:
        import workbench.model.offline
        import workbench.model.offline_http  # these imports are for their effect
    else:
        import workbench.model.connect  # noqa: F401
    preload()
