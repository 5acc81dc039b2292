"""The guest's end of the pipe: standard input and standard output."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Incoming(asyncio.Protocol):
    """Hands on what arrives, and says when no more will."""

    def __init__(self, on_data: Callable[[bytes], None], on_end: Callable[[], None]) -> None:
        self._on_data = on_data
        self._on_end = on_end

    def data_received(self, data: bytes) -> None:
        """Bytes arrived."""
        self._on_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """The other end is closed."""
        self._on_end()


class Outgoing(asyncio.BaseProtocol):
    """Writes without ever holding more than a batch: `write` waits while the reader is slow.

    asyncio's transport repeats what a write left over, which matters: under gVisor a write of more than 64 KiB to a
    pipe of the host is cut short.
    """

    def __init__(self, on_end: Callable[[], None]) -> None:
        self._on_end = on_end
        self._transport: asyncio.WriteTransport | None = None
        self._free = asyncio.Event()
        self._free.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The pipe is open."""
        assert isinstance(transport, asyncio.WriteTransport)
        transport.set_write_buffer_limits(high=0)
        self._transport = transport

    def pause_writing(self) -> None:
        """The pipe is full."""
        self._free.clear()

    def resume_writing(self) -> None:
        """The pipe has taken all."""
        self._free.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """The other end is closed."""
        self._free.set()
        self._on_end()

    async def write(self, data: bytes) -> None:
        """Write all of `data`; waits until the pipe has taken it."""
        assert self._transport is not None
        self._transport.write(data)
        await self._free.wait()


async def open_pipe(on_data: Callable[[bytes], None], on_end: Callable[[], None]) -> Outgoing:
    """Listen on standard input; the answer writes to standard output."""
    loop = asyncio.get_running_loop()
    _, outgoing = await loop.connect_write_pipe(lambda: Outgoing(on_end), os.fdopen(1, "wb", 0))
    await loop.connect_read_pipe(lambda: Incoming(on_data, on_end), os.fdopen(0, "rb", 0))
    return outgoing
