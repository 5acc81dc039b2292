"""A two-way stream of bytes, whatever carries it."""

from typing import Protocol


class ByteStream(Protocol):
    """One connection: read until empty bytes, write, half-close, close."""

    async def read(self, limit: int = 65536) -> bytes:
        """At most `limit` bytes as soon as there are any; empty at the end of the stream.

        Raises:
            ConnectionError: the peer reset the stream or the pipe under it is gone.
        """
        ...

    async def write(self, data: bytes) -> None:
        """Send all of `data`; waits while the peer is slow.

        Raises:
            ConnectionError: the peer reset the stream or the pipe under it is gone.
        """
        ...

    async def write_eof(self) -> None:
        """Send no more; reading goes on."""
        ...

    async def close(self) -> None:
        """Give the stream up in both directions."""
        ...
