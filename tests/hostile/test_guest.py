"""A guest that was taken over: whoever speaks at the inner end of the pipe gains nothing at the outer one."""

from __future__ import annotations

import asyncio
import json
import resource
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import mcp
import pytest

from tests.hostile.conftest import Enter
from tests.hostile.internet import LIMITS, internet
from workbench.definition.agent import NetworkPolicy
from workbench.sandbox.egress import EgressPolicy, EgressProxy
from workbench.sandbox.guest.frames import (
    CREDIT,
    DATA,
    EOF,
    EXIT,
    HEADER,
    OPEN,
    RESET,
    STDERR,
    WINDOW,
    FrameDecoder,
    encode,
)
from workbench.sandbox.link import Link
from workbench.sandbox.proof import proof_of, refuse_unproven
from workbench.sandbox.sandbox import SandboxError
from workbench.trace.events import Egress

READY = {"op": "ready", "version": 1, "shell": "/bin/bash"}
GVISOR = {
    "boot_message": "[    0.000000] Starting gVisor...",
    "kernel": "4.4.0",
    "kernel_version": "Linux version 4.4.0 #1 SMP Sun Jan 10 15:06:54 PST 2016",
}


class Guest:
    """The inner end of the pipe, in the hands of an attacker: a `ByteStream` for the link."""

    def __init__(self) -> None:
        self._said: asyncio.Queue[bytes] = asyncio.Queue()
        self.heard = FrameDecoder()
        self.frames: list[tuple[int, int, bytes]] = []
        self.reads = True
        self.closed = asyncio.Event()

    def say(self, *frames: bytes) -> None:
        for frame in frames:
            self._said.put_nowait(frame)

    async def read(self, limit: int = 65536) -> bytes:
        await asyncio.sleep(0)  # as a pipe does, whose buffer is small
        data = await self._said.get()
        if len(data) > limit:
            self._said._queue.appendleft(data[limit:])  # type: ignore[attr-defined]
            data = data[:limit]
        return data

    async def write(self, data: bytes) -> None:
        while not self.reads:
            await asyncio.sleep(0.01)
        self.frames += [(frame.channel, frame.kind, frame.payload) for frame in self.heard.feed(data)]

    async def write_eof(self) -> None:
        """Nothing to do."""

    async def close(self) -> None:
        self.closed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                await asyncio.sleep(0.005)


@asynccontextmanager
async def taken_over(serve: Callable[..., Awaitable[None]] | None = None) -> AsyncIterator[tuple[Link, Guest]]:
    """A link whose guest is an attacker that has said that it is ready."""

    async def hang(_stream: object) -> None:
        await asyncio.sleep(100)

    guest = Guest()
    guest.say(encode(0, DATA, json.dumps(READY).encode()))
    link = await Link.start(guest, serve or hang, timeout=5)
    try:
        yield link, guest
    finally:
        await link.close()


def opened(number: int, request: object = None) -> bytes:
    return encode(number, OPEN, json.dumps(request or {"kind": "connect"}).encode())


BREACHES: dict[str, tuple[str, list[bytes]]] = {
    "unknown-kind": ("send a frame of an unknown kind", [HEADER.pack(0, 99, 2) + b"{}"]),
    "huge-frame": ("announce a frame of four gigabytes", [HEADER.pack(2, DATA, 0xFFFFFFFF)]),
    "no-json": ("send control messages that are no JSON", [encode(0, DATA, b"\xff\xfe nonsense")]),
    "deep-json": ("send control messages nested without end", [encode(0, DATA, b"[" * 60_000)]),
    "json-list": ("send a control message that is no object", [encode(0, DATA, b"[1]")]),
    "huge-number": ("send a number of sixty thousand digits", [encode(0, DATA, b'{"id": ' + b"9" * 60_000 + b"}")]),
    "ready-twice": (
        "say a second time, with other facts, that it is ready",
        [encode(0, DATA, json.dumps(READY).encode())],
    ),
    "answer-unasked": ("answer a question that nobody asked", [encode(0, DATA, b'{"id": 7, "left": 0}')]),
    "answer-negative": ("answer with a negative id", [encode(0, DATA, b'{"id": -1}')]),
    "control-eof": ("end the control channel", [encode(0, EOF)]),
    "our-channel": ("open a channel of the workbench's", [opened(1)]),
    "never-opened": ("write to a channel that was never opened", [encode(8, DATA, b"x")]),
    "reuse": ("open a channel twice", [opened(2), opened(2)]),
    "backwards": ("open channels in falling order", [opened(8), opened(4)]),
    "other-kind": ("have the workbench start a process", [opened(2, {"kind": "process", "command": ["id"]})]),
    "bash-kind": ("have the workbench serve a shell", [opened(2, {"kind": "bash"})]),
    "too-many": ("open more channels than there may be", [opened(number) for number in range(2, 1200, 2)]),
    "beyond-window": ("send more than was granted", [opened(2), *[encode(2, DATA, b"x" * 60_000)] * 20]),
    "stderr-window": (
        "send more errors than were granted",
        [opened(2), encode(2, DATA, b"x" * 60_000), *[encode(2, DATA, b"x" * 60_000)] * 10],
    ),
    "credit": ("grant credit for bytes that were never sent", [opened(2), encode(2, CREDIT, b"\xff\xff\xff\xff")]),
    "credit-size": ("grant credit of a wrong size", [opened(2), encode(2, CREDIT, b"\0")]),
    "after-end": ("send after the end of a channel", [opened(2), encode(2, EOF), encode(2, DATA, b"x")]),
    "exit-without-code": ("end a process without a code", [opened(2), encode(2, EXIT, b"{}")]),
    "exit-code-text": ("end a process with a code that is text", [opened(2), encode(2, EXIT, b'{"code": "0"}')]),
}


@pytest.mark.parametrize("name", BREACHES)
async def test_a_breach_ends_the_link(held: Enter, name: str) -> None:
    tried, frames = BREACHES[name]
    async with taken_over() as (link, guest):
        guest.say(*frames)
        await guest.until(lambda: link.lost is not None)
        assert "the guest broke the protocol of its pipe" in str(link.lost)
        with pytest.raises(ConnectionError):
            await link.control("ping")
        held(tried, str(link.lost))


async def test_a_guest_that_never_reads_costs_bounded_memory(held: Enter) -> None:
    async with taken_over() as (link, guest):
        guest.reads = False
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        channel = link._multiplexer.open({"kind": "process", "command": ["x"]})
        writing = asyncio.create_task(_write_for_ever(channel))
        asking = [asyncio.create_task(link.control("gauges", timeout=0.3)) for _ in range(50)]
        results = await asyncio.gather(*asking, return_exceptions=True)
        assert all(isinstance(result, TimeoutError) for result in results)
        writing.cancel()
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10
        assert grown < 50, grown
        held("never read what the workbench writes", f"50 questions timed out, a writer waits; {grown} MiB more")


async def _write_for_ever(channel: object) -> None:
    while True:
        await channel.write(b"x" * 65536)  # type: ignore[attr-defined]


async def test_a_flood_of_everything_legal_costs_bounded_memory_and_time(held: Enter) -> None:
    async with taken_over() as (link, guest):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        number = 0
        for _ in range(200):
            number += 2
            guest.say(opened(number), *[encode(number, DATA, b"x" * 60_000)] * 8, encode(number, RESET, b"r" * 60_000))
        turns = 0
        while guest._said.qsize() and link.lost is None:
            await asyncio.sleep(0)
            turns += 1
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10
        assert turns > 100, "the flood kept everyone else from their turn"
        assert grown < 250, grown
        held("flood the pipe with 100 MB of legal frames", f"{turns} turns for others meanwhile, {grown} MiB more")


async def test_stderr_of_a_channel_that_is_a_connection_is_bounded(held: Enter) -> None:
    async with taken_over() as (link, guest):
        guest.say(opened(2), *[encode(2, STDERR, b"e" * 60_000)] * 100)
        await guest.until(lambda: guest._said.qsize() == 0 or link.lost is not None)
        assert link.lost is None or "more bytes on channel 2" in link.lost
        held("flood with errors of a process on a connection", f"{link.lost or 'dropped'} ({WINDOW:,})")


async def test_the_policy_holds_against_a_guest_that_was_taken_over(held: Enter) -> None:
    events: list[Egress] = []
    async with internet() as world:
        policy = EgressPolicy.from_network(NetworkPolicy(("files.test",)))
        proxy = EgressProxy(policy, events.append, LIMITS, resolve=world.resolve, dial=world.dial)
        async with taken_over(proxy.serve) as (_, guest):
            requests = [
                b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n",
                b"CONNECT 127.0.0.1:2375 HTTP/1.1\r\nHost: 127.0.0.1:2375\r\n\r\n",
                b"CONNECT files.test:22 HTTP/1.1\r\nHost: files.test:22\r\n\r\n",
                b"\x05\x01\x00",
            ]
            for index, request in enumerate(requests, start=1):
                guest.say(opened(index * 2), encode(index * 2, DATA, request), encode(index * 2, EOF))
            await guest.until(lambda: len(events) == len(requests))
        assert {event.decision for event in events} == {"refused"}
        assert world.dialed == []
        held(
            "ask for hosts at the inner end of the pipe, past the sandbox's own proxy",
            "; ".join(event.reason for event in events),
        )


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"boot_message": "[    0.000000] Linux version 6.18", "kernel": "6.18.44"}, "not gVisor"),
        ({}, "not gVisor"),
        ({**GVISOR, "interfaces": ["lo", "eth0"]}, "has a network interface (eth0)"),
    ],
    ids=["host-kernel", "no-facts", "interface"],
)
def test_a_sandbox_that_is_not_proven_runs_nothing(held: Enter, facts: dict[str, object], why: str) -> None:
    proof = proof_of({**READY, **facts}, "runsc", "6.18.44")
    with pytest.raises(SandboxError) as refused:
        refuse_unproven(proof, "runsc", None)
    assert why in str(refused.value)
    held(f"run tools in a sandbox of which the guest says {facts or 'nothing'}", str(refused.value))


async def test_a_guest_of_another_version_is_refused(held: Enter) -> None:
    guest = Guest()
    guest.say(encode(0, DATA, b'{"op": "ready", "version": 99}'))

    async def never(_stream: object) -> None:
        raise AssertionError

    with pytest.raises(SandboxError) as refused:
        await Link.start(guest, never, timeout=5)
    held("speak another version of the protocol", str(refused.value))


async def test_a_forged_tool_result_is_only_a_tool_result(held: Enter) -> None:
    """What a guest says of its own tools is believed as little as any tool: it can lie about them and no more."""
    async with taken_over() as (link, guest):
        client = mcp.Client(link.builtin("bash"), mode="legacy")
        opening = asyncio.create_task(client.__aenter__())
        await guest.until(lambda: any(kind == DATA and channel for channel, kind, _ in guest.frames))
        channel, _, payload = next(frame for frame in guest.frames if frame[0] and frame[1] == DATA)
        question = json.loads(payload)
        for reply in ({"id": question["id"], "result": 5}, {"id": "x", "result": {}}, {"nonsense": 1}):
            guest.say(encode(channel, DATA, json.dumps({"jsonrpc": "2.0", **reply}).encode() + b"\n"))
        done, _ = await asyncio.wait({opening}, timeout=1)
        assert link.lost is None
        opening.cancel()
        await asyncio.gather(opening, return_exceptions=True)
        held("forge answers of the tools' server", "the answers are refused as malformed or ignored; the link lives")
        del done
