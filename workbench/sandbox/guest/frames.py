"""The frames of the one pipe between the workbench and the guest; the same code on both ends.

A frame is a header (channel u32, kind u8, length u32, big endian) and its payload. Channel 0 is the control channel:
each of its frames is of kind DATA and holds one JSON object. The workbench opens odd channels, the guest even ones,
each in rising order. A sender may have `WINDOW` bytes of DATA and STDERR on a channel that the receiver has not yet
given back by CREDIT, so one slow channel never holds up the others. EOF ends one direction of a channel; a channel is
over when both directions are, after EXIT, or after RESET. What still arrives for a channel that is over is dropped.
"""

from __future__ import annotations

import contextlib
import json
import struct
from typing import Any, NamedTuple

OPEN = 1
"""Begin a channel. Payload: a JSON object whose `kind` is bash, filesystem, process or connect."""
DATA = 2
"""Bytes of the channel's stream."""
EOF = 3
"""The sender sends no more DATA."""
RESET = 4
"""The channel is void in both directions. Payload: the reason as UTF-8."""
CREDIT = 5
"""The receiver has consumed that many bytes. Payload: u32."""
STDERR = 6
"""Bytes that a process wrote to its standard error."""
EXIT = 7
"""A process ended; the last frame of its channel. Payload: a JSON object with `code` (negative: minus the signal)."""

WINDOW = 512 * 1024
"""Bytes in flight per channel and direction."""
MAX_PAYLOAD = 64 * 1024
"""Bytes that a frame may carry; a longer frame is a breach of the protocol."""

HEADER = struct.Struct(">IBI")


class Frame(NamedTuple):
    """One frame."""

    channel: int
    kind: int
    payload: bytes


class FrameError(Exception):
    """The peer broke the protocol; the pipe cannot be used any more."""


def encode(channel: int, kind: int, payload: bytes = b"") -> bytes:
    """The bytes of one frame."""
    return HEADER.pack(channel, kind, len(payload)) + payload


class FrameDecoder:
    """Cuts a stream of bytes into frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that are complete now.

        Raises:
            FrameError: a frame is of an unknown kind or longer than `MAX_PAYLOAD`.
        """
        buffer = self._buffer
        buffer += data
        frames = []
        position = 0
        while len(buffer) - position >= HEADER.size:
            channel, kind, length = HEADER.unpack_from(buffer, position)
            if not OPEN <= kind <= EXIT or length > MAX_PAYLOAD:
                raise FrameError(f"a frame of kind {kind} with {length} bytes")
            end = position + HEADER.size + length
            if len(buffer) < end:
                break
            frames.append(Frame(channel, kind, bytes(buffer[position + HEADER.size : end])))
            position = end
        del buffer[:position]
        return frames


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
