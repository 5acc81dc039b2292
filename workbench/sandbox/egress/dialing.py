"""The way out of this machine: name look-ups and TCP connections to addresses that were vetted."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Awaitable, Callable, Sequence

from workbench.sandbox.egress.addresses import Address, HostError, parse_host
from workbench.sandbox.streams import ByteStream

Resolver = Callable[[str, int], Awaitable[Sequence[Address]]]
"""Looks a name up for a port. Raises OSError when the name does not resolve."""

Connector = Callable[[Address, int], Awaitable[ByteStream]]
"""Connects to an address. Raises OSError when nothing answers there."""

_BUFFER = 65536


class SocketStream:
    """A TCP connection as a `ByteStream`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        writer.transport.set_write_buffer_limits(high=0)  # a write is done when the kernel has it all

    async def read(self, limit: int = _BUFFER) -> bytes:
        """At most `limit` bytes as soon as there are any; empty at the end of the stream."""
        try:
            return await self._reader.read(limit)
        except OSError as error:
            raise ConnectionError(str(error)) from error

    async def write(self, data: bytes) -> None:
        """Send all of `data`; waits while the peer is slow."""
        try:
            self._writer.write(data)
            await self._writer.drain()
        except OSError as error:
            raise ConnectionError(str(error)) from error

    async def write_eof(self) -> None:
        """Send no more; reading goes on."""
        with contextlib.suppress(OSError):
            self._writer.write_eof()

    async def close(self) -> None:
        """Give the stream up in both directions, at once; what was written still goes out."""
        self._writer.transport.abort()


async def connect(address: Address, port: int) -> SocketStream:
    """Connect to exactly this address.

    Raises:
        OSError: nothing answers there.
    """
    reader, writer = await asyncio.open_connection(str(address), port, limit=_BUFFER)
    return SocketStream(reader, writer)


class SystemResolver:
    """Asks the system's resolver, in threads that a hanging name server cannot make many."""

    def __init__(self, at_once: int = 16) -> None:
        self._free = asyncio.Semaphore(at_once)

    async def __call__(self, host: str, port: int) -> Sequence[Address]:
        """The addresses of `host`, in the system's order of preference.

        Raises:
            OSError: the name does not resolve.
        """
        await self._free.acquire()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Sequence[Address]] = loop.create_future()

        def deliver(result: Sequence[Address] | OSError) -> None:
            self._free.release()
            if answer.cancelled():
                return
            if isinstance(result, OSError):
                answer.set_exception(result)
            else:
                answer.set_result(result)

        def ask() -> None:
            result = _look_up(host, port)
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(deliver, result)

        # a daemon thread of its own, because a pool's thread would hold up the end of the program
        threading.Thread(target=ask, name=f"resolve {host}", daemon=True).start()
        return await answer


def _look_up(host: str, port: int) -> Sequence[Address] | OSError:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    except (OSError, UnicodeError) as error:
        return error if isinstance(error, OSError) else OSError(str(error))
    addresses = []
    for _, _, _, _, endpoint in found:
        try:
            address = parse_host(str(endpoint[0]))
        except HostError as error:
            return OSError(f"the resolver answered {endpoint[0]!r}: {error}")
        if not isinstance(address, str):
            addresses.append(address)
    return list(dict.fromkeys(addresses))
