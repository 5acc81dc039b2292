"""The proxy as a sandbox meets it: what passes, what is refused, what is recorded, and that its limits hold."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from ipaddress import ip_address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.definition.agent import NetworkPolicy
from workbench.sandbox.egress import EgressLimits, EgressPolicy, EgressProxy
from workbench.sandbox.egress.addresses import Address
from workbench.trace.events import Egress

PUBLIC = "93.184.216.34"


class Channel:
    """Bytes on their way in one direction; a writer waits while more than `capacity` are unread."""

    def __init__(self, capacity: int = 256 * 1024) -> None:
        self.data = bytearray()
        self.capacity = capacity
        self.ended = False
        self.reset = False
        self.most = 0
        self.changed = asyncio.Condition()

    async def take(self, limit: int) -> bytes:
        async with self.changed:
            await self.changed.wait_for(lambda: self.data or self.ended or self.reset)
            if self.reset:
                raise ConnectionResetError("reset")
            piece = bytes(self.data[:limit])
            del self.data[:limit]
            self.changed.notify_all()
            return piece

    async def put(self, data: bytes) -> None:
        async with self.changed:
            await self.changed.wait_for(lambda: len(self.data) < self.capacity or self.reset or self.ended)
            if self.reset or self.ended:
                raise ConnectionResetError("reset")
            self.data += data
            self.most = max(self.most, len(self.data))
            self.changed.notify_all()

    async def stop(self, *, reset: bool = False) -> None:
        async with self.changed:
            self.ended = True
            self.reset = self.reset or reset
            self.changed.notify_all()


class End:
    """One end of a connection in memory."""

    def __init__(self, incoming: Channel, outgoing: Channel) -> None:
        self.incoming = incoming
        self.outgoing = outgoing

    async def read(self, limit: int = 65536) -> bytes:
        return await self.incoming.take(limit)

    async def write(self, data: bytes) -> None:
        await self.outgoing.put(data)

    async def write_eof(self) -> None:
        await self.outgoing.stop()

    async def close(self) -> None:
        await self.outgoing.stop()
        await self.incoming.stop(reset=True)

    async def read_all(self) -> bytes:
        data = b""
        while piece := await self.read():
            data += piece
        return data

    async def read_until(self, end: bytes) -> bytes:
        data = b""
        while not data.endswith(end):
            piece = await self.read(1)
            if not piece:
                raise EOFError(f"ended after {data!r}")
            data += piece
        return data


def connection() -> tuple[End, End]:
    one, other = Channel(), Channel()
    return End(one, other), End(other, one)


Server = Callable[[End], Awaitable[None]]


async def nothing(_: str) -> None: ...


async def hang(_: str) -> None:
    await asyncio.sleep(60)


class World:
    """A proxy whose names resolve by a table and whose connections lead to servers in this process."""

    def __init__(
        self,
        server: Server,
        *allow: str,
        deny: Sequence[str] = (),
        limits: EgressLimits | None = None,
        names: Callable[[str], Sequence[str]] | None = None,
    ) -> None:
        self.events: list[Egress] = []
        self.dialed: list[tuple[str, int]] = []
        self.looked_up: list[str] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.server = server
        self.names = names or (lambda _: [PUBLIC])
        self.on_resolve: Callable[[str], Awaitable[None]] = nothing
        self.on_dial: Callable[[str], Awaitable[None]] = nothing
        policy = EgressPolicy.from_network(NetworkPolicy(allow=allow or ("a.test",), deny=deny))
        self.proxy = EgressProxy(
            policy, self.events.append, limits, resolve=self.resolve, dial=self.dial, is_own=lambda _: False
        )

    async def resolve(self, host: str, port: int) -> Sequence[Address]:
        self.looked_up.append(host)
        await self.on_resolve(host)
        return [ip_address(text) for text in self.names(host)]

    async def dial(self, address: Address, port: int) -> End:
        self.dialed.append((str(address), port))
        await self.on_dial(str(address))
        near, far = connection()
        self.tasks.append(asyncio.create_task(self.serve(far)))
        return near

    async def serve(self, far: End) -> None:
        with contextlib.suppress(ConnectionError):
            await self.server(far)
            await far.write_eof()

    @contextlib.asynccontextmanager
    async def client(self) -> AsyncIterator[End]:
        near, far = connection()
        task = asyncio.create_task(self.proxy.serve(far))
        try:
            async with asyncio.timeout(10):
                yield near
                await near.close()
                await task
        finally:
            task.cancel()
        if self.tasks:
            ended, _ = await asyncio.wait(self.tasks, timeout=0.02)
            for serving in ended:
                serving.result()

    async def ask(self, request: bytes) -> bytes:
        """The whole answer to a request that one client sends."""
        async with self.client() as client:
            await client.write(request)
            await client.write_eof()
            return await client.read_all()

    def only_event(self) -> Egress:
        assert len(self.events) == 1
        return self.events[0]


def hello(host: str | None) -> bytes:
    context = ssl.create_default_context()
    context.check_hostname = False
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname=host)
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()


def encrypted_hello(host: str) -> bytes:
    """A hello that hides another one behind the visible name."""
    record = hello(host)
    start = 5 + 4 + 2 + 32
    start += 1 + record[start]
    start += 2 + int.from_bytes(record[start : start + 2], "big")
    start += 1 + record[start]
    block = record[start + 2 :] + b"\xfe\x0d" + (40).to_bytes(2, "big") + bytes(40)
    message = record[9:start] + len(block).to_bytes(2, "big") + block
    message = b"\x01" + len(message).to_bytes(3, "big") + message
    return record[:3] + len(message).to_bytes(2, "big") + message


async def echo(end: End) -> None:
    """Sends everything back."""
    while data := await end.read():
        await end.write(data)


async def never(end: End) -> None:
    """May be connected to, but nothing may be sent."""
    with contextlib.suppress(ConnectionError):
        assert await end.read() == b""


def answering(response: bytes, seen: list[bytes] | None = None) -> Server:
    """A server that reads a head and answers it."""

    async def serve(end: End) -> None:
        try:
            head = await end.read_until(b"\r\n\r\n")
        except (EOFError, ConnectionError):
            return
        if seen is not None:
            seen.append(head)
        await end.write(response)

    return serve


def connect(host: str = "a.test", port: int = 443) -> bytes:
    return f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode()


def get(host: str = "a.test", path: str = "/") -> bytes:
    return f"GET http://{host}{path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
PIECES = [connect(), connect(port=80), get(), get("b.test"), b"\r\n", b"\r\n\r\n", b"Host: a.test\r\n", hello("a.test")]
ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


# -- tunnels


async def test_a_tunnel_carries_what_tls_says_to_the_host_that_it_names() -> None:
    world = World(echo)
    first = hello("a.test")
    async with world.client() as client:
        await client.write(connect())
        assert await client.read_until(b"\r\n\r\n") == ESTABLISHED
        await client.write(first[:7])
        await client.write(first[7:] + b"more")
        await client.write_eof()
        assert await client.read_all() == first + b"more"
    event = world.only_event()
    assert world.dialed == [(PUBLIC, 443)]
    assert (event.host, event.port, event.decision, event.address) == ("a.test", 443, "allowed", PUBLIC)
    assert event.bytes_sent == event.bytes_received == len(first) + 4
    assert event.reason == "network.allow holds a.test" and event.duration > 0


async def test_bytes_sent_right_behind_the_connect_are_not_lost() -> None:
    world = World(echo)
    first = hello("A.TEST")
    assert await world.ask(connect() + first) == ESTABLISHED + first
    assert world.only_event().decision == "allowed"


@pytest.mark.parametrize(
    ("first", "reason"),
    [
        (hello("b.test"), "another server, 'b.test'"),
        (hello("www.a.test"), "another server"),
        (hello(None), "names no server"),
        (encrypted_hello("a.test"), "is encrypted (ECH)"),
        (b"GET / HTTP/1.1\r\nHost: b.test\r\n\r\n", "TLS hello"),
        (b"SSH-2.0-OpenSSH_9.9\r\n", "TLS hello"),
        (hello("a.test")[:40], "ended before"),
        (b"", "ended before"),
        (
            b"".join(b"\x16\x03\x01\x00\x02" + part for part in [b"\x01\xff", b"\xff\xff"] + [b"xx"] * 6000),
            "longer than",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "hello",  # a hello holds random bytes
)
async def test_a_tunnel_that_asks_for_something_else_is_refused_and_nothing_is_sent(first: bytes, reason: str) -> None:
    world = World(never)
    answer = await world.ask(connect() + first)
    event = world.only_event()
    assert answer.startswith(ESTABLISHED) and answer.endswith(bytes([21, 3, 3, 0, 2, 2, 49]))
    assert event.decision == "refused" and reason in event.reason and event.bytes_sent == 0


async def test_a_tunnel_to_port_80_is_plain_http_for_that_host_only() -> None:
    seen: list[bytes] = []
    world = World(answering(OK, seen))
    inner = b"GET /x HTTP/1.1\r\nHost: a.test\r\n\r\n"
    answer = await world.ask(connect(port=80) + inner)
    assert answer.startswith(ESTABLISHED + b"HTTP/1.1 200 OK") and answer.endswith(b"hi")
    assert seen[0].startswith(b"GET /x HTTP/1.1\r\nHost: a.test\r\n")
    for other in (inner.replace(b"a.test", b"b.test"), inner.replace(b"/x", b"http://b.test/"), hello("a.test")):
        world = World(never)
        answer = await world.ask(connect(port=80) + other)
        assert b"HTTP/1.1 400" in answer
        assert world.only_event().decision == "refused" and world.only_event().bytes_sent == 0


async def test_an_allowed_address_is_reached_without_a_server_name_or_a_look_up() -> None:
    for address in ("8.8.8.8", "0x08080808", "[::ffff:8.8.8.8]"):
        world = World(echo, "8.8.8.8")
        async with world.client() as client:
            await client.write(connect(address))
            await client.read_until(b"\r\n\r\n")
            await client.write(hello(None))
            await client.write_eof()
            assert len(await client.read_all()) > 100
        assert world.dialed == [("8.8.8.8", 443)] and world.looked_up == []
        assert world.only_event().decision == "allowed"


# -- plain HTTP


async def test_a_plain_request_is_answered_and_the_connection_closes() -> None:
    seen: list[bytes] = []
    world = World(answering(OK, seen), "*.a.test")
    answer = await world.ask(get("api.a.test", "/v1?q=1") + get("evil.test"))
    assert answer == b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"
    assert seen == [b"GET /v1?q=1 HTTP/1.1\r\nHost: api.a.test\r\nConnection: close\r\n\r\n"]
    assert world.only_event().host == "api.a.test"  # what followed the first request went nowhere
    assert world.only_event().reason == "network.allow holds *.a.test"


async def test_a_body_goes_up_while_the_answer_comes_down() -> None:
    async def shout(end: End) -> None:
        await end.read_until(b"\r\n\r\n")
        await end.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await end.read_until(b"0\r\n\r\n")
        await end.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body.upper())

    world = World(shout)
    head = b"POST http://a.test/ HTTP/1.1\r\nHost: a.test\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with world.client() as client:
        await client.write(head)
        assert await client.read_until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        await client.write(b"3;ext=1\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: x\r\n\r\n")
        answer = await client.read_all()
    assert answer.endswith(b"\r\n\r\n3\r\nABC\r\n2\r\nDE\r\n0\r\n\r\n")
    assert world.only_event().decision == "allowed"


async def test_an_old_client_gets_no_chunks() -> None:
    world = World(answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"))
    assert (await world.ask(b"GET http://a.test/ HTTP/1.0\r\n\r\n")).endswith(b"\r\nConnection: close\r\n\r\nabc")


async def test_an_answer_to_a_body_that_the_server_does_not_want_still_arrives() -> None:
    async def refuse(end: End) -> None:
        await end.read_until(b"\r\n\r\n")
        await end.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        await end.incoming.stop(reset=True)

    world = World(refuse)
    async with world.client() as client:
        await client.write(b"POST http://a.test/ HTTP/1.1\r\nHost: a.test\r\nContent-Length: 9000000\r\n\r\n")
        assert (await client.read_until(b"\r\n\r\n")).startswith(b"HTTP/1.1 413 Too Large")
    assert world.only_event().decision == "allowed"


@pytest.mark.parametrize(
    "response",
    [
        b"",
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000,
    ],
)
async def test_a_broken_answer_becomes_a_502(response: bytes) -> None:
    world = World(answering(response))
    assert (await world.ask(get())).startswith(b"HTTP/1.1 502 ")
    assert "answer is broken" in world.only_event().reason and world.only_event().decision == "allowed"


SMUGGLED = {
    "length and encoding": b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
    "two lengths": b"Content-Length: 4\r\nContent-Length: 5\r\n",
    "folded": b"X: 1\r\n Content-Length: 4\r\n",
    "space before colon": b"Transfer-Encoding : chunked\r\n",
    "bare line feed": b"X: 1\nTransfer-Encoding: chunked\r\n",
    "bare carriage return": b"X: 1\rTransfer-Encoding: chunked\r\n",
    "other encoding": b"Transfer-Encoding: xchunked\r\n",
    "another host": b"Host: b.test\r\n",
    "oversized": b"X: " + b"x" * 40_000 + b"\r\n",
}


@pytest.mark.parametrize("name", SMUGGLED)
async def test_a_request_that_could_be_two_is_refused_before_anything_is_dialed(name: str) -> None:
    world = World(never)
    head = b"POST http://a.test/ HTTP/1.1\r\nHost: a.test\r\n" + SMUGGLED[name] + b"\r\n"
    answer = await world.ask(head + b"0\r\n\r\nGET http://evil.test/ HTTP/1.1\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ") and not world.dialed and not world.looked_up
    assert world.only_event().decision == "refused"


async def test_a_broken_request_body_ends_the_attempt() -> None:
    async def listen(end: End) -> None:
        while await end.read():
            pass

    world = World(listen)
    head = b"POST http://a.test/ HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n"
    await world.ask(head + b"zz\r\n")
    assert "request's body is broken" in world.only_event().reason


# -- refusals


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("b.test", "not in network.allow"),
        ("a.test.b.test", "not in network.allow"),
        ("x.a.test", "network.deny holds x.a.test"),
        (PUBLIC, "not in network.allow"),
        ("127.0.0.1", "not in network.allow"),
        ("2130706433", "not in network.allow"),
        ("localhost", "not in network.allow"),
    ],
)
async def test_a_refusal_names_the_host_and_how_to_allow_it(target: str, reason: str) -> None:
    for request in (connect(target), get(target)):
        world = World(never, "a.test", "*.a.test", deny=["x.a.test"])
        answer = (await world.ask(request)).decode()
        event = world.only_event()
        assert answer.startswith("HTTP/1.1 403 ") and reason in answer.splitlines()[0]
        assert "network.allow" in answer or "network.deny" in answer
        assert event.host in answer and event.decision == "refused" and event.reason == reason
        assert not world.dialed and not world.looked_up and event.address is None


@pytest.mark.parametrize("port", [22, 8080, 6443])
async def test_a_refusal_of_a_port_names_it(port: int) -> None:
    world = World(never)
    assert str(port).encode() in await world.ask(connect(port=port))
    assert (world.only_event().port, world.only_event().decision) == (port, "refused")


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["10.0.0.1"],
        ["169.254.169.254"],
        ["::1"],
        ["fd00:ec2::254"],
        ["64:ff9b::a00:1"],
        ["168.63.129.16"],
        [PUBLIC, "10.0.0.1"],
        ["10.0.0.1", PUBLIC],
        [],
    ],
)
async def test_a_name_that_leads_inside_is_refused(addresses: list[str]) -> None:
    world = World(never, names=lambda _: addresses)
    assert (await world.ask(get())).startswith(b"HTTP/1.1 403 ")
    assert world.only_event().decision == "refused" and world.dialed == []


async def test_a_name_that_changes_its_address_is_judged_by_the_one_that_is_dialed() -> None:
    """DNS rebinding: public at the first look-up, private at every later one."""
    answers = [[PUBLIC], ["127.0.0.1"], ["127.0.0.1"]]
    world = World(answering(OK), names=lambda _: answers.pop(0))
    assert (await world.ask(get())).startswith(b"HTTP/1.1 200 ")
    assert world.dialed == [(PUBLIC, 80)] and len(world.looked_up) == 1
    assert (await world.ask(get())).startswith(b"HTTP/1.1 403 ")
    assert world.dialed == [(PUBLIC, 80)] and [event.decision for event in world.events] == ["allowed", "refused"]


async def test_a_redirect_inside_is_passed_on_and_refused_when_it_is_followed() -> None:
    location = b"http://169.254.169.254/latest/meta-data/"
    world = World(answering(b"HTTP/1.1 302 Found\r\nLocation: " + location + b"\r\nContent-Length: 0\r\n\r\n"))
    assert location in await world.ask(get())
    followed = await world.ask(b"GET " + location + b" HTTP/1.1\r\nHost: 169.254.169.254\r\n\r\n")
    assert followed.startswith(b"HTTP/1.1 403 ") and len(world.dialed) == 1


async def test_a_name_that_does_not_resolve_and_a_host_that_does_not_answer_are_told_apart() -> None:
    def missing(_: str) -> Sequence[str]:
        raise OSError(-2, "Name or service not known")

    world = World(never, names=missing)
    assert b"does not resolve (Name or service not known)" in await world.ask(connect())
    assert world.only_event().decision == "allowed"

    world = World(answering(OK), names=lambda _: ["8.8.4.4", PUBLIC])

    async def first_is_down(address: str) -> None:
        if address == "8.8.4.4":
            raise ConnectionRefusedError(111, "Connection refused")

    world.on_dial = first_is_down
    assert (await world.ask(get())).startswith(b"HTTP/1.1 200 ")
    assert world.only_event().address == PUBLIC

    world.names = lambda _: ["8.8.4.4"]
    assert b"could not be reached (Connection refused)" in await world.ask(get())


async def test_a_connection_that_says_nothing_is_no_attempt() -> None:
    world = World(never)
    assert await world.ask(b"") == b""
    async with world.client():
        pass
    assert world.events == []


async def test_what_is_not_http_is_an_attempt_without_a_host() -> None:
    world = World(never)
    assert (await world.ask(b"\x05\x01\x00\r\n\r\n")).startswith(b"HTTP/1.1 400 ")
    assert (world.only_event().host, world.only_event().port) == ("", 0)


# -- limits


async def test_a_request_that_trickles_in_ends_in_time() -> None:
    world = World(never, limits=EgressLimits(head_seconds=0.05))
    async with world.client() as client:
        await client.write(b"GET http://a.test/ HT")
        assert (await client.read_all()).startswith(b"HTTP/1.1 408 ")
    assert world.only_event().decision == "refused"
    async with world.client() as client:
        await client.write(connect())
        assert await client.read_all() == ESTABLISHED
    assert "nothing complete came" in world.events[1].reason


async def test_a_connection_in_which_nothing_moves_ends_in_time() -> None:
    async def silent(end: End) -> None:
        await asyncio.sleep(60)

    world = World(silent, limits=EgressLimits(idle_seconds=0.05))
    async with world.client() as client:
        await client.write(get())
        assert (await client.read_all()).startswith(b"HTTP/1.1 504 ")
    assert world.only_event().reason == "nothing moved for 0.05 s"


async def test_a_slow_but_moving_connection_is_not_idle() -> None:
    async def slow(end: End) -> None:
        await end.read_until(b"\r\n\r\n")
        await end.write(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(8):
            await asyncio.sleep(0.1)
            await end.write(b"x")

    world = World(slow, limits=EgressLimits(idle_seconds=0.4))
    assert (await world.ask(get())).endswith(b"\r\n\r\nxxxxxxxx")


async def test_resolving_and_connecting_end_in_time() -> None:
    world = World(never, limits=EgressLimits(resolve_seconds=0.05))
    world.on_resolve = hang
    assert (await world.ask(get())).startswith(b"HTTP/1.1 504 ")

    world = World(never, limits=EgressLimits(connect_seconds=0.05))
    world.on_dial = hang
    assert b"no answer in time" in await world.ask(get())


async def test_more_connections_than_the_limit_wait_and_then_are_refused() -> None:
    limits = EgressLimits(connections=1, wait_seconds=0.2)
    world = World(answering(OK), limits=limits)
    async with world.client() as first:
        await first.write(b"GET")
        await asyncio.sleep(0.01)
        assert (await world.ask(get())).startswith(b"HTTP/1.1 503 ")
        async with world.client() as waiting:
            await waiting.write(get())
            await first.close()
            assert (await waiting.read_all()).endswith(b"hi")
    assert [event.decision for event in world.events] == ["refused", "refused", "allowed"]


async def test_a_client_that_resets_its_connection_frees_its_place() -> None:
    async def silent(end: End) -> None:
        await asyncio.sleep(60)

    world = World(silent, limits=EgressLimits(connections=1, wait_seconds=0.2))
    async with world.client() as client:
        await client.write(get())
        while not world.dialed:
            await asyncio.sleep(0)
        await asyncio.sleep(0.01)
        await client.incoming.stop(reset=True)
        await client.outgoing.stop(reset=True)
        while not world.events:
            await asyncio.sleep(0.01)
    assert world.events[0].reason == "the connection was reset"


async def test_a_sandbox_has_so_many_attempts_and_one_more_is_recorded() -> None:
    world = World(answering(OK), limits=EgressLimits(attempts=2))
    answers = [await world.ask(get()) for _ in range(5)]
    assert [answer.split()[1] for answer in answers] == [b"200", b"200", b"403", b"403", b"403"]
    assert [event.decision for event in world.events] == ["allowed", "allowed", "refused"]
    assert "has made its 2 attempts" in world.events[2].reason


async def test_a_sandbox_has_so_many_bytes_in_all() -> None:
    async def flood(end: End) -> None:
        await end.read_until(b"\r\n\r\n")
        await end.write(b"HTTP/1.1 200 OK\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            while True:
                await end.write(bytes(50_000))

    world = World(flood, limits=EgressLimits(total_bytes=1_000_000))
    assert len(await world.ask(get())) < 1_200_000
    assert (await world.ask(get())).startswith(b"HTTP/1.1 403 ")
    assert all("used up its 1000000 bytes" in event.reason for event in world.events)
    assert [event.decision for event in world.events] == ["allowed", "refused"] and len(world.dialed) == 1


async def test_a_slow_reader_holds_the_server_back() -> None:
    total, block = 64 << 20, bytes(65536)
    ends: list[End] = []

    async def download(end: End) -> None:
        ends.append(end)
        await end.read_until(b"\r\n\r\n")
        await end.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % total)
        for _ in range(total // len(block)):
            await end.write(block)

    world = World(download)
    async with world.client() as client:
        await client.write(get())
        await asyncio.sleep(0.05)  # nobody reads: what the server sent has to wait
        held = client.incoming.most + ends[0].outgoing.most
        assert held < 1 << 20
        received = 0
        while piece := await client.read():
            received += len(piece)
        assert received > total
        assert client.incoming.most + ends[0].outgoing.most < 1 << 20
    assert world.only_event().bytes_received >= total


async def test_an_attempt_that_is_cut_off_is_recorded_once() -> None:
    world = World(echo)
    near, far = connection()
    task = asyncio.create_task(world.proxy.serve(far))
    await near.write(connect())
    await near.read_until(b"\r\n\r\n")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert world.only_event().reason == "cut off because the sandbox closed"
    assert world.only_event().decision == "allowed"


async def test_a_reset_on_either_side_is_recorded_once() -> None:
    async def reset(end: End) -> None:
        await end.read(10)
        await end.outgoing.stop(reset=True)

    world = World(reset)
    await world.ask(connect() + hello("a.test"))
    assert world.only_event().reason == "the connection was reset"

    world = World(echo)
    async with world.client() as client:
        await client.write(connect() + hello("a.test"))
        await client.read_until(b"\r\n\r\n")
        await client.read(1)
        await client.outgoing.stop(reset=True)
    assert world.only_event().reason == "the connection was reset"


async def test_many_attempts_at_once_give_one_event_each() -> None:
    world = World(answering(OK))
    answers = await asyncio.gather(*(world.ask(get("a.test" if n % 2 else "b.test")) for n in range(60)))
    assert sum(answer.startswith(b"HTTP/1.1 200 ") for answer in answers) == 30
    assert sum(event.decision == "allowed" for event in world.events) == 30 and len(world.events) == 60


@settings(deadline=None, max_examples=60)
@given(st.lists(st.sampled_from(PIECES) | st.binary(max_size=30), max_size=8).map(b"".join))
async def test_any_bytes_end_in_one_event_at_most(data: bytes) -> None:
    world = World(answering(OK), limits=EgressLimits(head_seconds=5))
    answer = await world.ask(data)
    assert len(world.events) == (1 if data else 0)
    assert all(event.host in ("", "a.test", "b.test") for event in world.events)
    assert answer.startswith(b"HTTP/1.1 ") == bool(data)
    assert all(address == PUBLIC for address, _ in world.dialed)
