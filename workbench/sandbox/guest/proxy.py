"""The inner end of the only way out: each connection to a port on the loopback becomes a channel to the workbench."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from .channels import Channel
    from .multiplexer import Multiplexer

MOST_CONNECTIONS = 128
"""Connections at a time; more are refused."""
_PIECE = 64 * 1024


def proxy_settings(port: int | None) -> dict[str, str]:
    """The environment variables that lead programs to the port; none without one."""
    if port is None:
        return {}
    address = f"http://127.0.0.1:{port}"
    names = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
    local = {"NO_PROXY": "localhost,127.0.0.1,::1", "no_proxy": "localhost,127.0.0.1,::1"}
    return {**dict.fromkeys(names, address), **local, "NODE_USE_ENV_PROXY": "1"}


class Proxy:
    """Listens, and relays in both directions no faster than the slower side takes it."""

    def __init__(self, multiplexer: Multiplexer) -> None:
        self._multiplexer = multiplexer
        self._open = 0

    async def listen(self, port: int) -> None:
        """Accept connections from now on.

        Raises:
            OSError: the port is taken.
        """
        await asyncio.start_server(self._serve, "127.0.0.1", port, limit=_PIECE)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.set_write_buffer_limits(high=_PIECE)
        if self._open >= MOST_CONNECTIONS or self._multiplexer.lost is not None:
            writer.close()
            return
        self._open += 1
        channel = self._multiplexer.open({"kind": "connect"})
        try:
            await _both(_outwards(reader, channel), _inwards(channel, writer))
        except OSError:  # either side has gone away
            channel.reset("the connection was lost")
        finally:
            self._open -= 1
            await channel.close()
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


async def _both(*directions: Coroutine[Any, Any, None]) -> None:
    """Run both directions to their ends; if one fails, stop the other and fail."""
    tasks = [asyncio.ensure_future(direction) for direction in directions]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _outwards(reader: asyncio.StreamReader, channel: Channel) -> None:
    while True:
        data = await reader.read(_PIECE)
        if not data:
            await channel.write_eof()
            return
        await channel.write(data)


async def _inwards(channel: Channel, writer: asyncio.StreamWriter) -> None:
    while True:
        data = await channel.read()
        if not data:
            if writer.can_write_eof():
                writer.write_eof()
            return
        writer.write(data)
        await writer.drain()
