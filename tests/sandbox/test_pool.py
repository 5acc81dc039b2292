from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from workbench.definition.agent import ContainerSettings, NetworkPolicy
from workbench.sandbox import pool as pool_module
from workbench.sandbox.pool import SandboxPool
from workbench.sandbox.sandbox import Gauges, Sandbox, SandboxError, SandboxSpec

SPEC = SandboxSpec("a", Path("/a"), ContainerSettings(), NetworkPolicy(), None, None, {"TOKEN": "secret"})
OTHER = replace(SPEC, agent="b")
THIRD = replace(SPEC, agent="c")


class FakeSandbox:
    def __init__(self, spec: SandboxSpec) -> None:
        self.spec = spec
        self.lost: str | None = None
        self.closed = False
        self.answers = True

    async def gauges(self) -> Gauges:
        if not self.answers:
            await asyncio.sleep(1000)
        return Gauges("/", None, None)

    async def close(self) -> None:
        self.closed = True


class Starts:
    """Starts fake sandboxes; `hold` keeps starts waiting, `fail` makes the next ones fail."""

    def __init__(self) -> None:
        self.made: list[FakeSandbox] = []
        self.cancelled = 0
        self.hold: asyncio.Event | None = None
        self.fail = 0

    async def __call__(self, spec: SandboxSpec) -> Sandbox:
        try:
            if self.hold is not None:
                await self.hold.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.fail:
            self.fail -= 1
            raise SandboxError("no luck")
        self.made.append(FakeSandbox(spec))
        return cast(Any, self.made[-1])  # type: ignore[no-any-return]  # has what the pool needs


@pytest.fixture
def starts() -> Starts:
    return Starts()


@pytest.fixture
def pool(starts: Starts) -> SandboxPool[Sandbox]:
    return SandboxPool(starts)


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_without_a_warm_one_a_sandbox_is_started(starts: Starts, pool: SandboxPool[Sandbox]) -> None:
    assert await pool.acquire(SPEC) is cast(Any, starts.made[0])
    await pool.close()
    assert not starts.made[0].closed


async def test_a_warm_one_is_taken_once(starts: Starts, pool: SandboxPool[Sandbox]) -> None:
    pool.prewarm(SPEC)
    pool.prewarm(SPEC)
    await settle()
    first, second = await pool.acquire(SPEC), await pool.acquire(SPEC)
    assert first is cast(Any, starts.made[0])
    assert second is not first
    assert len(starts.made) == 2
    await pool.close()


async def test_one_that_still_starts_is_waited_for(starts: Starts, pool: SandboxPool[Sandbox]) -> None:
    starts.hold = asyncio.Event()
    pool.prewarm(SPEC)
    waiting = asyncio.create_task(pool.acquire(SPEC))
    await settle()
    starts.hold.set()
    await waiting
    assert len(starts.made) == 1
    await pool.close()


async def test_another_spec_gets_another_sandbox(starts: Starts, pool: SandboxPool[Sandbox]) -> None:
    pool.prewarm(SPEC)
    await settle()
    await pool.acquire(replace(SPEC, env={"TOKEN": "other"}))
    assert len(starts.made) == 2
    await pool.close()
    assert starts.made[0].closed
    assert not starts.made[1].closed


async def test_only_the_last_wanted_are_kept(starts: Starts, pool: SandboxPool[Sandbox]) -> None:
    for spec in (SPEC, OTHER, SPEC, THIRD):
        pool.prewarm(spec)
        await settle()
    assert [made.closed for made in starts.made if made.spec == OTHER] == [True]
    assert [made.closed for made in starts.made if made.spec != OTHER] == [False, False]
    await pool.close()


@pytest.mark.parametrize("how", ["lost", "mute"])
async def test_a_dead_warm_one_is_replaced_silently(starts: Starts, pool: SandboxPool[Sandbox], how: str) -> None:
    pool.prewarm(SPEC)
    await settle()
    starts.made[0].lost = "killed" if how == "lost" else None
    starts.made[0].answers = how != "mute"
    assert await pool.acquire(SPEC) is cast(Any, starts.made[1])
    await pool.close()
    assert starts.made[0].closed


async def test_a_failed_warm_start_is_tried_again_when_it_is_needed(starts: Starts, pool: SandboxPool[Sandbox]) -> None:
    starts.fail = 1
    pool.prewarm(SPEC)
    await settle()
    await pool.acquire(SPEC)
    starts.fail = 2
    pool.prewarm(SPEC)
    await settle()
    with pytest.raises(SandboxError):
        await pool.acquire(SPEC)
    await pool.close()


async def test_a_warm_one_that_dies_is_replaced_before_it_is_needed(
    starts: Starts, pool: SandboxPool[Sandbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_module, "_CHECK_SECONDS", 0.01)
    monkeypatch.setattr(pool_module, "_SHORTEST_LIFE", 0.0)
    pool.prewarm(SPEC)
    await settle()
    starts.made[0].lost = "killed"
    await asyncio.sleep(0.1)
    assert len(starts.made) == 2
    assert starts.made[0].closed
    await pool.close()


async def test_one_that_dies_at_once_is_not_started_for_ever(
    starts: Starts, pool: SandboxPool[Sandbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_module, "_CHECK_SECONDS", 0.01)
    pool.prewarm(SPEC)
    await settle()
    starts.made[0].lost = "killed"
    await asyncio.sleep(0.1)
    assert len(starts.made) == 1
    await pool.close()


async def test_closing_closes_what_is_up_and_cancels_what_starts(starts: Starts, pool: SandboxPool[Sandbox]) -> None:
    pool.prewarm(SPEC)
    await settle()
    starts.hold = asyncio.Event()
    pool.prewarm(OTHER)
    await settle()
    await pool.close()
    assert starts.made[0].closed
    assert starts.cancelled == 1
    pool.prewarm(SPEC)
    await settle()
    assert len(starts.made) == 1


async def test_a_cancelled_acquire_leaves_no_sandbox_behind(starts: Starts, pool: SandboxPool[Sandbox]) -> None:
    starts.hold = asyncio.Event()
    pool.prewarm(SPEC)
    waiting = asyncio.create_task(pool.acquire(SPEC))
    await settle()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    starts.hold.set()
    await settle()
    assert all(made.closed for made in starts.made)
    await pool.close()


def test_a_spec_never_shows_its_environment() -> None:
    assert "secret" not in repr(SPEC)
