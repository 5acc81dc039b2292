"""Both ends of the guest's pipe in one process, for tests of what goes over it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from workbench.sandbox.guest.channels import Channel
from workbench.sandbox.guest.multiplexer import Multiplexer


class End:
    """One end of a pipe, what it was told, and the bytes that it has sent and the other end has not got yet."""

    def __init__(self, first: int, most: int = 8) -> None:
        self.accepted: list[tuple[Channel, dict[str, Any]]] = []
        self.told: list[dict[str, Any]] = []
        self.multiplexer = Multiplexer(first, self._accept, self.told.append, most)
        self.sent = bytearray()

    def _accept(self, channel: Channel, request: dict[str, Any]) -> None:
        self.accepted.append((channel, request))

    async def keep(self, data: bytes) -> None:
        self.sent += data
        await asyncio.sleep(0)


@asynccontextmanager
async def pipe(piece: int = 1000) -> AsyncIterator[tuple[End, End]]:
    """Two ends that hear each other in pieces of so many bytes."""
    host, guest = End(1), End(2)

    async def carry(source: End, target: End) -> None:
        while True:
            data = bytes(source.sent[:piece])
            del source.sent[:piece]
            if data:
                target.multiplexer.feed(data)
            await asyncio.sleep(0)

    tasks = [
        asyncio.create_task(work)
        for work in (
            host.multiplexer.send(host.keep),
            guest.multiplexer.send(guest.keep),
            carry(host, guest),
            carry(guest, host),
        )
    ]
    try:
        yield host, guest
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0)


async def opened(host: End, guest: End) -> tuple[Channel, Channel]:
    ours = host.multiplexer.open({"kind": "bash"})
    known = len(guest.accepted)
    await until(lambda: len(guest.accepted) > known)
    return ours, guest.accepted[-1][0]
