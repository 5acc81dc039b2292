"""Channels in a pipe: order, flow control, ends, and what a peer may not do."""

from __future__ import annotations

import asyncio
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sandbox.pipes import End, opened, pipe, until
from workbench.sandbox.guest import channels
from workbench.sandbox.guest.channels import BACKLOG, Channel
from workbench.sandbox.guest.frames import (
    CREDIT,
    DATA,
    EOF,
    EXIT,
    OPEN,
    RESET,
    STDERR,
    WINDOW,
    FrameDecoder,
    FrameError,
    encode,
)


async def read_all(channel: Channel) -> bytes:
    data = b""
    while piece := await channel.read():
        data += piece
    return data


@given(
    st.lists(st.binary(max_size=3000), max_size=8), st.lists(st.binary(max_size=3000), max_size=8), st.integers(1, 2000)
)
@settings(max_examples=30, deadline=None)
def test_both_directions_arrive_whole(there: list[bytes], back: list[bytes], piece: int) -> None:
    async def run() -> None:
        async with pipe(piece) as (host, guest):
            ours, theirs = await opened(host, guest)

            async def write(channel: Channel, messages: list[bytes]) -> None:
                for message in messages:
                    await channel.write(message)
                await channel.write_eof()

            received = await asyncio.gather(read_all(theirs), read_all(ours), write(ours, there), write(theirs, back))
            assert received[0] == b"".join(there)
            assert received[1] == b"".join(back)

    asyncio.run(run())


async def test_a_writer_waits_for_a_reader_that_does_not_read() -> None:
    async with pipe(1 << 16) as (host, guest):
        ours, theirs = await opened(host, guest)
        written = 0

        async def write() -> None:
            nonlocal written
            while written < 4 * WINDOW:
                await ours.write(bytes(10_000))
                written += 10_000

        writing = asyncio.create_task(write())
        await until(lambda: written >= WINDOW)
        for _ in range(500):
            await asyncio.sleep(0)
        assert written <= WINDOW + BACKLOG + 10_000
        taken = 0
        while taken < 4 * WINDOW:
            taken += len(await theirs.read(1 << 20))
        await writing


async def test_a_channel_that_nobody_reads_does_not_hold_up_another() -> None:
    async with pipe(1 << 16) as (host, guest):
        stuck, _ = await opened(host, guest)
        flowing, theirs = await opened(host, guest)
        flood = asyncio.create_task(stuck.write(bytes(3 * WINDOW)))
        await flowing.write(b"hello")
        assert await theirs.read() == b"hello"
        flood.cancel()


async def test_a_message_goes_out_whole_though_its_writer_is_cancelled() -> None:
    async with pipe(1 << 14) as (host, guest):
        ours, theirs = await opened(host, guest)
        message = bytes(range(256)) * 8192
        writing = asyncio.create_task(ours.write(message))
        await asyncio.sleep(0)
        writing.cancel()
        await ours.write_eof()
        assert await read_all(theirs) == message


async def test_the_ends_of_a_channel() -> None:
    async with pipe() as (host, guest):
        ours, theirs = await opened(host, guest)
        await ours.write_eof()
        assert await theirs.read() == b""
        await theirs.write(b"still open")
        assert await ours.read() == b"still open"
        with pytest.raises(ConnectionError):
            await ours.write(b"x")
        await theirs.write_eof()
        assert await ours.read() == b""


async def test_close_lets_what_was_written_arrive() -> None:
    async with pipe(7) as (host, guest):
        ours, theirs = await opened(host, guest)
        await theirs.write(b"last words" * 100)
        await theirs.close()
        received = b""
        with pytest.raises(ConnectionError):
            while True:
                received += await ours.read()
        assert received == b"last words" * 100


async def test_close_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channels, "LINGER", 0.01)
    async with pipe(1 << 16) as (host, guest):
        ours, theirs = await opened(host, guest)
        await ours.write(bytes(2 * WINDOW))
        await ours.close()
        assert ours.void is not None
        await until(lambda: theirs.void is not None)


async def test_reset_ends_a_pending_read_and_a_pending_write() -> None:
    async with pipe(1 << 16) as (host, guest):
        ours, theirs = await opened(host, guest)
        await ours.write(bytes(2 * WINDOW))
        waiting = [asyncio.create_task(ours.read()), asyncio.create_task(ours.write(b"x"))]
        await asyncio.sleep(0)
        theirs.reset("no more")
        for task in waiting:
            with pytest.raises(ConnectionError, match="no more"):
                await task


async def test_a_process_tells_its_error_output_and_its_exit() -> None:
    async with pipe() as (host, guest):
        heard = bytearray()
        ours = host.multiplexer.open({"kind": "process"}, heard.extend)
        await until(lambda: guest.accepted)
        theirs = guest.accepted[0][0]
        await theirs.write_stderr(b"oops")
        await theirs.write(b"output")
        theirs.end(-9)
        assert await read_all(ours) == b"output"
        assert (bytes(heard), ours.exit_code) == (b"oops", -9)
        await ours.finished()


async def test_error_output_needs_no_reader() -> None:
    async with pipe(1 << 16) as (host, guest):
        ours = host.multiplexer.open({"kind": "process"})
        await until(lambda: guest.accepted)
        async with asyncio.timeout(10):
            await guest.accepted[0][0].write_stderr(bytes(5 * WINDOW))
            guest.accepted[0][0].end(0)
            await ours.finished()


async def test_a_reset_before_the_opening_is_sent_is_not_sent() -> None:
    async with pipe() as (host, guest):
        host.multiplexer.open({"kind": "bash"}).reset("never mind")
        _, theirs = await opened(host, guest)
        assert [request for _, request in guest.accepted] == [{"kind": "bash"}]
        assert theirs.void is None


async def test_losing_the_pipe_ends_everything() -> None:
    async with pipe() as (host, guest):
        ours, _ = await opened(host, guest)
        reading = asyncio.create_task(ours.read())
        await asyncio.sleep(0)
        host.multiplexer.lose("gone")
        with pytest.raises(ConnectionError, match="gone"):
            await reading
        with pytest.raises(ConnectionError, match="gone"):
            await ours.write(b"x")
        with pytest.raises(ConnectionError, match="gone"):
            host.multiplexer.open({"kind": "bash"})


async def test_a_request_must_fit_into_a_frame() -> None:
    with pytest.raises(ValueError, match="longer than"):
        End(1).multiplexer.open({"kind": "process", "env": {"X": "x" * 70_000}})


def credit(channel: int, count: int) -> bytes:
    return encode(channel, CREDIT, count.to_bytes(4, "big"))


def opening(number: int) -> bytes:
    return encode(number, OPEN, json.dumps({"kind": "connect"}).encode())


BREACHES: dict[str, bytes] = {
    "control of another kind": encode(0, EOF),
    "control that is no JSON": encode(0, DATA, b"{"),
    "control that is no object": encode(0, DATA, b"[1]"),
    "control nested too deep": encode(0, DATA, b"[" * 60_000),
    "an unknown channel": encode(8, DATA, b"x"),
    "a channel of ours that was never opened": encode(99, DATA, b"x"),
    "opening a channel of ours": opening(3),
    "opening a channel twice": opening(2) + opening(2),
    "opening backwards": opening(6) + opening(4),
    "opening with nonsense": encode(2, OPEN, b"\xff"),
    "opening too many": b"".join(opening(2 * number) for number in range(1, 10)),
    "more than was granted": b"".join(encode(1, DATA, bytes(60_000)) for _ in range(9)),
    "more errors than were granted": opening(2) + b"".join(encode(2, DATA, bytes(60_000)) for _ in range(9)),
    "bytes after the end": encode(1, EOF) + encode(1, DATA, b"x"),
    "errors after the end": encode(1, EOF) + encode(1, STDERR, b"x"),
    "credit for nothing": credit(1, 1),
    "credit of the wrong size": encode(1, CREDIT, b"\1"),
    "an exit without a code": encode(1, EXIT, b"{}"),
    "an exit that is no JSON": encode(1, EXIT, b"x"),
}


@pytest.mark.parametrize("breach", BREACHES)
async def test_a_breach_of_the_protocol(breach: str) -> None:
    host = End(1)
    host.multiplexer.open({"kind": "process"})
    with pytest.raises(FrameError):
        host.multiplexer.feed(BREACHES[breach])


async def test_what_comes_late_for_a_channel_that_is_over_is_dropped() -> None:
    host = End(1)
    channel = host.multiplexer.open({"kind": "process"})
    late = [encode(1, RESET, b"why"), encode(1, DATA, b"x"), credit(1, 5), encode(1, EXIT, b"{}"), encode(1, RESET)]
    host.multiplexer.feed(b"".join(late))
    assert channel.void == "why"


async def test_a_peer_that_asks_and_does_not_read() -> None:
    host = End(1)
    number = 0

    def ask_and_refuse() -> None:
        nonlocal number
        number += 2
        host.multiplexer.feed(opening(number))
        host.accepted.pop()[0].reset("x" * 900)

    with pytest.raises(FrameError, match="does not read"):
        for _ in range(10_000):
            ask_and_refuse()
    assert number < 10_000


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(OPEN, EXIT), st.binary(max_size=40)), max_size=30))
@settings(deadline=None)
def test_any_frames_are_taken_or_refused(frames: list[tuple[int, int, bytes]]) -> None:
    async def run() -> None:
        host = End(1)
        host.multiplexer.open({"kind": "process"})
        try:
            for frame in frames:
                host.multiplexer.feed(encode(*frame))
        except FrameError as error:
            host.multiplexer.lose(str(error))

    asyncio.run(run())


async def test_credit_is_given_back_in_large_steps() -> None:
    """A small answer must not cost a frame back."""
    host = End(1)
    channel = host.multiplexer.open({"kind": "bash"})
    sending = asyncio.create_task(host.multiplexer.send(host.keep))
    host.multiplexer.feed(encode(1, DATA, b"small"))
    assert await channel.read() == b"small"
    await asyncio.sleep(0.01)
    sending.cancel()
    assert [frame.kind for frame in FrameDecoder().feed(bytes(host.sent))] == [OPEN]
