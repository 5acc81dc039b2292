"""Heads of HTTP/1 messages, read strictly and written in one form only.

Whatever two readers could understand differently is refused: folded lines, spaces before a colon, two lengths, a
length beside a transfer encoding, unknown encodings. What passes is written anew from what was understood, so that
the next reader sees the same message.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from workbench.sandbox.egress.addresses import Host, HostError, parse_host
from workbench.sandbox.egress.buffered_stream import StreamSyntaxError

Fields = Sequence[tuple[str, str]]
"""Header fields in their order; names as they were written."""

_REQUEST_LINE = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}) ([!-~]+) HTTP/1\.([01])")
_STATUS_LINE = re.compile(r"HTTP/1\.([01]) ([1-9][0-9]{2})(?: ([\t -~\x80-\xff]*))?")
_FIELD = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}):[ \t]*+([\t -~\x80-\xff]*+)")
_PORT = re.compile(r"[0-9]{1,5}")
_LENGTH = re.compile(r"[0-9]{1,18}")
_MAX_FIELDS = 128
_HOP_BY_HOP = {
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}


@dataclass(frozen=True, slots=True)
class Body:
    """How a message's body ends: there is none, after `length` bytes, after its last chunk, or with the stream."""

    kind: Literal["none", "length", "chunked", "close"]
    length: int = 0


@dataclass(frozen=True, slots=True)
class RequestHead:
    """A request line, its header fields and how its body ends. `minor` is the version's second digit."""

    method: str
    target: str
    minor: int
    fields: Fields
    body: Body


@dataclass(frozen=True, slots=True)
class ResponseHead:
    """A status line, its header fields and how its body ends."""

    status: int
    reason: str
    fields: Fields
    body: Body


@dataclass(frozen=True, slots=True)
class Target:
    """What a request is for: the host and port to reach, and the path to ask there (empty for CONNECT)."""

    host: Host
    port: int
    path: str = ""


def parse_request(head: bytes) -> RequestHead:
    """Read a request's head.

    Raises:
        StreamSyntaxError: it is not a well-formed HTTP/1 head, or two readers could see two messages in it.
    """
    first, fields = _split(head)
    match = _REQUEST_LINE.fullmatch(first)
    if match is None:
        raise StreamSyntaxError("not an HTTP/1 request line")
    minor = int(match[3])
    body = _declared_body(fields)
    if body is not None and body.kind == "chunked" and minor == 0:
        raise StreamSyntaxError("a transfer encoding in HTTP/1.0")
    if len(_values(fields, "host")) > 1 or (minor == 1 and not _values(fields, "host")):
        raise StreamSyntaxError("not exactly one Host")
    return RequestHead(match[1], match[2], minor, fields, body or Body("none"))


def parse_response(head: bytes, method: str) -> ResponseHead:
    """Read the head of a response to a request with `method`.

    Raises:
        StreamSyntaxError: it is not a well-formed HTTP/1 head, or its length is ambiguous.
    """
    first, fields = _split(head)
    match = _STATUS_LINE.fullmatch(first)
    if match is None:
        raise StreamSyntaxError("not an HTTP/1 status line")
    status = int(match[2])
    body = _declared_body(fields) or Body("close")
    if method == "HEAD" or status < 200 or status in (204, 304):
        body = Body("none")
    return ResponseHead(status, match[3] or "", fields, body)


def connect_target(head: RequestHead) -> Target:
    """What a CONNECT request is for.

    Raises:
        StreamSyntaxError: it is not `host:port`, or the request has a body or another Host.
    """
    if head.body != Body("none") and head.body != Body("length", 0):
        raise StreamSyntaxError("a CONNECT with a body")
    host, port = _authority(head.target, None)
    _check_host_field(head, host, port)
    return Target(host, port)


def absolute_target(head: RequestHead) -> Target:
    """What a request for a whole `http://` URL is for.

    Raises:
        StreamSyntaxError: it is no such URL, or the Host field names another host.
    """
    if head.target[:7].lower() != "http://":
        raise StreamSyntaxError("not an http:// URL; https goes through CONNECT")
    rest = head.target[7:]
    end = next((position for position, char in enumerate(rest) if char in "/?#"), len(rest))
    host, port = _authority(rest[:end], 80)
    _check_host_field(head, host, port)
    path = _checked_path(rest[end:])
    if not path.startswith("/"):
        path = "*" if head.method == "OPTIONS" and not path else "/" + path
    return Target(host, port, path)


def origin_target(head: RequestHead, tunnel: Target) -> Target:
    """What a plain request inside of a tunnel to `tunnel` is for: a path there.

    Raises:
        StreamSyntaxError: it is not a path, or the Host field names another host than the tunnel.
    """
    if not head.target.startswith("/") and (head.method, head.target) != ("OPTIONS", "*"):
        raise StreamSyntaxError("not a path")
    _check_host_field(head, tunnel.host, tunnel.port)
    return Target(tunnel.host, tunnel.port, _checked_path(head.target))


def forwarded_request(head: RequestHead, target: Target) -> bytes:
    """The head to send to the origin server: for one request, with the Host and the length that were understood."""
    dropped = {"expect"} if head.minor == 0 else set[str]()
    fields = [("Host", _authority_text(target)), *_end_to_end(head.fields, {"host", "content-length", *dropped})]
    return _joined(f"{head.method} {target.path} HTTP/1.{head.minor}", [*fields, *_framing(head.body), _CLOSE])


def forwarded_response(head: ResponseHead, *, chunks: bool) -> bytes:
    """The head to send to the client. A client that knows no `chunks` gets a chunked body until the stream's end."""
    interim = head.status < 200
    own_length = set[str]() if head.body.kind == "none" else {"content-length"}
    framing = _framing(head.body) if chunks or head.body.kind != "chunked" else []
    fields = [*_end_to_end(head.fields, own_length), *framing, *([] if interim else [_CLOSE])]
    return _joined(f"HTTP/1.1 {head.status} {head.reason}", fields)


_CLOSE = ("Connection", "close")


def _split(head: bytes) -> tuple[str, Fields]:
    first, *lines = head.decode("latin-1").split("\r\n")
    if len(lines) > _MAX_FIELDS:
        raise StreamSyntaxError(f"more than {_MAX_FIELDS} header fields")
    fields = []
    for line in lines:
        match = _FIELD.fullmatch(line)
        if match is None:
            raise StreamSyntaxError("a malformed header field")
        fields.append((match[1], match[2].rstrip(" \t")))
    return first, fields


def _values(fields: Fields, name: str) -> list[str]:
    return [value for field, value in fields if field.lower() == name]


def _declared_body(fields: Fields) -> Body | None:
    """How the body ends by the fields themselves; None when they do not tell."""
    lengths, encodings = _values(fields, "content-length"), _values(fields, "transfer-encoding")
    if lengths and encodings:
        raise StreamSyntaxError("both a Content-Length and a Transfer-Encoding")
    if encodings:
        if len(encodings) > 1 or encodings[0].lower() != "chunked":
            raise StreamSyntaxError("a Transfer-Encoding other than chunked")
        return Body("chunked")
    if lengths:
        if len(lengths) > 1 or not _LENGTH.fullmatch(lengths[0]):
            raise StreamSyntaxError("not exactly one valid Content-Length")
        return Body("length", int(lengths[0]))
    return None


def _authority(text: str, default_port: int | None) -> tuple[Host, int]:
    if "@" in text:
        raise StreamSyntaxError("a user name in the target")
    name, colon, port_text = text.rpartition(":")
    if text.endswith("]") or not colon:
        name, port_text = text, "" if default_port is None else str(default_port)
    if not _PORT.fullmatch(port_text) or not 0 < int(port_text) < 65536:
        raise StreamSyntaxError("not a valid port")
    if not name.startswith("[") and ":" in name:
        raise StreamSyntaxError("an IPv6 address without brackets")
    try:
        return parse_host(name), int(port_text)
    except HostError as error:
        raise StreamSyntaxError(f"the host is {error}") from error


def _authority_text(target: Target) -> str:
    host = str(target.host)
    host = f"[{host}]" if ":" in host else host
    return host if target.port == 80 else f"{host}:{target.port}"


def _check_host_field(head: RequestHead, host: Host, port: int) -> None:
    """A Host field must name the target; a CONNECT's may leave the port out, as HTTP libraries do."""
    for value in _values(head.fields, "host"):
        default = port if head.method == "CONNECT" else 80
        if _authority(value, default) != (host, port):
            raise StreamSyntaxError("the Host field names another host than the target")


def _checked_path(path: str) -> str:
    if "#" in path:
        raise StreamSyntaxError("a fragment in the target")
    return path


def _end_to_end(fields: Fields, without: set[str]) -> list[tuple[str, str]]:
    named = {name.strip().lower() for value in _values(fields, "connection") for name in value.split(",")}
    dropped = _HOP_BY_HOP | named | without
    return [(name, value) for name, value in fields if name.lower() not in dropped]


def _framing(body: Body) -> list[tuple[str, str]]:
    if body.kind == "chunked":
        return [("Transfer-Encoding", "chunked")]
    return [("Content-Length", str(body.length))] if body.kind == "length" else []


def _joined(first: str, fields: Fields) -> bytes:
    lines = [first, *(f"{name}: {value}" for name, value in fields)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
