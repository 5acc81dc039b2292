"""Sandboxes that are up before they are needed."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

from workbench.sandbox.sandbox import Sandbox, SandboxError, SandboxSpec

S = TypeVar("S", bound=Sandbox)

_CHECK_SECONDS: Final = 2.0
_ANSWER_SECONDS: Final = 1.0
_SHORTEST_LIFE: Final = 10.0


class _Warm(Generic[S]):
    """A sandbox that starts or waits for a run with its spec."""

    def __init__(self, spec: SandboxSpec, starting: asyncio.Task[S]) -> None:
        self.spec = spec
        self.starting = starting
        self.since = time.monotonic()

    @property
    def sandbox(self) -> S | None:
        """The sandbox, once it is up."""
        if not self.starting.done() or self.starting.cancelled() or self.starting.exception() is not None:
            return None
        return self.starting.result()

    @property
    def is_useless(self) -> bool:
        """It could not be started, or was lost since."""
        return self.starting.done() and (self.sandbox is None or self.sandbox.lost is not None)


class SandboxPool(Generic[S]):
    """Gives sandboxes for specs: a warm one if there is one, else a new one.

    `start` makes a sandbox. At most `limit` are kept warm, those whose specs were asked for last, because an idle
    gVisor sandbox takes 20 MB and under systrap a few percent of a core. Only what is about to be used may be more:
    as many of one spec as are asked for at once.
    """

    def __init__(self, start: Callable[[SandboxSpec], Awaitable[S]], limit: int = 2) -> None:
        self._start = start
        self._limit = limit
        self._warm: list[_Warm[S]] = []
        self._closing: set[asyncio.Task[None]] = set()
        self._keeper: asyncio.Task[None] | None = None
        self._closed = False

    def prewarm(self, spec: SandboxSpec, count: int = 1) -> None:
        """Have `count` sandboxes for `spec` ready soon; returns at once. A failure is told by `acquire`, not here."""
        if self._closed:
            return
        ready = 0
        for warm in [warm for warm in self._warm if warm.spec == spec]:
            if warm.is_useless:
                self._drop(warm)
                continue
            self._warm.remove(warm)
            self._warm.append(warm)
            ready += 1
        for _ in range(ready, count):
            while len(self._warm) >= max(self._limit, count) and self._warm[0].spec != spec:
                self._drop(self._warm[0])
            self._warm.append(_Warm(spec, asyncio.ensure_future(self._started(spec))))
        if self._keeper is None:
            self._keeper = asyncio.create_task(self._keep())

    async def acquire(self, spec: SandboxSpec) -> S:
        """A sandbox for `spec` that is the caller's own from now on, to close it too.

        Raises:
            SandboxError: none could be started.
        """
        warm = next((warm for warm in self._warm if warm.spec == spec), None)
        if warm is None:
            return await self._start(spec)
        self._warm.remove(warm)
        try:
            sandbox = await asyncio.shield(warm.starting)
        except asyncio.CancelledError:
            self._drop(warm)
            raise
        except SandboxError:
            return await self._start(spec)
        if await _answers(sandbox):
            return sandbox
        self._drop(warm)
        return await self._start(spec)

    async def close(self) -> None:
        """Close every sandbox that nobody acquired."""
        self._closed = True
        if self._keeper is not None:
            self._keeper.cancel()
        for warm in list(self._warm):
            self._drop(warm)
        await asyncio.gather(*self._closing, return_exceptions=True)

    async def _started(self, spec: SandboxSpec) -> S:
        return await self._start(spec)

    def _drop(self, warm: _Warm[S]) -> None:
        if warm in self._warm:
            self._warm.remove(warm)
        task = asyncio.create_task(_end(warm))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _keep(self) -> None:
        """Replace what was lost while it waited; what dies as soon as it is up is not replaced for ever."""
        while True:
            await asyncio.sleep(_CHECK_SECONDS)
            for warm in [warm for warm in self._warm if warm.is_useless]:
                self._drop(warm)
                if warm.sandbox is not None and time.monotonic() - warm.since >= _SHORTEST_LIFE:
                    self.prewarm(warm.spec)


async def _end(warm: _Warm[S]) -> None:
    warm.starting.cancel()
    with contextlib.suppress(asyncio.CancelledError, SandboxError):
        await (await warm.starting).close()


async def _answers(sandbox: Sandbox) -> bool:
    if sandbox.lost is not None:
        return False
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            await sandbox.gauges()
    except (SandboxError, TimeoutError, OSError):
        return False
    return True
