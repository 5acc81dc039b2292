"""Many runs on one model: when it is too much, all of them slow down, and none is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from workbench.comparison.pacing import PacedModel
from workbench.cost.usage import Usage
from workbench.definition.agent import ModelSettings
from workbench.jsontypes import JsonObject
from workbench.model.conversation import Delta, ModelError, Reply, Request, Retry
from workbench.trace.events import ModelSource

REQUEST = Request(ModelSettings("claude-haiku-4-5"), 10, (), (), ())


class Limited:
    """A model that refuses what goes beyond `most` requests at once."""

    source: ModelSource = "api"
    endpoint: str | None = None

    def __init__(self, most: int, status: int = 429) -> None:
        self.most = most
        self.status = status
        self.under_way = 0
        self.refused = 0
        self.largest = 0

    def parameters(self, request: Request) -> JsonObject:
        return {"max_tokens": request.max_tokens}

    async def respond(
        self, request: Request, on_delta: Callable[[Delta], None], on_retry: Callable[[Retry], None]
    ) -> Reply:
        self.under_way += 1
        try:
            if self.under_way > self.most:
                self.refused += 1
                raise ModelError("too much", kind="rate_limit_error", status=self.status)
            self.largest = max(self.largest, self.under_way)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            return Reply("m", (), "end_turn", Usage(), 0.1)
        finally:
            self.under_way -= 1

    async def close(self) -> None:
        raise AssertionError("who opened the model closes it")


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now = max(self.now, self.now + seconds)
        await asyncio.sleep(0)


def paced(inner: Limited) -> tuple[PacedModel, Clock]:
    clock = Clock()
    return PacedModel(inner, clock=clock, sleep=clock.sleep), clock


async def ask(model: PacedModel, retries: list[Retry], deltas: list[Delta] | None = None) -> Reply:
    return await model.respond(REQUEST, (deltas if deltas is not None else []).append, retries.append)


async def test_all_are_answered_in_the_end() -> None:
    inner = Limited(most=2)
    model, clock = paced(inner)
    retries: list[Retry] = []
    replies = await asyncio.gather(*(ask(model, retries) for _ in range(12)))
    assert len(replies) == 12
    assert inner.largest <= 2
    assert inner.refused == len(retries)
    assert inner.refused < 30
    assert clock.now >= 5
    assert "all runs on this model slow down" in retries[0].reason
    await model.close()


async def test_a_model_that_bears_it_is_not_slowed_down() -> None:
    inner = Limited(most=50)
    model, clock = paced(inner)
    await asyncio.gather(*(ask(model, []) for _ in range(50)))
    assert inner.largest > 20
    assert clock.now == 0


async def test_what_was_streamed_before_a_refusal_is_void() -> None:
    inner = Limited(most=0)
    model, _clock = paced(inner)
    deltas: list[Delta] = []
    with pytest.raises(ModelError):
        await ask(model, [], deltas)
    assert {delta.kind for delta in deltas} == {"reset"}


async def test_a_model_that_never_answers_is_given_up() -> None:
    inner = Limited(most=0, status=529)
    model, clock = paced(inner)
    with pytest.raises(ModelError, match="too much"):
        await ask(model, [])
    assert inner.refused == 8
    assert clock.now == 5 + 10 + 20 + 40 + 60 * 3


async def test_other_errors_are_not_repeated() -> None:
    inner = Limited(most=0, status=400)
    model, _clock = paced(inner)
    with pytest.raises(ModelError):
        await ask(model, [])
    assert inner.refused == 1


async def test_a_cancelled_request_makes_room() -> None:
    inner = Limited(most=1)
    model, _clock = paced(inner)
    await asyncio.gather(*(ask(model, []) for _ in range(3)))  # the lane is narrow now
    waiting = [asyncio.create_task(ask(model, [])) for _ in range(4)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    done = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 5)
    assert [isinstance(each, Reply) for each in done] == [False, True, True, True]


async def test_it_says_what_the_model_says() -> None:
    model, _clock = paced(Limited(most=1))
    assert (model.source, model.endpoint) == ("api", None)
    assert model.parameters(REQUEST) == {"max_tokens": 10}
