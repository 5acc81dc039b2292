"""Bodies of HTTP/1 messages, copied piece by piece and never past their end."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

from workbench.sandbox.egress.buffered_stream import BufferedStream, StreamSyntaxError
from workbench.sandbox.egress.http_head import Body
from workbench.sandbox.streams import ByteStream

_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*+(?:;[\t -~\x80-\xff]*+)?")
_MAX_LINE = 4096
_MAX_TRAILER_LINES = 64


async def copy_body(source: BufferedStream, sink: ByteStream, body: Body, *, chunks: bool = True) -> None:
    """Copy a body that ends as `body` says; waits while `sink` is slow, so that little is ever held.

    A chunked body is written in chunks of our own without extensions and trailers, or plainly when not `chunks`.

    Raises:
        StreamSyntaxError: the body is malformed or the source ends before it.
    """
    in_chunks = chunks and body.kind == "chunked"
    async for piece in _pieces(source, body):
        await sink.write(b"%x\r\n%b\r\n" % (len(piece), piece) if in_chunks else piece)
    if in_chunks:
        await sink.write(b"0\r\n\r\n")


async def _pieces(source: BufferedStream, body: Body) -> AsyncIterator[bytes]:
    if body.kind == "close":
        while piece := await source.read():
            yield piece
    elif body.kind == "length":
        async for piece in _exactly(source, body.length):
            yield piece
    elif body.kind == "chunked":
        while size := await _chunk_size(source):
            async for piece in _exactly(source, size):
                yield piece
            if await source.read_line(2) != b"":
                raise StreamSyntaxError("a chunk is longer than it says")
        await _skip_trailers(source)


async def _exactly(source: BufferedStream, length: int) -> AsyncIterator[bytes]:
    while length:
        piece = await source.read(min(length, 65536))
        if not piece:
            raise StreamSyntaxError("the body ends early")
        length -= len(piece)
        yield piece


async def _chunk_size(source: BufferedStream) -> int:
    match = _CHUNK_LINE.fullmatch(await source.read_line(_MAX_LINE))
    if match is None:
        raise StreamSyntaxError("a malformed chunk size")
    return int(match[1], 16)


async def _skip_trailers(source: BufferedStream) -> None:
    for _ in range(_MAX_TRAILER_LINES):
        if await source.read_line(_MAX_LINE) == b"":
            return
    raise StreamSyntaxError("too many trailers")
