"""Many channels in one pipe: what one end of the pipe knows of them. The same code on both ends; no I/O happens here.

`Multiplexer.feed` takes what came in, `Multiplexer.send` hands out what has to go. The peer is never trusted: what it
can make this end hold is `WINDOW` bytes a channel, `most` channels, and `URGENT_LIMIT` bytes of answers.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from typing import TYPE_CHECKING, Any

from .channels import COUNT, Channel
from .frames import CREDIT, DATA, MAX_PAYLOAD, OPEN, RESET, FrameDecoder, FrameError, encode, parse_object

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

BATCH = 128 * 1024
"""Bytes handed to the pipe at once."""
URGENT_LIMIT = 1024 * 1024
"""Bytes of control messages and resets that a peer may leave unread."""


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
        self._urgent += encode(0, DATA, _one_frame(message))
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
            self._urgent += encode(number, RESET, reason.encode("utf-8", "replace")[:1000])
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
            parts.append(encode(channel.number, CREDIT, COUNT.pack(channel.take_owed())))
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


def _one_frame(message: dict[str, Any]) -> bytes:
    payload = json.dumps(message, separators=(",", ":")).encode()
    if len(payload) > MAX_PAYLOAD:
        raise ValueError(f"a request of {len(payload)} bytes is longer than {MAX_PAYLOAD}")
    return payload
