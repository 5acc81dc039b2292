"""A byte stream that can be read up to a delimiter, within a limit."""

from __future__ import annotations

from workbench.sandbox.streams import ByteStream

_PIECE = 65536


class StreamSyntaxError(Exception):
    """The peer sent what the protocol does not allow. `str` says what, in a few words."""


class BufferedStream:
    """Reads heads and lines from a `ByteStream` and keeps what comes after them for the next read."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self._buffer = bytearray()

    async def read(self, limit: int = _PIECE) -> bytes:
        """At most `limit` bytes as soon as there are any; empty at the end of the stream."""
        if not self._buffer:
            return await self._stream.read(limit)
        data = bytes(self._buffer[:limit])
        del self._buffer[:limit]
        return data

    async def read_head(self, limit: int) -> bytes | None:
        """The bytes up to an empty line, without it; None when the stream ends before its first byte.

        Raises:
            StreamSyntaxError: the head is longer than `limit` bytes, ends early, or has a bare line feed, which
                another reader could take for the end of a line.
        """
        searched = 0
        while True:
            end = self._buffer.find(b"\r\n\r\n", max(0, searched - 3))
            head = self._buffer[: end if end >= 0 else limit]
            if head.count(b"\n") != head.count(b"\r\n"):
                raise StreamSyntaxError("a line ends without a carriage return")
            if end > limit or (end < 0 and len(self._buffer) > limit):
                raise StreamSyntaxError(f"the head is longer than {limit} bytes")
            if end >= 0:
                del self._buffer[: end + 4]
                return bytes(head)
            searched = len(self._buffer)
            if not await self.fill():
                if not self._buffer:
                    return None
                raise StreamSyntaxError("the head ends early")

    async def read_line(self, limit: int) -> bytes:
        """The bytes up to a line's end, without it.

        Raises:
            StreamSyntaxError: the line is longer than `limit` bytes, ends early or without a carriage return.
        """
        while (end := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > limit or not await self.fill():
                raise StreamSyntaxError("a line is too long or ends early")
        line = bytes(self._buffer[: end + 1])
        del self._buffer[: end + 1]
        if len(line) > limit or not line.endswith(b"\r\n"):
            raise StreamSyntaxError("a line is too long or ends without a carriage return")
        return line[:-2]

    async def fill(self) -> bool:
        """Wait for more bytes and keep them; False at the end of the stream."""
        data = await self._stream.read(_PIECE)
        self._buffer += data
        return bool(data)

    def peek(self) -> bytes:
        """What was received and not read yet."""
        return bytes(self._buffer)

    async def write(self, data: bytes) -> None:
        """Send all of `data`."""
        await self._stream.write(data)

    async def write_eof(self) -> None:
        """Send no more."""
        await self._stream.write_eof()

    async def close(self) -> None:
        """Give the stream up in both directions."""
        await self._stream.close()
