"""One sandbox's proxy: from a connection's first byte over the decision to the event that records it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass

from workbench.sandbox.egress.addresses import Address, is_own_address
from workbench.sandbox.egress.attempt import Attempt, EgressEndedError, MeteredStream, tell_client
from workbench.sandbox.egress.buffered_stream import BufferedStream, StreamSyntaxError
from workbench.sandbox.egress.dialing import Connector, Resolver, SystemResolver, connect
from workbench.sandbox.egress.http_exchange import exchange
from workbench.sandbox.egress.http_head import (
    RequestHead,
    Target,
    absolute_target,
    connect_target,
    origin_target,
    parse_request,
)
from workbench.sandbox.egress.policy import EgressPolicy, Refusal
from workbench.sandbox.egress.tunnel import check_tls, relay
from workbench.sandbox.streams import ByteStream
from workbench.trace.events import Egress

_MAX_TRIES = 4


@dataclass(frozen=True, slots=True)
class EgressLimits:
    """Bounds of one sandbox's egress. Sizes are bytes, times seconds.

    `connections` are open at once; more wait for up to `wait_seconds`. `head_seconds` bounds the time until a request
    (and in a tunnel its first message) is complete, `idle_seconds` the time in which nothing moves. `total_bytes`
    counts both directions over the sandbox's life. After so many `attempts` one more is recorded, refused, and all
    later ones are refused without an event each, so that a loop cannot fill the disk with them.
    """

    connections: int = 128
    wait_seconds: float = 10.0
    head_bytes: int = 32 * 1024
    head_seconds: float = 30.0
    resolve_seconds: float = 10.0
    connect_seconds: float = 10.0
    idle_seconds: float = 300.0
    total_bytes: int = 20 << 30
    attempts: int = 20_000


class EgressProxy:
    """The egress of one sandbox: its policy, its limits and what it has used of them.

    `on_egress` hears of each attempt once, when it is over. The resolver, the connector and the test for this
    machine's own addresses are given only by tests.
    """

    def __init__(
        self,
        policy: EgressPolicy,
        on_egress: Callable[[Egress], None],
        limits: EgressLimits | None = None,
        *,
        resolve: Resolver | None = None,
        dial: Connector = connect,
        is_own: Callable[[Address], bool] = is_own_address,
    ) -> None:
        self._policy = policy
        self._on_egress = on_egress
        self._limits = limits or EgressLimits()
        self._resolve = resolve or SystemResolver()
        self._dial = dial
        self._is_own = is_own
        self._slots = asyncio.Semaphore(self._limits.connections)
        self._bytes_left = self._limits.total_bytes
        self._attempts = 0

    async def serve(self, stream: ByteStream) -> None:
        """Serve one connection of the sandbox until it is over, close it, and record what happened.

        Raises nothing for what a client or a server does. A connection that says nothing is no attempt.
        """
        client = BufferedStream(stream)
        attempt = Attempt()
        try:
            await self._serve(client, attempt)
        except asyncio.CancelledError:
            attempt.end("cut off because the sandbox closed")
            raise
        except Exception:
            attempt.end("a fault of the workbench")
            raise
        finally:
            if attempt.number and attempt.number <= self._limits.attempts + 1:
                self._on_egress(attempt.event())
            with contextlib.suppress(ConnectionError):
                await stream.close()

    async def _serve(self, client: BufferedStream, attempt: Attempt) -> None:
        try:
            async with self._slot(attempt):
                await self._answer(client, attempt)
        except EgressEndedError as end:
            attempt.end(end.reason, refused=end.refused)
            if not attempt.answered:
                await tell_client(client, attempt.target, end)
        except ConnectionError:
            attempt.end("the connection was reset")

    async def _answer(self, client: BufferedStream, attempt: Attempt) -> None:
        request = await self._read_request(client, attempt)
        if request is None:
            return
        if attempt.number > self._limits.attempts:
            reason = (
                f"the sandbox has made its {self._limits.attempts} attempts; later ones are not recorded one by one"
            )
            raise EgressEndedError(403, reason, "A new run begins with all of them.", refused=True)
        is_tunnel = request.method == "CONNECT"
        with _refusing_malformed():
            target = connect_target(request) if is_tunnel else absolute_target(request)
        attempt.target = target
        self._refuse_by_setting(target)
        attempt.allow(self._policy.allow.match(target.host))
        addresses = await self._vetted_addresses(target)
        async with self._connected(addresses, target.port, attempt) as server:
            if not is_tunnel:
                await self._exchange(client, server, request, target, attempt)
                return
            await client.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            if target.port == 80:
                await self._plain_tunnel(client, server, target, attempt)
            else:
                attempt.answered = True
                async with self._in_time_for_a_head():
                    await check_tls(client, target.host, self._limits.head_bytes)
                await relay(client, server)

    async def _plain_tunnel(self, client: BufferedStream, server: ByteStream, tunnel: Target, attempt: Attempt) -> None:
        request = await self._read_request(client, attempt)
        if request is not None:
            with _refusing_malformed():
                target = origin_target(request, tunnel)
            await self._exchange(client, server, request, target, attempt)

    async def _exchange(
        self, client: BufferedStream, server: ByteStream, request: RequestHead, target: Target, attempt: Attempt
    ) -> None:
        def answered() -> None:
            attempt.answered = True

        await exchange(client, server, request, target, answered)

    @contextlib.asynccontextmanager
    async def _slot(self, attempt: Attempt) -> AsyncIterator[None]:
        """One of the connections that may be open at once; the client's bytes stay unread while it waits."""
        try:
            async with asyncio.timeout(self._limits.wait_seconds):
                await self._slots.acquire()
        except TimeoutError:
            self._begin(attempt)
            reason = f"more than {self._limits.connections} connections at once"
            raise EgressEndedError(503, reason, "Close connections that are not needed.", refused=True) from None
        try:
            yield
        finally:
            self._slots.release()

    def _begin(self, attempt: Attempt) -> None:
        """Its client asked for something, so that it counts; a plain tunnel's second request is still the same one."""
        if not attempt.number:
            self._attempts += 1
            attempt.number = self._attempts

    async def _read_request(self, client: BufferedStream, attempt: Attempt) -> RequestHead | None:
        """The next request, None when the client leaves without a word."""
        with _refusing_malformed():
            async with self._in_time_for_a_head():
                if not client.peek() and not await client.fill():
                    return None
                self._begin(attempt)
                head = await client.read_head(self._limits.head_bytes)
            return parse_request(head or b"")

    @contextlib.asynccontextmanager
    async def _in_time_for_a_head(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._limits.head_seconds):
                yield
        except TimeoutError:
            reason = f"nothing complete came within {self._limits.head_seconds:g} s"
            raise EgressEndedError(408, reason, refused=True) from None

    def _refuse_by_setting(self, target: Target) -> None:
        if self._bytes_left <= 0:
            raise self._exhausted(refused=True)
        _refuse(self._policy.refuse_target(target.host, target.port))

    async def _vetted_addresses(self, target: Target) -> Sequence[Address]:
        """The addresses of the target, all of them allowed."""
        addresses = await self._resolved(target)
        _refuse(self._policy.refuse_addresses(target.host, addresses, self._is_own))
        return addresses

    async def _resolved(self, target: Target) -> Sequence[Address]:
        if not isinstance(target.host, str):
            return [target.host]
        advice = "Check the spelling, and whether this machine itself can resolve the name."
        try:
            async with asyncio.timeout(self._limits.resolve_seconds):
                return await self._resolve(target.host, target.port)
        except TimeoutError:
            raise EgressEndedError(504, "its name was not resolved in time", advice, refused=False) from None
        except OSError as error:
            reason = f"its name does not resolve ({error.strerror or error})"
            raise EgressEndedError(502, reason, advice, refused=False) from error

    @contextlib.asynccontextmanager
    async def _connected(
        self, addresses: Sequence[Address], port: int, attempt: Attempt
    ) -> AsyncIterator[MeteredStream]:
        """A connection to the first address that answers; it ends when nothing has moved for too long."""
        stream = await self._dial_first(addresses, port, attempt)
        try:
            async with asyncio.timeout(self._limits.idle_seconds) as idle:
                yield MeteredStream(stream, lambda sent, received: self._account(attempt, idle, sent, received))
        except TimeoutError:
            reason = f"nothing moved for {self._limits.idle_seconds:g} s"
            raise EgressEndedError(504, reason, refused=False) from None
        finally:
            with contextlib.suppress(ConnectionError):
                await stream.close()

    async def _dial_first(self, addresses: Sequence[Address], port: int, attempt: Attempt) -> ByteStream:
        problem = ""
        for address in addresses[:_MAX_TRIES]:
            attempt.address = address
            try:
                async with asyncio.timeout(self._limits.connect_seconds):
                    return await self._dial(address, port)
            except TimeoutError:
                problem = "no answer in time"
            except OSError as error:
                problem = error.strerror or str(error)
        advice = "Check that this machine itself can reach it."
        raise EgressEndedError(502, f"it could not be reached ({problem})", advice, refused=False)

    def _account(self, attempt: Attempt, idle: asyncio.Timeout, sent: int, received: int) -> None:
        attempt.sent += sent
        attempt.received += received
        self._bytes_left -= sent + received
        if self._bytes_left < 0:
            raise self._exhausted(refused=False)
        if not idle.expired():
            idle.reschedule(asyncio.get_running_loop().time() + self._limits.idle_seconds)

    def _exhausted(self, *, refused: bool) -> EgressEndedError:
        reason = f"the sandbox has used up its {self._limits.total_bytes} bytes of network traffic"
        return EgressEndedError(403, reason, "A new run begins with all of them.", refused=refused)


def _refuse(refusal: Refusal | None) -> None:
    if refusal is not None:
        raise EgressEndedError(403, refusal.reason, refusal.advice, refused=True)


@contextlib.contextmanager
def _refusing_malformed() -> Iterator[None]:
    """Turns what the client sent wrong into a refusal."""
    try:
        yield
    except StreamSyntaxError as error:
        raise EgressEndedError(400, f"not a request that the proxy serves: {error}", refused=True) from error
