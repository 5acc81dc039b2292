"""One attempt to leave the sandbox: what is known of it, how it ends, and what its client is told."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from workbench.sandbox.egress.addresses import Address
from workbench.sandbox.egress.buffered_stream import BufferedStream
from workbench.sandbox.egress.http_head import Target
from workbench.sandbox.streams import ByteStream
from workbench.trace.events import Egress

_LINGER_SECONDS = 1.0
_LINGER_BYTES = 256 * 1024


class EgressEndedError(Exception):
    """An attempt is over before its natural end.

    `refused` says that it may not be, else something failed. `status` is the HTTP status that tells the client,
    `advice` what a person can do about it.
    """

    def __init__(self, status: int, reason: str, advice: str = "", *, refused: bool) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.advice = advice
        self.refused = refused


class ServerGoneError(ConnectionError):
    """The server takes no more bytes; it may have sent an answer before."""


@dataclass(slots=True)
class Attempt:
    """What is known of one attempt; becomes its event.

    `number` counts the sandbox's attempts from 1 and is 0 until the client has asked for anything; `answered` says that
    it has the first line of its answer.
    """

    number: int = 0
    answered: bool = False
    target: Target | None = None
    decision: Literal["allowed", "refused"] = "refused"
    reason: str = ""
    address: Address | None = None
    sent: int = 0
    received: int = 0
    started: float = field(default_factory=time.monotonic)

    def allow(self, pattern: str | None) -> None:
        """The policy lets it pass, because of `pattern`."""
        self.decision = "allowed"
        self.reason = f"network.allow holds {pattern}"

    def end(self, reason: str, *, refused: bool = False) -> None:
        """It ended for this reason; a refusal stays one."""
        self.reason = reason
        if refused:
            self.decision = "refused"

    def event(self) -> Egress:
        """The event of the attempt, now that it is over."""
        return Egress(
            host="" if self.target is None else str(self.target.host),
            port=0 if self.target is None else self.target.port,
            decision=self.decision,
            reason=self.reason,
            bytes_sent=self.sent,
            bytes_received=self.received,
            duration=time.monotonic() - self.started,
            address=None if self.address is None else str(self.address),
        )


class MeteredStream:
    """The server's side of a connection; reports each piece that moved as (bytes sent, bytes received)."""

    def __init__(self, stream: ByteStream, account: Callable[[int, int], None]) -> None:
        self._stream = stream
        self._account = account

    async def read(self, limit: int = 65536) -> bytes:
        """At most `limit` bytes as soon as there are any; empty at the end of the stream."""
        data = await self._stream.read(limit)
        self._account(0, len(data))
        return data

    async def write(self, data: bytes) -> None:
        """Send all of `data`; raises `ServerGoneError` when the server takes no more."""
        try:
            await self._stream.write(data)
        except ConnectionError as error:
            raise ServerGoneError(str(error)) from error
        self._account(len(data), 0)

    async def write_eof(self) -> None:
        """Send no more."""
        await self._stream.write_eof()

    async def close(self) -> None:
        """Give the stream up in both directions."""
        await self._stream.close()


async def tell_client(client: BufferedStream, target: Target | None, end: EgressEndedError) -> None:
    """Answer the client with the reason, and leave it a moment to read the answer before the connection closes."""
    with contextlib.suppress(ConnectionError, TimeoutError):
        async with asyncio.timeout(_LINGER_SECONDS):
            await client.write(_answer(target, end))
            await client.write_eof()
            left = _LINGER_BYTES
            while left > 0 and (data := await client.read()):
                left -= len(data)


def _answer(target: Target | None, end: EgressEndedError) -> bytes:
    """The reason is in the status line too, because clients show only that when a CONNECT fails."""
    where = "the request" if target is None else f"{target.host}:{target.port}"
    verb = "refused" if end.refused else "could not serve"
    lines = [f"The workbench {verb} {where}: {end.reason}.", *([end.advice] if end.advice else [])]
    body = ("\n".join(lines) + "\n").encode("utf-8", "replace")
    phrase = "".join(char if " " <= char <= "~" else "?" for char in f"{where}: {end.reason}")
    head = [
        f"HTTP/1.1 {end.status} {phrase[:400]}",
        "Content-Type: text/plain; charset=utf-8",
        f"Content-Length: {len(body)}",
        "Connection: close",
        "\r\n",
    ]
    return "\r\n".join(head).encode("ascii") + body
