"""HTTP heads and bodies that two readers could understand differently, and TLS hellos."""

from __future__ import annotations

import contextlib
import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.sandbox.egress.buffered_stream import BufferedStream, StreamSyntaxError
from workbench.sandbox.egress.http_body import copy_body
from workbench.sandbox.egress.http_head import (
    Body,
    Target,
    absolute_target,
    connect_target,
    forwarded_request,
    forwarded_response,
    origin_target,
    parse_request,
    parse_response,
)
from workbench.sandbox.egress.tls_hello import HelloError, parse_client_hello


class Source:
    """A stream that gives `data` in pieces of `size` bytes and keeps what is written to it."""

    def __init__(self, data: bytes = b"", size: int = 65536) -> None:
        self.data = data
        self.size = size
        self.written = b""

    async def read(self, limit: int = 65536) -> bytes:
        piece = self.data[: min(limit, self.size)]
        self.data = self.data[len(piece) :]
        return piece

    async def write(self, data: bytes) -> None:
        self.written += data

    async def write_eof(self) -> None: ...

    async def close(self) -> None: ...


# -- heads

GET = b"GET http://a.test/ HTTP/1.1\r\nHost: a.test"

MALFORMED_HEADS = {
    "both a length and an encoding": GET + b"\r\nContent-Length: 3\r\nTransfer-Encoding: chunked",
    "two lengths": GET + b"\r\nContent-Length: 3\r\nContent-Length: 4",
    "two equal lengths": GET + b"\r\nContent-Length: 3\r\ncontent-length: 3",
    "a list of lengths": GET + b"\r\nContent-Length: 3, 3",
    "a signed length": GET + b"\r\nContent-Length: +3",
    "a negative length": GET + b"\r\nContent-Length: -3",
    "a hexadecimal length": GET + b"\r\nContent-Length: 0x3",
    "a length in other digits": GET + "\r\nContent-Length: \uff13".encode(),
    "an empty length": GET + b"\r\nContent-Length: ",
    "an endless length": GET + b"\r\nContent-Length: " + b"9" * 40,
    "an unknown encoding": GET + b"\r\nTransfer-Encoding: gzip",
    "a list of encodings": GET + b"\r\nTransfer-Encoding: gzip, chunked",
    "an encoding twice": GET + b"\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    "an encoding with a vertical tab": GET + b"\r\nTransfer-Encoding: \x0bchunked",
    "an encoding in HTTP/1.0": b"POST http://a.test/ HTTP/1.0\r\nTransfer-Encoding: chunked",
    "a folded line": GET + b"\r\nX: 1\r\n 2",
    "a folded first field": b"GET http://a.test/ HTTP/1.1\r\n Host: a.test",
    "a space before the colon": GET + b"\r\nContent-Length : 3",
    "a space in a name": GET + b"\r\nContent Length: 3",
    "no name": GET + b"\r\n: 3",
    "no colon": GET + b"\r\nContent-Length",
    "a bare carriage return": GET + b"\r\nX: 1\rContent-Length: 3",
    "a NUL": GET + b"\r\nX: \x00",
    "a control character": GET + b"\r\nX: \x1b[2J",
    "two spaces": b"GET  http://a.test/ HTTP/1.1\r\nHost: a.test",
    "a tab in the request line": b"GET\thttp://a.test/ HTTP/1.1\r\nHost: a.test",
    "a space in the target": b"GET http://a.test/ b HTTP/1.1\r\nHost: a.test",
    "a target outside ASCII": "GET http://ä.test/ HTTP/1.1\r\nHost: a.test".encode(),
    "HTTP/0.9": b"GET http://a.test/",
    "HTTP/2": b"PRI * HTTP/2.0",
    "an unknown version": b"GET http://a.test/ HTTP/1.2\r\nHost: a.test",
    "no Host": b"GET http://a.test/ HTTP/1.1\r\nX: 1",
    "two Hosts": GET + b"\r\nHost: a.test",
    "an odd method": b"G(T http://a.test/ HTTP/1.1\r\nHost: a.test",
    "too many fields": GET + b"\r\nX: 1" * 200,
    "nothing": b"",
    "TLS": bytes([22, 3, 1, 0, 5, 1, 0, 0, 1, 0]),
}


@pytest.mark.parametrize("name", MALFORMED_HEADS)
def test_an_ambiguous_or_malformed_head_is_refused(name: str) -> None:
    with pytest.raises(StreamSyntaxError):
        parse_request(MALFORMED_HEADS[name])


@pytest.mark.parametrize(
    ("target", "host_field"),
    [
        ("http://a.test/", "b.test"),
        ("http://a.test/", "a.test:81"),
        ("http://a.test:443/", "a.test"),
        ("http://a.test/", ""),
        ("http://a.test/", "a.test@b.test"),
        ("http://a.test/", "a.test, b.test"),
        ("http://user@a.test/", "a.test"),
        ("http://b.test:80@a.test/", "a.test"),
        ("http://a.test\\@b.test/", "a.test"),
        ("http://a.test#@b.test/", "a.test"),
        ("http://a.test/#fragment", "a.test"),
        ("http://a.test:/", "a.test"),
        ("http://a.test:0/", "a.test"),
        ("http://a.test:65536/", "a.test"),
        ("http://a.test:+80/", "a.test"),
        ("http://a.test:80:80/", "a.test"),
        ("http:///path", "a.test"),
        ("http://", "a.test"),
        ("//a.test/", "a.test"),
        ("/path", "a.test"),
        ("*", "a.test"),
        ("a.test:80", "a.test"),
        ("https://a.test/", "a.test"),
        ("ftp://a.test/", "a.test"),
        ("http://::1/", "[::1]"),
        ("http://[::1%25lo]/", "[::1]"),
        ("http://a%2etest/", "a.test"),
    ],
)
def test_a_target_that_is_no_plain_url_or_disagrees_with_host_is_refused(target: str, host_field: str) -> None:
    head = parse_request(f"GET {target} HTTP/1.1\r\nHost: {host_field}".encode())
    with pytest.raises(StreamSyntaxError):
        absolute_target(head)


@pytest.mark.parametrize(
    ("target", "host_field", "expected"),
    [
        ("http://a.test", "a.test", Target("a.test", 80, "/")),
        ("HTTP://A.test./x?y=http://b.test/", "a.TEST:80", Target("a.test", 80, "/x?y=http://b.test/")),
        ("http://a.test?q", "a.test", Target("a.test", 80, "/?q")),
        ("http://a.test:443/x", "a.test:443", Target("a.test", 443, "/x")),
        ("http://a.test/@b.test", "a.test", Target("a.test", 80, "/@b.test")),
    ],
)
def test_a_whole_url_names_host_port_and_path(target: str, host_field: str, expected: Target) -> None:
    assert absolute_target(parse_request(f"GET {target} HTTP/1.1\r\nHost: {host_field}".encode())) == expected


@pytest.mark.parametrize(
    "head",
    [
        b"CONNECT a.test HTTP/1.1\r\nHost: a.test",
        b"CONNECT a.test:443 HTTP/1.1\r\nHost: b.test:443",
        b"CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:80",
        b"CONNECT a.test:443 HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5",
        b"CONNECT a.test:443 HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked",
        b"CONNECT ::1:443 HTTP/1.0",
        b"CONNECT http://a.test:443 HTTP/1.0",
        b"CONNECT user@a.test:443 HTTP/1.0",
        b"CONNECT :443 HTTP/1.0",
    ],
)
def test_a_connect_that_is_not_for_one_host_is_refused(head: bytes) -> None:
    request = parse_request(head)
    with pytest.raises(StreamSyntaxError):
        connect_target(request)


def test_a_connect_may_leave_out_host_or_its_port() -> None:
    assert connect_target(parse_request(b"CONNECT a.test:443 HTTP/1.0")) == Target("a.test", 443)
    assert connect_target(parse_request(b"CONNECT A.test:443 HTTP/1.1\r\nHost: a.test")) == Target("a.test", 443)
    assert str(connect_target(parse_request(b"CONNECT [2606:4700::1]:443 HTTP/1.0")).host) == "2606:4700::1"


def test_a_request_in_a_tunnel_is_for_the_tunnels_host() -> None:
    tunnel = Target("a.test", 80)
    assert origin_target(parse_request(b"GET /x HTTP/1.1\r\nHost: a.test"), tunnel) == Target("a.test", 80, "/x")
    for other in (b"GET /x HTTP/1.1\r\nHost: b.test", b"GET http://b.test/ HTTP/1.1\r\nHost: a.test"):
        with pytest.raises(StreamSyntaxError):
            origin_target(parse_request(other), tunnel)


def test_a_request_is_written_anew_without_what_was_meant_for_the_proxy() -> None:
    head = parse_request(
        b"POST http://a.test:443/x HTTP/1.1\r\nhost: A.test:443\r\nProxy-Authorization: Basic c2VjcmV0\r\n"
        b"Connection: keep-alive, X-Drop, Content-Length\r\nX-Drop: 1\r\nX-Keep:  1 \r\nContent-Length: 3\r\n"
        b"Upgrade: h2c\r\nTE: trailers\r\nTrailer: X\r\nProxy-Connection: keep-alive\r\nKeep-Alive: 5"
    )
    assert forwarded_request(head, absolute_target(head)) == (
        b"POST /x HTTP/1.1\r\nHost: a.test:443\r\nX-Keep: 1\r\nContent-Length: 3\r\nConnection: close\r\n\r\n"
    )


def test_a_response_is_written_anew_and_closes_the_connection() -> None:
    raw = b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\nSet-Cookie: a\r\nSet-Cookie: b"
    head = parse_response(raw, "GET")
    start = b"HTTP/1.1 200 OK\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n"
    assert forwarded_response(head, chunks=True) == (start + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n")
    assert forwarded_response(head, chunks=False) == start + b"Connection: close\r\n\r\n"


@pytest.mark.parametrize(
    ("head", "method", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5", "GET", Body("length", 5)),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5", "HEAD", Body("none")),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5", "GET", Body("none")),
        (b"HTTP/1.1 204 No Content", "GET", Body("none")),
        (b"HTTP/1.1 100 Continue", "POST", Body("none")),
        (b"HTTP/1.0 200", "GET", Body("close")),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked", "GET", Body("chunked")),
    ],
)
def test_how_a_responses_body_ends(head: bytes, method: str, body: Body) -> None:
    assert parse_response(head, method).body == body


@given(st.binary(max_size=200) | st.text(alphabet="GET htp:/a.1\r\nHos:-X\x00é", max_size=200).map(str.encode))
def test_no_bytes_make_the_head_reader_fail_in_another_way(data: bytes) -> None:
    with contextlib.suppress(StreamSyntaxError):
        absolute_target(parse_request(data))


@given(st.lists(st.tuples(st.sampled_from(["A", "b-c", "X_1"]), st.text(alphabet="az \t~é", max_size=20)), max_size=9))
def test_what_is_forwarded_is_understood_the_same_again(fields: list[tuple[str, str]]) -> None:
    lines = [f"{name}: {value}" for name, value in fields]
    head = parse_request("\r\n".join(["GET http://a.test/p HTTP/1.1", "Host: a.test", *lines]).encode("latin-1"))
    again = parse_request(forwarded_request(head, absolute_target(head)).removesuffix(b"\r\n\r\n"))
    assert again.fields == [("Host", "a.test"), *head.fields[1:], ("Connection", "close")]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 65536])
async def test_a_head_is_cut_off_at_its_end_whatever_the_pieces(size: int) -> None:
    stream = BufferedStream(Source(GET + b"\r\n\r\nrest", size))
    assert await stream.read_head(1000) == GET
    assert b"".join([await stream.read() for _ in range(4)]) == b"rest"


@pytest.mark.parametrize(
    "data", [b"GET / HTTP/1.1\nHost: a\n\n", b"A: 1\r\n\nB: 2\r\n\r\n", b"GET", b"x" * 2000, b"\n"]
)
@pytest.mark.parametrize("size", [1, 65536])
async def test_a_head_with_bare_line_feeds_or_without_an_end_is_refused(data: bytes, size: int) -> None:
    with pytest.raises(StreamSyntaxError):
        await BufferedStream(Source(data, size)).read_head(1000)


async def test_a_head_that_says_nothing_is_none() -> None:
    assert await BufferedStream(Source()).read_head(1000) is None


# -- bodies


async def copied(data: bytes, body: Body, *, size: int = 3, chunks: bool = True) -> tuple[bytes, bytes]:
    """What was written, and what was left unread."""
    sink, source = Source(), BufferedStream(Source(data, size))
    await copy_body(source, sink, body, chunks=chunks)
    rest = b""
    while piece := await source.read():
        rest += piece
    return sink.written, rest


@given(st.binary(max_size=300), st.binary(max_size=50), st.integers(1, 40))
async def test_a_body_of_known_length_ends_exactly_there(content: bytes, after: bytes, size: int) -> None:
    assert await copied(content + after, Body("length", len(content)), size=size) == (content, after)
    with pytest.raises(StreamSyntaxError):
        await copied(content, Body("length", len(content) + 1), size=size)


@given(st.lists(st.binary(min_size=1, max_size=60), max_size=8), st.binary(max_size=50), st.integers(1, 40))
async def test_a_chunked_body_ends_exactly_after_its_trailers(parts: list[bytes], after: bytes, size: int) -> None:
    raw = b"".join(b"%X ; x=1\r\n%b\r\n" % (len(part), part) for part in parts) + b"000\r\nX: 1\r\n\r\n"
    content = b"".join(parts)
    assert await copied(raw + after, Body("chunked"), size=size, chunks=False) == (content, after)
    written, rest = await copied(raw + after, Body("chunked"), size=size)
    assert rest == after
    assert await copied(written, Body("chunked"), chunks=False) == (content, b"")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"3",
        b"3\r\nabc",
        b"3\r\nabcd\r\n0\r\n\r\n",
        b"3\r\nab\r\n0\r\n\r\n",
        b"3\nabc\r\n0\r\n\r\n",
        b"3\r\nabc\n0\r\n\r\n",
        b"-3\r\nabc\r\n0\r\n\r\n",
        b"+3\r\nabc\r\n0\r\n\r\n",
        b"0x3\r\nabc\r\n0\r\n\r\n",
        b" 3\r\nabc\r\n0\r\n\r\n",
        b"\r\n",
        b"g\r\n",
        b"3\rabc\r\n0\r\n\r\n",
        b"1" * 20 + b"\r\n",
        b"3;" + b"x" * 5000 + b"\r\nabc\r\n0\r\n\r\n",
        b"3;\x00\r\nabc\r\n0\r\n\r\n",
        b"0\r\n" + b"X: 1\r\n" * 100 + b"\r\n",
        b"0\r\nX: 1",
    ],
)
@pytest.mark.parametrize("size", [1, 65536])
async def test_a_malformed_chunked_body_is_refused(raw: bytes, size: int) -> None:
    with pytest.raises(StreamSyntaxError):
        await copied(raw, Body("chunked"), size=size)


async def test_a_body_without_a_length_ends_with_the_stream() -> None:
    assert await copied(b"abcdefg", Body("close")) == (b"abcdefg", b"")
    assert await copied(b"abc", Body("none")) == (b"", b"abc")


# -- TLS hellos


def real_hello(host: str | None) -> bytes:
    """The first flight of a real TLS client."""
    context = ssl.create_default_context()
    context.check_hostname = False
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    connection = context.wrap_bio(incoming, outgoing, server_hostname=host)
    with pytest.raises(ssl.SSLWantReadError):
        connection.do_handshake()
    return outgoing.read()


def number(value: int, size: int) -> bytes:
    return value.to_bytes(size, "big")


def extension(kind: int, value: bytes) -> bytes:
    return number(kind, 2) + number(len(value), 2) + value


def name_extension(*names: bytes, kind: int = 0) -> bytes:
    entries = b"".join(number(kind, 1) + number(len(name), 2) + name for name in names)
    return extension(0, number(len(entries), 2) + entries)


def hello(*extensions: bytes, after: bytes = b"") -> bytes:
    block = b"".join(extensions)
    body = b"\x03\x03" + bytes(32) + b"\x00" + b"\x00\x02\x13\x01" + b"\x01\x00" + number(len(block), 2) + block + after
    message = b"\x01" + number(len(body), 3) + body
    return b"\x16\x03\x01" + number(len(message), 2) + message


def in_records(record: bytes, size: int) -> bytes:
    message = record[5:]
    parts = [message[start : start + size] for start in range(0, len(message), size)]
    return b"".join(b"\x16\x03\x01" + number(len(part), 2) + part for part in parts)


def test_a_real_clients_hello_names_its_server() -> None:
    data = real_hello("api.example.com")
    parsed = parse_client_hello(data)
    assert parsed is not None and parsed.server_name == "api.example.com" and not parsed.encrypted
    assert all(parse_client_hello(data[:end]) is None for end in range(len(data)))
    without = parse_client_hello(real_hello(None))
    assert without is not None and without.server_name is None


@pytest.mark.parametrize("size", [1, 3, 50, 1000])
def test_a_hello_may_be_spread_over_records(size: int) -> None:
    parsed = parse_client_hello(in_records(real_hello("a.test"), size))
    assert parsed is not None and parsed.server_name == "a.test"


def test_an_encrypted_hello_is_seen() -> None:
    parsed = parse_client_hello(hello(name_extension(b"a.test"), extension(0xFE0D, bytes(40))))
    assert parsed is not None and parsed.encrypted


BROKEN_HELLOS = {
    "two names": hello(name_extension(b"a.test", b"b.test")),
    "two name extensions": hello(name_extension(b"a.test"), name_extension(b"b.test")),
    "a name of another kind": hello(name_extension(b"a.test", kind=1)),
    "a name outside ASCII": hello(name_extension("ä.test".encode())),
    "a repeated extension": hello(extension(10, b""), extension(10, b"")),
    "bytes after the extensions": hello(name_extension(b"a.test"), after=b"\x00"),
    "a truncated extension": hello(number(0, 2) + number(9, 2) + b"x"),
    "a second message": hello(name_extension(b"a.test"))[:3] + number(4 + 49, 2) + b"\x01\x00\x00\x2d" + bytes(49),
    "a server's hello": b"\x16\x03\x01\x00\x05\x02\x00\x00\x01\x00",
    "an alert first": b"\x15\x03\x01\x00\x02\x01\x00",
    "an empty record": b"\x16\x03\x01\x00\x00",
    "SSL 2": b"\x80\x2e\x01\x00\x02",
    "HTTP": b"GET / HTTP/1.1\r\n\r\n",
    "SSH": b"SSH-2.0-OpenSSH_9.9\r\n",
}


@pytest.mark.parametrize("name", BROKEN_HELLOS)
def test_what_is_no_clear_hello_is_refused(name: str) -> None:
    with pytest.raises(HelloError):
        parse_client_hello(BROKEN_HELLOS[name])


@given(st.binary(max_size=100), st.integers(0, 300))
def test_no_bytes_make_the_hello_reader_fail_in_another_way(junk: bytes, position: int) -> None:
    whole = hello(name_extension(b"a.test"), extension(16, b"\x00\x03\x02h2"))
    for data in (junk, b"\x16\x03\x01" + junk, whole[:position] + junk + whole[position + len(junk) :]):
        with contextlib.suppress(HelloError):
            parse_client_hello(data)
