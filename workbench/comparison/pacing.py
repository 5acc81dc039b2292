"""Asks a model for many runs at once without being thrown out: when it says that it is too much, fewer ask.

A run alone gives up after the SDK's few retries. A comparison would lose run after run to one rate limit that its own
runs reach together, so here they wait for each other: each model has a lane, which narrows by half when a request is
refused and widens by one for each round that went well.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

from workbench.jsontypes import JsonObject
from workbench.model.conversation import Delta, Model, ModelError, Reply, Request, Retry
from workbench.trace.events import ModelSource

_TOO_MUCH: Final = frozenset({429, 529})
_MOST_TRIES: Final = 8
_FIRST_PAUSE: Final = 5.0
_LONGEST_PAUSE: Final = 60.0


class PacedModel:
    """A model that is asked by several runs. It implements `workbench.model.conversation.Model`; `inner` stays open."""

    def __init__(
        self,
        inner: Model,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._inner = inner
        self._clock = clock
        self._sleep = sleep
        self._lanes: dict[str, _Lane] = {}

    @property
    def source(self) -> ModelSource:
        """Who answers."""
        return self._inner.source

    @property
    def endpoint(self) -> str | None:
        """The base URL where it is not the vendor's, without credentials."""
        return self._inner.endpoint

    def parameters(self, request: Request) -> JsonObject:
        """All that would be sent besides system, messages, tools and model."""
        return self._inner.parameters(request)

    async def respond(
        self, request: Request, on_delta: Callable[[Delta], None], on_retry: Callable[[Retry], None]
    ) -> Reply:
        """Ask for one reply, as `Model` says; what was refused as too much is asked again later, several times."""
        lane = self._lanes.setdefault(request.settings.id, _Lane(self._clock, self._sleep))
        for attempt in range(1, _MOST_TRIES):
            try:
                async with lane.turn():
                    reply = await self._inner.respond(request, on_delta, on_retry)
            except ModelError as error:
                if error.status not in _TOO_MUCH:
                    raise
                pause = lane.narrow()
                on_delta(Delta("reset"))
                on_retry(Retry(attempt, f"refused ({error.status}); all runs on this model slow down", pause))
            else:
                lane.widen()
                return reply
        async with lane.turn():
            return await self._inner.respond(request, on_delta, on_retry)

    async def close(self) -> None:
        """Nothing: who opened `inner` closes it."""


class _Lane:
    """How many requests to one model may be under way, and until when none may begin."""

    def __init__(self, clock: Callable[[], float], sleep: Callable[[float], Awaitable[None]]) -> None:
        self._clock = clock
        self._sleep = sleep
        self._changed = asyncio.Condition()
        self._under_way = 0
        self._width: int | None = None
        self._went_well = 0
        self._closed_until = 0.0
        self._pause = _FIRST_PAUSE

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait until a request may begin; it is under way in the body."""
        async with self._changed:
            await self._changed.wait_for(self._has_room)
            self._under_way += 1
        try:
            while (wait := self._closed_until - self._clock()) > 0:
                await self._sleep(wait)
            yield
        finally:
            self._under_way -= 1
            async with self._changed:
                self._changed.notify_all()

    def narrow(self) -> float:
        """A request was refused: half as many from now on, none for a while; gives how long, in seconds.

        Requests that were under way together and are refused together count once.
        """
        now = self._clock()
        if now >= self._closed_until:
            self._width = max(1, (self._under_way + 1) // 2)
            self._closed_until = now + self._pause
            self._pause = min(self._pause * 2, _LONGEST_PAUSE)
            self._went_well = 0
        return self._closed_until - now

    def widen(self) -> None:
        """A request was answered."""
        self._pause = _FIRST_PAUSE
        self._went_well += 1
        if self._width is not None and self._went_well >= self._width:
            self._width += 1
            self._went_well = 0

    def _has_room(self) -> bool:
        return self._width is None or self._under_way < self._width
