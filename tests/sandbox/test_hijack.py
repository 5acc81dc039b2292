from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.sandbox.daemon import DaemonError
from workbench.sandbox.hijack import AttachedStream, ContainerEvents, Died, Endpoint, OutOfMemory, Removed, attach

UPGRADED = b"HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n"

Handler = Callable[[str, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def piece(kind: int, data: bytes) -> bytes:
    return struct.pack(">BxxxL", kind, len(data)) + data


@asynccontextmanager
async def daemon(folder: Path, handle: Handler) -> AsyncIterator[Endpoint]:
    """A daemon that reads a request's head and then does what `handle` does."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        await handle(head, reader, writer)
        writer.close()

    server = await asyncio.start_unix_server(serve, folder / "docker.sock")
    async with server:
        yield Endpoint("1.41", socket=str(folder / "docker.sock"))


def answering(content: bytes) -> Handler:
    async def handle(_: str, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(content)
        await writer.drain()

    return handle


async def all_of(stream: AttachedStream, limit: int = 65536) -> bytes:
    data = b""
    while part := await stream.read(limit):
        assert len(part) <= limit
        data += part
    return data


async def test_what_comes_with_the_head_is_not_lost(tmp_path: Path) -> None:
    async with daemon(tmp_path, answering(UPGRADED + piece(1, b"at once"))) as endpoint:
        stream = await attach(endpoint, "c1")
        assert await all_of(stream) == b"at once"
        await stream.close()


async def test_the_container_is_named_and_all_streams_are_asked_for(tmp_path: Path) -> None:
    heads: list[str] = []

    async def handle(head: str, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(head)
        writer.write(UPGRADED)

    async with daemon(tmp_path, handle) as endpoint:
        await (await attach(endpoint, "c1")).close()
    assert heads[0].startswith("POST /v1.41/containers/c1/attach?stream=1&stdin=1&stdout=1&stderr=1 HTTP/1.1\r\n")
    assert "\r\nUpgrade: tcp\r\n" in heads[0]


@given(
    pieces=st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=300)), max_size=20),
    cut=st.integers(1, 50),
    limit=st.integers(1, 400),
)
async def test_output_is_whole_however_it_is_cut(pieces: list[tuple[int, bytes]], cut: int, limit: int) -> None:
    reader = asyncio.StreamReader()
    stream = AttachedStream(reader, None)  # type: ignore[arg-type]  # only read from
    wire = b"".join(piece(kind, data) for kind, data in pieces)
    for start in range(0, len(wire), cut):
        reader.feed_data(wire[start : start + cut])
    reader.feed_eof()
    assert await all_of(stream, limit) == b"".join(data for kind, data in pieces if kind == 1)
    errors = b"".join(data for kind, data in pieces if kind == 2)
    assert stream.standard_error == errors.decode(errors="replace").strip()


async def test_only_the_end_of_standard_error_is_kept() -> None:
    reader = asyncio.StreamReader()
    stream = AttachedStream(reader, None)  # type: ignore[arg-type]  # only read from
    for number in range(3000):
        reader.feed_data(piece(2, f"line {number}\n".encode()))
    reader.feed_eof()
    assert await all_of(stream) == b""
    assert len(stream.standard_error) <= 8192
    assert stream.standard_error.endswith("line 2999")


@pytest.mark.parametrize("wire", [piece(1, b"whole")[:-1], piece(1, b"x") + b"\x01\x00"])
async def test_output_that_is_cut_off_is_no_end(wire: bytes) -> None:
    reader = asyncio.StreamReader()
    reader.feed_data(wire)
    reader.feed_eof()
    with pytest.raises(ConnectionError):
        await all_of(AttachedStream(reader, None))  # type: ignore[arg-type]  # only read from


async def test_a_cancelled_read_loses_nothing() -> None:
    reader = asyncio.StreamReader()
    stream = AttachedStream(reader, None)  # type: ignore[arg-type]  # only read from
    got = b""
    for byte in piece(2, b"error") + piece(1, b"first") + piece(1, b"second"):
        reading = asyncio.create_task(stream.read())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        if reading.done():
            got += reading.result()
        else:
            reading.cancel()
            await asyncio.wait([reading])
        reader.feed_data(bytes([byte]))
    reader.feed_eof()
    assert got + await all_of(stream) == b"firstsecond"


async def test_input_reaches_the_process_and_waits_while_it_is_slow(tmp_path: Path) -> None:
    go_on = asyncio.Event()
    got: list[int] = []

    async def handle(_: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(UPGRADED)
        await go_on.wait()
        got.append(len(await reader.read(-1)))

    async with daemon(tmp_path, handle) as endpoint:
        stream = await attach(endpoint, "c1")
        writing = asyncio.create_task(stream.write(b"x" * (4 << 20)))
        await asyncio.sleep(0.05)
        assert not writing.done()
        go_on.set()
        await writing
        await stream.write_eof()
        assert await stream.read() == b""
        await stream.close()
        with pytest.raises(ConnectionError):
            await stream.write(b"more")
    assert got == [4 << 20]


async def test_a_refusal_says_what_the_daemon_said(tmp_path: Path) -> None:
    body = json.dumps({"message": "No such container: c1"}).encode()
    answer = b"HTTP/1.1 404 Not Found\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    async with daemon(tmp_path, answering(answer)) as endpoint:
        with pytest.raises(DaemonError, match=r"404.*No such container: c1"):
            await attach(endpoint, "c1")


@pytest.mark.parametrize(
    "answer", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1\r\n\r\n", b"HTTP/1.1 x y\r\n\r\n", b"\xff" * 9]
)
async def test_nonsense_is_an_error_and_no_traceback(tmp_path: Path, answer: bytes) -> None:
    async with daemon(tmp_path, answering(answer)) as endpoint:
        with pytest.raises(DaemonError):
            await attach(endpoint, "c1")


async def test_no_daemon_is_told(tmp_path: Path) -> None:
    with pytest.raises(DaemonError, match="does not answer"):
        await attach(Endpoint("1.41", socket=str(tmp_path / "nothing.sock")), "c1")


def event(action: str, **attributes: str) -> bytes:
    return json.dumps({"Action": action, "Actor": {"ID": "c1", "Attributes": attributes}}).encode() + b"\n"


async def events_of(folder: Path, content: bytes) -> list[object]:
    heads: list[str] = []

    async def handle(head: str, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(unquote(head))
        writer.write(b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n" + content)

    async with daemon(folder, handle) as endpoint:
        events = await ContainerEvents.of(endpoint, "c1")
        found: list[object] = [found async for found in events]
        await events.close()
    assert '"container": ["c1"]' in heads[0]
    return found


async def test_events_end_with_the_container(tmp_path: Path) -> None:
    content = event("oom") + event("die", exitCode="137") + event("destroy") + event("die", exitCode="1")
    assert await events_of(tmp_path, content) == [OutOfMemory(), Died(137), Removed()]


@pytest.mark.parametrize("content", [b"", b"{", b"not json\n", event("oom")])
async def test_events_end_with_the_daemon(tmp_path: Path, content: bytes) -> None:
    assert Died(0) not in await events_of(tmp_path, content)
