"""Programs in the sandbox whose streams the workbench holds: MCP servers over stdio."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

from .processes import kill_tree

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from .channels import Channel
    from .processes import Children, ToolUser

_PIECE = 64 * 1024
_AFTER_END = 0.5
"""Seconds for which output is still read when the program has ended but something holds its output open."""


async def run_program(
    channel: Channel, request: dict[str, Any], children: Children, user: ToolUser, cwd: str, env: dict[str, str]
) -> None:
    """Run the program that a channel asks for until it ends or the channel does; nothing of it is left then.

    Args:
        request: `command` (list of strings), and as wanted `env` (object of strings, added to `env`) and `cwd`.

    Raises:
        ValueError: the request is malformed.
        OSError: the program cannot be started.
        ConnectionError: the channel was reset.
    """
    command, extra, folder = _checked(request, cwd)
    stdin, feeds = os.pipe()
    printed, stdout = os.pipe()
    complained, stderr = os.pipe()
    try:
        child = children.start(
            command, user, cwd=folder, env={**env, **extra}, stdin=stdin, stdout=stdout, stderr=stderr
        )
    except BaseException:
        for descriptor in (feeds, printed, complained):
            os.close(descriptor)
        raise
    finally:
        for descriptor in (stdin, stdout, stderr):
            os.close(descriptor)
    relays = (_Relay(printed, channel.write), _Relay(complained, channel.write_stderr))
    gone: asyncio.Future[Any] = asyncio.ensure_future(channel.finished())
    tasks = [gone, asyncio.ensure_future(_feed(channel, feeds)), *(asyncio.ensure_future(r.run()) for r in relays)]
    try:
        await asyncio.wait([gone, child.ended], return_when=asyncio.FIRST_COMPLETED)
        if not child.ended.done():
            raise ConnectionError(channel.void)
        kill_tree(child.pid)
        await _finish_reading(relays, tasks[-2:])
        channel.end(child.ended.result())
    finally:
        kill_tree(child.pid)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _finish_reading(relays: Sequence[_Relay], tasks: Sequence[asyncio.Future[None]]) -> None:
    """Wait for the last output, however slowly it is taken, but not for something that only holds the pipe open."""
    while True:
        _, waiting = await asyncio.wait(tasks, timeout=_AFTER_END)
        if not waiting or all(relay.reading for relay in relays):
            return


def _checked(request: dict[str, Any], cwd: str) -> tuple[list[str], dict[str, str], str]:
    command, extra, folder = request.get("command"), request.get("env", {}), request.get("cwd", cwd)
    if not isinstance(command, list) or not command or not all(isinstance(word, str) for word in command):
        raise ValueError("command is not a list of strings")
    if not isinstance(extra, dict) or not all(isinstance(value, str) for value in extra.values()):
        raise ValueError("env is not an object of strings")
    if not isinstance(folder, str):
        raise ValueError("cwd is not a string")
    return command, extra, folder


class _Relay:
    """Sends what a pipe gives, no faster than it is taken."""

    def __init__(self, descriptor: int, write: Callable[[bytes], Awaitable[None]]) -> None:
        self.reading = True
        """Whether it waits for the program, not for the peer. Stays true at the end."""
        self._pipe = os.fdopen(descriptor, "rb", 0)
        self._write = write

    async def run(self) -> None:
        reader = asyncio.StreamReader(limit=_PIECE)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), self._pipe
        )
        try:
            while True:
                data = await reader.read(_PIECE)
                if not data:
                    return
                self.reading = False
                await self._write(data)
                self.reading = True
        finally:
            transport.close()


async def _feed(channel: Channel, descriptor: int) -> None:
    """Hand what comes in to a pipe; then close it."""
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.connect_write_pipe(_Feeding, os.fdopen(descriptor, "wb", 0))
    try:
        while True:
            data = await channel.read()
            if not data:
                break
            if not transport.is_closing():  # else the program has closed its input, and the rest is dropped
                transport.write(data)
                await protocol.drained()
    finally:
        transport.close()


class _Feeding(asyncio.BaseProtocol):
    def __init__(self) -> None:
        self._free = asyncio.Event()
        self._free.set()

    def pause_writing(self) -> None:
        self._free.clear()

    def resume_writing(self) -> None:
        self._free.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._free.set()

    async def drained(self) -> None:
        await self._free.wait()
