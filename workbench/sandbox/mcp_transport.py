"""An MCP transport over a channel to the guest. Importing this imports `mcp`."""

from __future__ import annotations

import asyncio
import codecs
import re
from collections.abc import Callable
from types import TracebackType
from typing import Self

import anyio
import mcp_types
from mcp.client._transport import TransportStreams
from mcp.shared.message import SessionMessage

from workbench.sandbox.guest.channels import Channel

LONGEST_MESSAGE = 64 * 1024 * 1024
"""Bytes of one message; a server that sends a longer one is cut off."""
MOST_VALUES = 250_000
"""Values in one message. A byte of JSON can become fifty bytes of memory, so that its length alone bounds nothing."""
GRACE = 0.5
"""Seconds that a server has to exit by itself once its input is closed."""
_READ = 256 * 1024
_TEXT = re.compile(rb'"(?:[^"\\]++|\\.)*+"')

OpenChannel = Callable[[Callable[[bytes], None] | None], Channel]


class ChannelTransport:
    """Connects an `mcp.Client` to a server at the other end of a channel.

    Args:
        open_channel: opens it, with what is to hear the server's standard error.
        on_stderr: hears that as text, and why the server ended. None: it is a built-in server, which has none.
    """

    def __init__(self, open_channel: OpenChannel, on_stderr: Callable[[str], None] | None = None) -> None:
        self._open = open_channel
        self._on_stderr = on_stderr
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._channel: Channel | None = None

    async def __aenter__(self) -> TransportStreams:
        """Open the channel.

        Raises:
            ConnectionError: the link to the guest is lost.
            ValueError: the command and its variables are too long.
        """
        self._channel = self._open(None if self._on_stderr is None else self._hear)
        return _Incoming(self._channel, self._ended), _Outgoing(self._channel)

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        """Close the server's input, give it `GRACE` to exit, then kill it with all its children."""
        channel, self._channel = self._channel, None
        if channel is None:
            return
        try:
            if self._on_stderr is not None:
                await channel.write_eof()
                async with asyncio.timeout(GRACE):
                    await channel.finished()
        except TimeoutError:
            pass
        finally:
            channel.reset("closed")

    def _hear(self, data: bytes) -> None:
        if self._on_stderr is not None and (text := self._decoder.decode(data)):
            self._on_stderr(text)

    def _ended(self, channel: Channel) -> None:
        """Tell why the server is gone, unless it was told to go."""
        if self._on_stderr is None or self._channel is None:
            return
        if channel.exit_code is None:
            self._on_stderr(f"[{channel.void}]\n")
        else:
            self._on_stderr(f"[exited with code {channel.exit_code}]\n")


class _Incoming:
    """The messages that arrive, parsed straight from the channel: no task and no queue in between."""

    def __init__(self, channel: Channel, on_end: Callable[[Channel], None]) -> None:
        self._channel = channel
        self._on_end = on_end
        self._buffer = bytearray()
        self._searched = 0
        self._over = False

    async def receive(self) -> SessionMessage | Exception:
        """The next message, or what is wrong with it.

        Raises:
            anyio.EndOfStream: there are no more.
        """
        while not self._over:
            line = self._next_line()
            if line is None:
                await self._fill()
            elif line.strip():
                return _parse(line)
        raise anyio.EndOfStream

    async def aclose(self) -> None:
        """Read no more."""
        self._over = True

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def _fill(self) -> None:
        try:
            data = await self._channel.read(_READ)
        except ConnectionError:
            data = b""
        self._buffer += data
        if len(self._buffer) > LONGEST_MESSAGE:
            self._channel.reset(f"a message is longer than {LONGEST_MESSAGE} bytes")
            data = b""
        if not data and not self._over:
            self._over = True
            self._on_end(self._channel)

    def _next_line(self) -> bytes | None:
        newline = self._buffer.find(b"\n", self._searched)
        if newline < 0:
            self._searched = len(self._buffer)
            return None
        line = bytes(self._buffer[:newline])
        del self._buffer[: newline + 1]
        self._searched = 0
        return line


class _Outgoing:
    """The messages that go out, written straight to the channel."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    async def send(self, item: SessionMessage, /) -> None:
        """Send a message, whole even if the sender is cancelled meanwhile.

        Raises:
            anyio.BrokenResourceError: the channel or the link is gone.
        """
        text = item.message.model_dump_json(by_alias=True, exclude_unset=True)
        try:
            await self._channel.write(text.encode() + b"\n")
        except ConnectionError as error:
            raise anyio.BrokenResourceError from error

    async def aclose(self) -> None:
        """Send no more; the transport closes the channel."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        await self.aclose()


def _parse(line: bytes) -> SessionMessage | Exception:
    if _values(line) > MOST_VALUES and _values(_TEXT.sub(b"", line)) > MOST_VALUES:
        return ValueError(f"a message of more than {MOST_VALUES:,} values")
    try:
        return SessionMessage(mcp_types.jsonrpc_message_adapter.validate_json(line, by_name=False))
    except ValueError as error:
        return error


def _values(line: bytes) -> int:
    """How many values JSON holds, at most; what looks like one inside of texts is counted too."""
    return line.count(b",") + line.count(b"[") + line.count(b"{")
