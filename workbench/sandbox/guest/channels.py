"""Many streams in one pipe: what both ends of the pipe know of its channels. No I/O happens here.

`Multiplexer.feed` takes what came in, `Multiplexer.send` hands out what has to go. The peer is never trusted: what it
can make this end hold is `WINDOW` bytes a channel, `most` channels, and `URGENT_LIMIT` bytes of answers.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import struct
from collections import deque
from typing import TYPE_CHECKING, Any

from .frames import CREDIT, DATA, EOF, EXIT, HEADER, MAX_PAYLOAD, OPEN, RESET, STDERR, WINDOW, FrameDecoder, FrameError
from .frames import encode as encode_frame

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

CHUNK = 32 * 1024
"""Bytes of one channel that go out before it is the next channel's turn."""
BACKLOG = 128 * 1024
"""Bytes waiting to go out on a channel from which on a writer has to wait."""
BATCH = 128 * 1024
"""Bytes handed to the pipe at once."""
CREDIT_STEP = WINDOW // 4
"""Consumed bytes that are given back to the peer at once."""
URGENT_LIMIT = 1024 * 1024
"""Bytes of control messages and resets that a peer may leave unread."""
LINGER = 5.0
"""Seconds for which `Channel.close` waits for the peer to take what was written."""

_COUNT = struct.Struct(">I")


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
        if len(payload) != _COUNT.size:
            raise FrameError("a CREDIT frame of the wrong size")
        self._credit += _COUNT.unpack(payload)[0]
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


class Multiplexer:
    """The channels of one end of the pipe.

    Args:
        first: the first channel number of this end: 1 for the workbench, 2 for the guest.
        accept: hears of each channel that the peer opens, with its request; returns at once.
        control: hears of each control message.
        most: how many channels the peer may have open at a time.
    """

    def __init__(
        self,
        first: int,
        accept: Callable[[Channel, dict[str, Any]], None],
        control: Callable[[dict[str, Any]], None],
        most: int,
    ) -> None:
        self.lost: str | None = None
        """Why the pipe is gone, None while it works."""
        self._next = first
        self._peer_last = 0
        self._peer_parity = (first + 1) % 2
        self._peer_channels = 0
        self._most = most
        self._accept = accept
        self._control = control
        self._decoder = FrameDecoder()
        self._channels: dict[int, Channel] = {}
        self._urgent = bytearray()
        self._owing: dict[int, Channel] = {}
        self._ready: deque[Channel] = deque()
        self._scheduled: set[int] = set()
        self._wake = asyncio.Event()

    def open(self, request: dict[str, Any], on_stderr: Callable[[bytes], None] | None = None) -> Channel:
        """Open a channel.

        Raises:
            ConnectionError: the pipe is gone.
            ValueError: the request does not fit into one frame.
        """
        if self.lost is not None:
            raise ConnectionError(self.lost)
        payload = _one_frame(request)
        channel = Channel(self, self._next, on_stderr)
        self._next += 2
        self._channels[channel.number] = channel
        channel.announce(payload)
        return channel

    def tell(self, message: dict[str, Any]) -> None:
        """Send a control message.

        Raises:
            ValueError: it does not fit into one frame.
        """
        self._urgent += encode_frame(0, DATA, _one_frame(message))
        self._wake.set()

    def feed(self, data: bytes) -> None:
        """Take what the peer sent.

        Raises:
            FrameError: the peer broke the protocol; the caller has to call `lose`.
        """
        for frame in self._decoder.feed(data):
            if frame.channel == 0:
                if frame.kind != DATA:
                    raise FrameError(f"a control frame of kind {frame.kind}")
                self._control(parse_object(frame.payload))
            elif frame.channel in self._channels:
                self._channels[frame.channel].receive(frame.kind, frame.payload)
            elif frame.kind == OPEN:
                self._accept_channel(frame.channel, frame.payload)
            elif not self._was_open(frame.channel):
                raise FrameError(f"a frame on channel {frame.channel}, which was never opened")
        if len(self._urgent) > URGENT_LIMIT:
            raise FrameError("the peer asks and does not read the answers")

    async def send(self, write: Callable[[bytes], Awaitable[None]]) -> None:
        """Hand what has to go out to `write`, one batch after the other, until the pipe is lost."""
        while self.lost is None:
            batch = self._take()
            if batch:
                await write(batch)
            else:
                self._wake.clear()
                await self._wake.wait()

    def lose(self, reason: str) -> None:
        """The pipe is gone: all channels are void from now on, and every wait on them ends."""
        if self.lost is not None:
            return
        self.lost = reason
        for channel in list(self._channels.values()):
            channel.lose(reason)
        self._wake.set()

    # What the channels call.

    def want_to_send(self, channel: Channel) -> None:
        """The channel has something that may go out."""
        if channel.number not in self._scheduled:
            self._scheduled.add(channel.number)
            self._ready.append(channel)
        self._wake.set()

    def owe(self, channel: Channel) -> None:
        """The channel has credit to give back."""
        self._owing[channel.number] = channel
        self._wake.set()

    def post_reset(self, number: int, reason: str) -> None:
        """Tell the peer that a channel is void."""
        if self.lost is None and number in self._channels:
            self._urgent += encode_frame(number, RESET, reason.encode("utf-8", "replace")[:1000])
            self._wake.set()

    def forget(self, channel: Channel) -> None:
        """The channel is over."""
        if self._channels.pop(channel.number, None) is not None and channel.number % 2 == self._peer_parity:
            self._peer_channels -= 1
        self._owing.pop(channel.number, None)

    # Inside.

    def _accept_channel(self, number: int, payload: bytes) -> None:
        if number % 2 != self._peer_parity or number <= self._peer_last:
            raise FrameError(f"channel {number} is not the peer's to open")
        if self._peer_channels >= self._most:
            raise FrameError(f"more than {self._most} channels at a time")
        request = parse_object(payload)
        self._peer_last = number
        self._peer_channels += 1
        channel = self._channels[number] = Channel(self, number)
        self._accept(channel, request)

    def _was_open(self, number: int) -> bool:
        return number <= self._peer_last if number % 2 == self._peer_parity else number < self._next

    def _take(self) -> bytes:
        parts: list[bytes | memoryview] = [bytes(self._urgent)]
        self._urgent.clear()
        for channel in self._owing.values():
            parts.append(encode_frame(channel.number, CREDIT, _COUNT.pack(channel.take_owed())))
        self._owing.clear()
        size = 0
        while self._ready and size < BATCH:
            channel = self._ready.popleft()
            frame = channel.next_frame()
            if frame is None:
                self._scheduled.discard(channel.number)
            else:
                parts.extend(frame)
                size += len(frame[1])
                self._ready.append(channel)
        return b"".join(parts)


def parse_object(payload: bytes) -> dict[str, Any]:
    """The JSON object in a frame.

    Raises:
        FrameError: there is none.
    """
    message = None
    with contextlib.suppress(ValueError, RecursionError):
        message = json.loads(payload)
    if not isinstance(message, dict):
        raise FrameError("a frame that should hold a JSON object does not")
    return message


def _one_frame(message: dict[str, Any]) -> bytes:
    payload = json.dumps(message, separators=(",", ":")).encode()
    if len(payload) > MAX_PAYLOAD:
        raise ValueError(f"a request of {len(payload)} bytes is longer than {MAX_PAYLOAD}")
    return payload
