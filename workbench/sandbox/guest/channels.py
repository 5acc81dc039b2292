"""One stream among many in the pipe: its two directions, its credit, its end."""

from __future__ import annotations

import asyncio
import json
import struct
from collections import deque
from typing import TYPE_CHECKING

from .frames import CREDIT, DATA, EOF, EXIT, HEADER, OPEN, RESET, STDERR, WINDOW, FrameError, parse_object

if TYPE_CHECKING:
    from collections.abc import Callable

    from .multiplexer import Multiplexer

CHUNK = 32 * 1024
"""Bytes of one channel that go out before it is the next channel's turn."""
BACKLOG = 128 * 1024
"""Bytes waiting to go out on a channel from which on a writer has to wait."""
CREDIT_STEP = WINDOW // 4
"""Consumed bytes that are given back to the peer at once."""
LINGER = 5.0
"""Seconds for which `Channel.close` waits for the peer to take what was written."""

COUNT = struct.Struct(">I")
"""The payload of a CREDIT frame."""


class Channel:
    """One two-way stream of bytes in the pipe (a `ByteStream`), with a standard error and an exit code if a process.

    One task at a time may read. A written message goes out whole and in order, even if its writer is cancelled.
    """

    def __init__(self, multiplexer: Multiplexer, number: int, on_stderr: Callable[[bytes], None] | None = None) -> None:
        self.number = number
        self.void: str | None = None
        """Why nothing more can be sent or received: reset by either side, or the pipe is lost."""
        self.exit_code: int | None = None
        """The exit code of the process at the other end, once it has ended."""
        self._multiplexer = multiplexer
        self._on_stderr = on_stderr
        self._arrived = bytearray()
        self._held = 0  # received and not yet given back as credit
        self._owed = 0  # consumed and not yet given back as credit
        self._peer_ended = False
        self._queue: deque[tuple[int, memoryview]] = deque()
        self._queued = 0
        self._credit = WINDOW
        self._announced = True  # the peer knows of the channel
        self._ended = False  # our EOF or EXIT is queued
        self._eof_sent = False
        self._arrival = asyncio.Event()
        self._progress = asyncio.Event()

    async def read(self, limit: int = 65536) -> bytes:
        """At most `limit` bytes as soon as there are any; empty at the end of the stream.

        Raises:
            ConnectionError: the peer reset the channel or the pipe is gone.
        """
        while not self._arrived:
            if self._peer_ended:
                return b""
            if self.void is not None:
                raise ConnectionError(self.void)
            self._arrival.clear()
            await self._arrival.wait()
        data = bytes(self._arrived[:limit])
        del self._arrived[:limit]
        self._consumed(len(data))
        return data

    async def write(self, data: bytes) -> None:
        """Send all of `data`; waits while the peer is slow.

        Raises:
            ConnectionError: the channel was reset, its sending end is closed, or the pipe is gone.
        """
        await self._put(DATA, data)

    async def write_stderr(self, data: bytes) -> None:
        """Send what a process wrote to its standard error.

        Raises:
            ConnectionError: as for `write`.
        """
        await self._put(STDERR, data)

    async def write_eof(self) -> None:
        """Send no more; reading goes on."""
        if not self._ended and self.void is None:
            self._ended = True
            self._enqueue(EOF, b"")

    def end(self, exit_code: int) -> None:
        """Say that the process of this channel has ended; ends both directions."""
        if self.void is None:
            self._ended = True
            self._enqueue(EXIT, json.dumps({"code": exit_code}).encode())

    async def finished(self) -> None:
        """Wait for the exit code of the process, or for the channel to be void."""
        while self.exit_code is None and self.void is None:
            self._arrival.clear()
            await self._arrival.wait()

    async def close(self) -> None:
        """Give the channel up in both directions, once what was written is taken or `LINGER` has passed."""
        if self._peer_ended:
            await self.write_eof()
        try:
            if self._queue:
                await asyncio.wait([asyncio.ensure_future(self._sent())], timeout=LINGER)
        finally:
            self.reset("closed")

    def reset(self, reason: str) -> None:
        """Make the channel void at once, at both ends. Does nothing if it is over."""
        if self.void is None and not self._over and self._announced:
            self._multiplexer.post_reset(self.number, reason)
        self._give_up(reason)

    async def _put(self, kind: int, data: bytes) -> None:
        while self._queued >= BACKLOG and self.void is None:
            self._progress.clear()
            await self._progress.wait()
        if self.void is not None:
            raise ConnectionError(self.void)
        if self._ended:
            raise ConnectionError("the sending end is closed")
        if data:
            self._queued += len(data)
            self._enqueue(kind, data)

    async def _sent(self) -> None:
        while self._queue and self.void is None:
            self._progress.clear()
            await self._progress.wait()

    # What the multiplexer calls.

    def receive(self, kind: int, payload: bytes) -> None:
        """Take a frame of this channel from the peer.

        Raises:
            FrameError: it is not one that may come now.
        """
        if kind in (DATA, STDERR):
            self._receive_bytes(kind, payload)
        elif kind == EOF:
            self._peer_ended = True
        elif kind == RESET:
            self._give_up(payload[:1000].decode("utf-8", "replace") or "reset", keep_arrived=True)
        elif kind == CREDIT:
            self._receive_credit(payload)
        elif kind == EXIT:
            self._receive_exit(payload)
        else:
            raise FrameError(f"channel {self.number} was opened twice")
        self._arrival.set()
        self._settle()

    def announce(self, request: bytes) -> None:
        """Open the channel at the peer."""
        self._announced = False
        self._enqueue(OPEN, request)

    def next_frame(self) -> tuple[bytes, memoryview] | None:
        """Header and payload of the next frame that may go out, None if there is none now."""
        if self.void is not None or not self._queue:
            return None
        kind, payload = self._queue[0]
        if kind in (DATA, STDERR):
            size = min(len(payload), self._credit, CHUNK)
            if not size:
                return None
            self._credit -= size
            self._queued -= size
            if size < len(payload):
                self._queue[0] = (kind, payload[size:])
                payload = payload[:size]
            else:
                self._queue.popleft()
        else:
            self._queue.popleft()
            self._announced = True
            self._eof_sent = self._eof_sent or kind in (EOF, EXIT)
            self._peer_ended = self._peer_ended or kind == EXIT
        if self._queued < BACKLOG:
            self._progress.set()
        self._settle()
        return HEADER.pack(self.number, kind, len(payload)), payload

    def take_owed(self) -> int:
        """Bytes to give back to the peer now."""
        owed, self._owed = self._owed, 0
        self._held -= owed
        return owed

    def lose(self, reason: str) -> None:
        """The pipe is gone."""
        self._give_up(reason)

    # Inside.

    @property
    def _over(self) -> bool:
        return (self._peer_ended and self._eof_sent) or self.exit_code is not None

    def _enqueue(self, kind: int, payload: bytes) -> None:
        self._queue.append((kind, memoryview(payload)))
        self._multiplexer.want_to_send(self)

    def _receive_bytes(self, kind: int, payload: bytes) -> None:
        if self._peer_ended:
            raise FrameError(f"bytes after the end of channel {self.number}")
        self._held += len(payload)
        if self._held > WINDOW:
            raise FrameError(f"more bytes on channel {self.number} than were granted")
        if kind == DATA:
            self._arrived += payload
        elif kind == STDERR:
            if self._on_stderr is not None:
                self._on_stderr(payload)
            self._consumed(len(payload))

    def _receive_credit(self, payload: bytes) -> None:
        if len(payload) != COUNT.size:
            raise FrameError("a CREDIT frame of the wrong size")
        self._credit += COUNT.unpack(payload)[0]
        if self._credit > WINDOW:
            raise FrameError(f"credit on channel {self.number} for bytes that were never sent")
        self._multiplexer.want_to_send(self)

    def _receive_exit(self, payload: bytes) -> None:
        code = parse_object(payload).get("code")
        if not isinstance(code, int):
            raise FrameError("an EXIT frame without a code")
        self.exit_code = code
        self._peer_ended = True
        self._ended = True
        self._drop_queue()

    def _consumed(self, count: int) -> None:
        self._owed += count
        if self._owed >= CREDIT_STEP and self.void is None and not self._peer_ended:
            self._multiplexer.owe(self)

    def _settle(self) -> None:
        if self._over or self.void is not None:
            self._multiplexer.forget(self)

    def _give_up(self, reason: str, *, keep_arrived: bool = False) -> None:
        if self.void is None:
            self.void = reason
        if not keep_arrived:
            self._arrived.clear()
        self._arrival.set()
        self._drop_queue()
        self._multiplexer.forget(self)

    def _drop_queue(self) -> None:
        self._queue.clear()
        self._queued = 0
        self._progress.set()
