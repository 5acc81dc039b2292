"""The host's end of the pipe: with the real guest, and with guests that lie, flood, stall or vanish."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import mcp
import pytest
from mcp.shared.message import SessionMessage

from tests.sandbox.guests import folders_for_tools, running_guest, text_of
from workbench.sandbox import mcp_transport
from workbench.sandbox.guest import multiplexer
from workbench.sandbox.guest.frames import (
    CREDIT,
    DATA,
    EOF,
    EXIT,
    OPEN,
    RESET,
    STDERR,
    WINDOW,
    Frame,
    FrameDecoder,
    encode,
)
from workbench.sandbox.link import MOST_CONNECTIONS, Link
from workbench.sandbox.sandbox import SandboxError
from workbench.sandbox.streams import ByteStream

READY: dict[str, Any] = {"op": "ready", "version": 1}


class FakeGuest:
    """The other end of the link's stream, in the hands of a test."""

    def __init__(self) -> None:
        self.received: list[Frame] = []
        self.reading = asyncio.Event()
        self.reading.set()
        self.closed = False
        self._decoder = FrameDecoder()
        self._sent: asyncio.Queue[bytes | Exception] = asyncio.Queue()

    # What the link sees of it: a `ByteStream`.

    async def read(self, limit: int = 65536) -> bytes:
        data = await self._sent.get()
        if isinstance(data, Exception):
            raise data
        return data

    async def write(self, data: bytes) -> None:
        await self.reading.wait()
        self.received += self._decoder.feed(data)

    async def write_eof(self) -> None:
        pass

    async def close(self) -> None:
        self.closed = True

    # What a test does with it.

    def send(self, *frames: bytes) -> None:
        self._sent.put_nowait(b"".join(frames))

    def say(self, message: object) -> None:
        self.send(encode(0, DATA, json.dumps(message).encode()))

    def end(self, error: Exception | None = None) -> None:
        self._sent.put_nowait(b"" if error is None else error)

    async def heard(self, kind: int, count: int = 1) -> list[Frame]:
        """Wait for frames of a kind from the link."""
        async with asyncio.timeout(5):
            while True:
                frames = [frame for frame in self.received if frame.kind == kind]
                if len(frames) >= count:
                    return frames
                await asyncio.sleep(0)


async def refuse(stream: ByteStream) -> None:
    """Serve no connection."""


@asynccontextmanager
async def linked(
    on_connect: Callable[[ByteStream], Awaitable[None]] = refuse,
) -> AsyncIterator[tuple[Link, FakeGuest]]:
    guest = FakeGuest()
    guest.say(READY)
    link = await Link.start(guest, on_connect)
    try:
        yield link, guest
    finally:
        async with asyncio.timeout(5):
            await link.close()


async def lost(link: Link) -> str:
    async with asyncio.timeout(5):
        while link.lost is None:
            await asyncio.sleep(0)
    return link.lost


def opening(number: int, **request: Any) -> bytes:
    return encode(number, OPEN, json.dumps(request or {"kind": "connect"}).encode())


async def test_the_real_guest() -> None:
    with folders_for_tools() as root:
        async with running_guest(root) as guest:
            assert guest.link.ready["uid"] is not None
            async with mcp.Client(guest.link.builtin("filesystem")) as client:
                await client.call_tool("write", {"file_path": "a", "content": "x"})
                assert text_of(await client.call_tool("read", {"file_path": "a"})) == "x"
            assert guest.link.lost is None
            async with mcp.Client(guest.link.builtin("bash")) as client:
                call = asyncio.create_task(called(client, command="touch started; sleep 60"))
                while not (guest.workspace / "started").exists():
                    await asyncio.sleep(0.01)
                guest.process.kill()
                assert await lost(guest.link) == "the guest has ended"
                assert await call == "Connection closed"


async def test_a_guest_that_does_not_report() -> None:
    with pytest.raises(SandboxError, match=r"did not report within 0\.05 s"):
        await Link.start(FakeGuest(), refuse, timeout=0.05)


@pytest.mark.parametrize(
    ("first", "message"),
    [
        (b"", "could not start: the guest has ended"),
        (b"sh: python3: not found\n", "broke the protocol"),
        (encode(0, DATA, b'{"id": 1}'), "its first message is not that it is ready"),
        (encode(0, DATA, b'{"op": "ready", "version": 2}'), "speaks version 2"),
        (encode(0, DATA, b'{"op": "ready"}'), "speaks version None"),
        (opening(2), "could not start"),
    ],
)
async def test_a_guest_that_starts_wrongly(first: bytes, message: str) -> None:
    guest = FakeGuest()
    guest.send(first)
    if first == opening(2):
        guest.end()
    with pytest.raises(SandboxError, match=message):
        await Link.start(guest, refuse, timeout=5)
    await asyncio.sleep(0)
    assert guest.closed


async def test_giving_up_the_start_lets_go_of_the_stream() -> None:
    guest = FakeGuest()
    starting = asyncio.create_task(Link.start(guest, refuse))
    await asyncio.sleep(0)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    await asyncio.sleep(0)
    assert guest.closed


async def test_a_question_and_its_answer() -> None:
    async with linked() as (link, guest):
        asking = asyncio.create_task(link.control("gauges", deep=True))
        (question,) = await guest.heard(DATA)
        assert json.loads(question.payload) == {"id": 1, "op": "gauges", "deep": True}
        guest.say({"id": 1, "cwd": "/"})
        assert await asking == {"id": 1, "cwd": "/"}


async def test_a_question_that_is_not_answered_in_time() -> None:
    async with linked() as (link, guest):
        with pytest.raises(TimeoutError):
            await link.control("ping", timeout=0.01)
        guest.say({"id": 1})
        asking = asyncio.create_task(link.control("ping"))
        await guest.heard(DATA, 2)
        guest.say({"id": 2, "error": "no"})
        with pytest.raises(SandboxError, match="could not do ping: no"):
            await asking
        assert link.lost is None


@pytest.mark.parametrize(
    "answer", [{"id": 99}, {"id": 0}, {"id": -1}, {"id": "1"}, {"id": None}, {}, READY, {"id": [1]}]
)
async def test_an_answer_to_no_question(answer: object) -> None:
    async with linked() as (link, guest):
        guest.say(answer)
        assert "an answer that nobody asked for" in await lost(link)


BREACHES = {
    "no frames": b"Traceback (most recent call last):\n",
    "a length that is a lie": b"\0\0\0\1\2\xff\xff\xff\xff",
    "a channel of another kind": opening(2, kind="bash"),
    "a channel without a kind": encode(2, OPEN, b"{}"),
    "a channel of ours": opening(1),
    "too many channels": b"".join(opening(2 * number) for number in range(1, MOST_CONNECTIONS + 2)),
    "data without a channel": encode(2, DATA, b"x"),
    "a flood beyond the window": opening(2) + b"".join(encode(2, DATA, bytes(64_000)) for _ in range(9)),
    "credit for nothing": opening(2) + encode(2, CREDIT, b"\xff\xff\xff\xff"),
}


@pytest.mark.parametrize("breach", BREACHES)
async def test_a_breach_ends_the_link(breach: str) -> None:
    async def wait(stream: ByteStream) -> None:
        await asyncio.sleep(60)

    async with linked(wait) as (link, guest):
        asking = asyncio.create_task(link.control("ping"))
        await guest.heard(DATA)
        guest.send(BREACHES[breach])
        assert "broke the protocol" in await lost(link)
        with pytest.raises(ConnectionError):
            await asking
        await asyncio.sleep(0)
        assert guest.closed


async def test_losing_the_link_ends_all_that_waits() -> None:
    streams: list[ByteStream] = []
    ended: list[str] = []

    async def serve(stream: ByteStream) -> None:
        streams.append(stream)
        try:
            await stream.read()
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    async with linked(serve) as (link, guest):
        guest.send(opening(2))
        client = asyncio.create_task(connected(link))
        asking = asyncio.create_task(link.control("ping"))
        await guest.heard(OPEN)
        await guest.heard(DATA, 2)
        writing = asyncio.create_task(fill(streams[0]))
        await asyncio.sleep(0)
        link.abort("the container died")
        link.abort("a second time")
        async with asyncio.timeout(5):
            assert await client == "Connection closed"
            for task in (asking, writing):
                with pytest.raises(ConnectionError, match="the container died"):
                    await task
        assert link.lost == "the container died"
        with pytest.raises(ConnectionError, match="the container died"):
            await link.control("ping")
        with pytest.raises(ConnectionError, match="the container died"):
            await streams[0].write(b"x")
        with pytest.raises(ConnectionError, match="the container died"):
            async with link.builtin("bash"):
                pass
        assert ended == ["cancelled"]


async def connected(link: Link) -> str:
    """Call a tool; what went wrong, empty if nothing did."""
    async with mcp.Client(link.builtin("bash"), mode="2026-07-28") as client:
        return await called(client)


async def called(client: mcp.Client, **arguments: Any) -> str:
    try:
        await client.call_tool("bash", arguments)
    except mcp.MCPError as error:
        return str(error)
    return ""


async def fill(stream: ByteStream) -> None:
    while True:
        await stream.write(bytes(60_000))


@pytest.mark.parametrize("error", [None, ConnectionError("reset by peer"), OSError("broken"), RuntimeError("a bug")])
async def test_the_end_of_the_stream_loses_the_link(error: Exception | None) -> None:
    async with linked() as (link, guest):
        guest.end(error)
        assert await lost(link)


async def test_a_guest_that_gives_no_credit_holds_up_its_own_channel_only() -> None:
    served: list[ByteStream] = []

    async def serve(stream: ByteStream) -> None:
        served.append(stream)
        await fill(stream)

    async with linked(serve) as (link, guest):
        guest.send(opening(2))
        while sum(len(frame.payload) for frame in guest.received if frame.channel == 2) < WINDOW:
            await asyncio.sleep(0)
        for _ in range(100):
            await asyncio.sleep(0)
        assert sum(len(frame.payload) for frame in guest.received if frame.channel == 2) == WINDOW
        asking = asyncio.create_task(link.control("ping"))
        while not any(frame.channel == 0 for frame in guest.received):
            await asyncio.sleep(0)
        guest.say({"id": 1})
        await asking


async def test_a_guest_that_does_not_read_fills_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has its connections refused as fast as it can open them, and never takes an answer."""
    monkeypatch.setattr(multiplexer, "URGENT_LIMIT", 10_000)
    async with linked() as (link, guest):
        guest.reading.clear()
        for number in range(1, 5000):
            guest.send(opening(2 * number))
            await asyncio.sleep(0)
            if link.lost is not None:
                break
        assert "asks and does not read" in await lost(link)


async def test_connections_that_come_and_go_do_not_pile_up() -> None:
    """A guest may reset a connection at once; what serves it here may take longer to notice."""
    running = 0
    most = 0

    async def serve(stream: ByteStream) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        try:
            await asyncio.sleep(0.05)  # a name being resolved
        finally:
            running -= 1

    async with linked(serve) as (link, guest):
        for number in range(1, 2000):
            guest.send(opening(2 * number), encode(2 * number, 4, b"bye"))
            if number % 100 == 0:
                await asyncio.sleep(0)
        await asyncio.sleep(0.2)
        assert link.lost is None
        assert 0 < most <= MOST_CONNECTIONS


async def test_a_connection_that_fails_here_is_reset_and_the_link_lives(caplog: pytest.LogCaptureFixture) -> None:
    async def fail(stream: ByteStream) -> None:
        raise RuntimeError("a bug of ours")

    async with linked(fail) as (link, guest):
        guest.send(opening(2))
        while not any(frame.channel == 2 for frame in guest.received):
            await asyncio.sleep(0)
        assert link.lost is None
        assert "a connection out of the sandbox failed" in caplog.text


async def test_ending_connections_waits_for_whoever_serves_them_and_takes_no_more() -> None:
    ended: list[str] = []

    async def serve(stream: ByteStream) -> None:
        try:
            await stream.read()
        finally:
            ended.append("recorded")

    async with linked(serve) as (link, guest):
        guest.send(opening(2), opening(4))
        while len(link._connections) < 2:
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        await link.end_connections()
        assert ended == ["recorded", "recorded"]
        guest.send(opening(6))
        while not any(frame.channel == 6 and frame.kind == RESET for frame in guest.received):
            await asyncio.sleep(0)
        assert link.lost is None


async def test_a_message_of_too_many_values_is_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mcp_transport, "MOST_VALUES", 1000)
    many = b'{"jsonrpc": "2.0", "id": 1, "result": {"a": [' + b"{}," * 1000 + b"{}]}}"
    quoted = b'{"jsonrpc": "2.0", "id": 1, "result": {"a": "' + b',[{\\"' * 2000 + b'"}}'
    assert "more than 1,000 values" in str(mcp_transport._parse(many))
    assert isinstance(mcp_transport._parse(quoted), SessionMessage)


async def test_a_message_without_an_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mcp_transport, "LONGEST_MESSAGE", 1_000_000)
    async with linked() as (link, guest):
        client = asyncio.create_task(connected(link))
        (opened,) = await guest.heard(OPEN)
        for _ in range(40):
            guest.send(encode(opened.channel, DATA, b"x" * 50_000))
            await asyncio.sleep(0.001)
        async with asyncio.timeout(5):
            assert await client == "Connection closed"
        assert link.lost is None


async def test_nonsense_from_a_server_is_passed_over() -> None:
    async with linked() as (link, guest):
        client = asyncio.create_task(connected(link))
        (opened,) = await guest.heard(OPEN)
        question = json.loads((await guest.heard(DATA))[0].payload)
        result = {"content": [], "isError": False, "resultType": "complete"}
        answer = {"jsonrpc": "2.0", "id": question["id"], "result": result}
        lines = [b"not json", b"", b"\xff\xfe", b'{"jsonrpc": "1.0"}', json.dumps(answer).encode()]
        guest.send(*(encode(opened.channel, DATA, line + b"\n") for line in lines))
        listing = {"tools": [], "resultType": "complete", "ttlMs": 0, "cacheScope": "private"}
        follow_up = json.loads((await guest.heard(DATA, 2))[1].payload)
        answer = {"jsonrpc": "2.0", "id": follow_up["id"], "result": listing}
        guest.send(encode(opened.channel, DATA, json.dumps(answer).encode() + b"\n"))
        async with asyncio.timeout(5):
            assert await client == ""


async def test_leaving_a_program_closes_its_input_and_takes_its_exit() -> None:
    heard: list[str] = []
    async with linked() as (link, guest):
        async with link.spawn(["server"], {"A": "b"}, heard.append):
            (opened,) = await guest.heard(OPEN)
            assert json.loads(opened.payload) == {"kind": "process", "command": ["server"], "env": {"A": "b"}}

            async def exit_when_told() -> None:
                await guest.heard(EOF)
                guest.send(encode(opened.channel, EXIT, b'{"code": 0}'))

            exiting = asyncio.create_task(exit_when_told())
        await exiting
        assert heard == []


async def test_error_output_comes_as_text_whatever_it_is_cut_into() -> None:
    heard: list[str] = []
    async with linked() as (link, guest), link.spawn(["server"], {}, heard.append):
        (opened,) = await guest.heard(OPEN)
        for byte in "ü👍".encode() + b"\xff!":
            guest.send(encode(opened.channel, STDERR, bytes([byte])))
        async with asyncio.timeout(5):
            while "!" not in "".join(heard):
                await asyncio.sleep(0)
        assert "".join(heard) == "ü👍\ufffd!"


async def test_a_command_that_is_too_long_is_refused() -> None:
    async with linked() as (link, _):
        with pytest.raises(ValueError, match="longer than"):
            async with link.spawn(["server"], {"BIG": "x" * 70_000}, print):
                pass
        assert link.lost is None
