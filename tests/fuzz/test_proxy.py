"""Whatever a program in the sandbox sends to the proxy, and whatever a server out there answers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from ipaddress import ip_address

from hypothesis import strategies as st

from tests.fuzz.time_box import fuzz, spoilt
from workbench.definition.agent import NetworkPolicy
from workbench.sandbox.egress import EgressLimits, EgressPolicy, EgressProxy
from workbench.sandbox.egress.addresses import Address, HostError, parse_host
from workbench.sandbox.egress.http_head import parse_request
from workbench.sandbox.egress.tls_hello import HelloError, parse_client_hello
from workbench.trace.events import Egress

PUBLIC = ip_address("93.184.216.34")
LIMITS = EgressLimits(head_seconds=0.2, idle_seconds=0.2, wait_seconds=0.1, head_bytes=4096)
REQUESTS = (
    b"GET http://files.test/a?b=c HTTP/1.1\r\nHost: files.test\r\nAccept: */*\r\n\r\n",
    b"POST http://files.test/ HTTP/1.1\r\nHost: files.test\r\nContent-Length: 5\r\n\r\nhello",
    b"POST http://files.test/ HTTP/1.1\r\nHost: files.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    b"CONNECT files.test:80 HTTP/1.1\r\nHost: files.test:80\r\n\r\nGET / HTTP/1.1\r\nHost: files.test\r\n\r\n",
    b"CONNECT files.test:443 HTTP/1.1\r\n\r\n\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00",
    b"GET http://evil.test/ HTTP/1.0\r\n\r\n",
)
WORDS = (
    *(
        b"Content-Length: 3",
        b"Transfer-Encoding: chunked",
        b"Host: evil.test",
        b"evil.test",
        b"files.test",
        b"HTTP/1.1",
        b"http://",
        b":443",
    ),
    *(
        b"GET http://evil.test/ HTTP/1.1\r\nHost: evil.test\r\n\r\n",
        b"0\r\n\r\n",
        b"Connection: close",
        b"Upgrade: h2c",
        b"127.0.0.1",
        b"[::1]",
    ),
)
RESPONSES = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX: y\r\n\r\n",
    b"HTTP/1.0 404 Not Found\r\n\r\nnothing",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n",
)


class Wire:
    """One end of a connection: gives its bytes in pieces, then ends; keeps what is written."""

    def __init__(self, data: bytes, piece: int) -> None:
        self._data = data
        self._piece = piece
        self.written = bytearray()

    async def read(self, limit: int = 65536) -> bytes:
        await asyncio.sleep(0)
        size = min(limit, self._piece)
        data, self._data = self._data[:size], self._data[size:]
        return data

    async def write(self, data: bytes) -> None:
        self.written += data

    async def write_eof(self) -> None:
        """Nothing to do."""

    async def close(self) -> None:
        """Nothing to do."""


def exchange(request: bytes, response: bytes, piece: int) -> tuple[list[Egress], Wire, Wire | None]:
    """One connection through the proxy: its events, the client's end, and the server's if one was dialed."""
    events: list[Egress] = []
    servers: list[Wire] = []

    async def resolve(host: str, port: int) -> Sequence[Address]:
        assert host == "files.test", f"a name was resolved that is not allowed: {host}"
        return [PUBLIC]

    async def dial(address: Address, port: int) -> Wire:
        assert address == PUBLIC and port in (80, 443)
        servers.append(Wire(response, piece))
        return servers[-1]

    async def serve() -> Wire:
        policy = EgressPolicy.from_network(NetworkPolicy(("files.test",)))
        client = Wire(request, piece)
        proxy = EgressProxy(policy, events.append, LIMITS, resolve=resolve, dial=dial, is_own=lambda _address: False)
        await proxy.serve(client)
        return client

    client = asyncio.run(serve())
    assert len(servers) <= 1
    return events, client, servers[0] if servers else None


PIECES = st.sampled_from((1, 3, 17, 65536))


def test_requests() -> None:
    def check(request: bytes, piece: int) -> None:
        events, client, server = exchange(request, RESPONSES[0], piece)
        assert len(events) <= 1
        if server is not None and server.written and not request.startswith(b"CONNECT files.test:443"):
            head, _, _ = bytes(server.written).partition(b"\r\n\r\n")
            understood = parse_request(head)  # as strictly as the proxy itself reads: one message, no other reading
            hosts = [value for name, value in understood.fields if name.lower() == "host"]
            assert hosts in (["files.test"], ["files.test:443"]), hosts
        if client.written:
            assert client.written.startswith(b"HTTP/1.1 "), bytes(client.written[:80])

    fuzz(check, spoilt(*REQUESTS, dictionary=WORDS) | st.binary(max_size=200), PIECES)


def test_responses() -> None:
    def check(response: bytes, piece: int) -> None:
        events, client, _ = exchange(REQUESTS[0], response, piece)
        assert len(events) == 1
        answer = bytes(client.written)
        assert answer.startswith(b"HTTP/1.1 "), answer[:80]
        head = answer.partition(b"\r\n\r\n")[0]
        assert b"\n" not in head.replace(b"\r\n", b"") and b"\r" not in head.replace(b"\r\n", b""), head

    fuzz(check, spoilt(*RESPONSES, dictionary=WORDS) | st.binary(max_size=200), PIECES)


def test_hosts() -> None:
    def check(text: str) -> None:
        try:
            host = parse_host(text)
        except HostError:
            return
        assert parse_host(str(host)) == host, "the canonical form of a host is its own canonical form"
        if isinstance(host, str):
            assert host.isascii() and host == host.lower() and not host.endswith(".")

    odd = st.sampled_from(
        (
            "0x7f.1",
            "①②⑦.1",
            "[::ffff:1.2.3.4]",
            "a%00.b",
            "xn--a",
            "ﬁle.test",
            "1.2.3.4.",
            "\uff10x7f000001",
            "[::1%lo]",
            "a..b",
            "-a.b",
        )
    )
    fuzz(check, st.one_of(st.text(max_size=30), odd, st.from_regex(r"[0-9a-fxA-F.:\[\]]{1,20}")))


def test_hellos() -> None:
    import ssl

    context = ssl.create_default_context()
    coming, going = ssl.MemoryBIO(), ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(coming, going, server_hostname="files.test").do_handshake()

    def check(data: bytes) -> None:
        try:
            parse_client_hello(data)
        except HelloError:
            return

    fuzz(check, spoilt(going.read()))
