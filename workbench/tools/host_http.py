"""The HTTP client with which the workbench itself calls declared servers: bounded, without cookies, TLS verified."""

from __future__ import annotations

import re
import urllib.request
import zlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING

import httpx2

from workbench.definition.references import Template, UnsetVariableError

if TYPE_CHECKING:
    from ssl import SSLContext

CONNECT_TIMEOUT = 10.0
"""Seconds for a connection and its TLS handshake."""
PIECE = 64 * 1024
"""Bytes that are decompressed at once."""

_HOST = re.compile(rb"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")
_DECODABLE = {"gzip": zlib.MAX_WBITS | 16, "x-gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS}


class BadAddressError(Exception):
    """A declared URL or header cannot be used; `str` says why and never shows what a reference stands for."""


class Resolved:
    """The URL and headers of a declared server with its references resolved. `repr` shows none of it."""

    def __init__(self, url: Template, headers: Mapping[str, Template], environment: Mapping[str, str]) -> None:
        """Resolve.

        Raises:
            BadAddressError: a variable is unset, the URL is not one of http or https, or a header cannot be sent.
        """
        try:
            text = url.resolve(environment).strip()
            self.headers = {name: template.resolve(environment) for name, template in headers.items()}
        except UnsetVariableError as error:
            raise BadAddressError(f"{error}; set it and try again") from None
        self._secrets = _values((url, *headers.values()), environment)
        self.url = _parse(text, url)
        for name, value in self.headers.items():
            if not name.isascii() or not value.isascii() or not value.isprintable() or not _is_token(name):
                shown = headers[name].text
                raise BadAddressError(f"header {name}: {shown} holds characters that HTTP headers cannot carry")

    def conceal(self, text: str) -> str:
        """`text` with each value that came from a variable replaced by its reference."""
        for value, reference in self._secrets:
            text = text.replace(value, reference)
        return text


def open_client(
    resolved: Resolved,
    tls: SSLContext | None,
    *,
    timeout: float,
    read_timeout: float | None,
    transport: httpx2.AsyncBaseTransport | None = None,
    max_body: int | None = None,
    on_failure: Callable[[str], None] = lambda status: None,
) -> httpx2.AsyncClient:
    """A client for one server.

    `max_body` bounds a body in bytes after decompression, streams of events excepted. `on_failure` is told each status
    of 400 and above. A proxy is taken from the usual environment variables. `transport` replaces the network.
    """
    if transport is None:
        inner: httpx2.AsyncBaseTransport = httpx2.AsyncHTTPTransport(verify=tls or True, proxy=_proxy(resolved.url))
    else:
        inner = _Lent(transport)
    headers = httpx2.Headers({"accept-encoding": "gzip", "user-agent": "agent-workbench"})
    headers.update(resolved.headers)
    return httpx2.AsyncClient(
        transport=_BoundedTransport(inner, max_body, on_failure),
        headers=headers,
        timeout=httpx2.Timeout(timeout, connect=min(CONNECT_TIMEOUT, timeout), read=read_timeout),
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        trust_env=False,
    )


class _BoundedTransport(httpx2.AsyncBaseTransport):
    """Decompresses bodies piece by piece, so that a small answer cannot become a large one in memory."""

    def __init__(
        self, inner: httpx2.AsyncBaseTransport, max_body: int | None, on_failure: Callable[[str], None]
    ) -> None:
        self._inner = inner
        self._max_body = max_body
        self._on_failure = on_failure

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await self._inner.handle_async_request(request)
        if response.status_code >= 400:
            self._on_failure(f"HTTP {response.status_code} {response.reason_phrase}".strip())
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        if encoding in _DECODABLE:
            del response.headers["content-encoding"]
            response.headers.pop("content-length", None)
        elif encoding != "identity" and self._max_body is not None:
            await response.aclose()
            raise httpx2.DecodingError(
                f"the server compressed its answer with {encoding[:40]}, only gzip was asked for"
            )
        if not isinstance(response.stream, httpx2.AsyncByteStream):
            raise TypeError("an asynchronous transport must give asynchronous streams")
        endless = response.headers.get("content-type", "").lower().startswith("text/event-stream")
        limit = None if endless else self._max_body
        response.stream = _BoundedStream(response.stream, _DECODABLE.get(encoding), limit)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


class _Lent(httpx2.AsyncBaseTransport):
    """A transport that is not ours to close."""

    def __init__(self, transport: httpx2.AsyncBaseTransport) -> None:
        self._transport = transport

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return await self._transport.handle_async_request(request)


class _BoundedStream(httpx2.AsyncByteStream):
    """A body decompressed by zlib with `window_bits`, where that is given, and cut off above `limit` bytes."""

    def __init__(self, inner: httpx2.AsyncByteStream, window_bits: int | None, limit: int | None) -> None:
        self._inner = inner
        self._window_bits = window_bits
        self._limit = limit

    async def __aiter__(self) -> AsyncIterator[bytes]:
        total = 0
        decompress = _Decompression(self._window_bits) if self._window_bits is not None else _as_it_is
        async for data in self._inner:
            for piece in decompress(data):
                total += len(piece)
                if self._limit is not None and total > self._limit:
                    raise httpx2.StreamError(f"the answer is larger than {self._limit} bytes")
                yield piece

    async def aclose(self) -> None:
        await self._inner.aclose()


class _Decompression:
    def __init__(self, window_bits: int) -> None:
        self._window_bits = window_bits
        self._decoder = zlib.decompressobj(window_bits)

    def __call__(self, data: bytes) -> Iterator[bytes]:
        try:
            while data:
                if self._decoder.eof:  # a gzip body may have several members
                    self._decoder = zlib.decompressobj(self._window_bits)
                piece = self._decoder.decompress(data, PIECE)
                while piece or self._decoder.unconsumed_tail:
                    yield piece
                    piece = self._decoder.decompress(self._decoder.unconsumed_tail, PIECE)
                data = self._decoder.unused_data
        except zlib.error:
            raise httpx2.DecodingError("the server's answer is compressed wrongly") from None


def _as_it_is(data: bytes) -> Iterator[bytes]:
    yield data


def _parse(text: str, template: Template) -> httpx2.URL:
    try:
        url = httpx2.URL(text)
    except (httpx2.InvalidURL, ValueError, TypeError):
        raise BadAddressError(f"{shown_url(template)} is not a URL") from None
    if not _HOST.fullmatch(url.raw_host):
        raise BadAddressError(f"{shown_url(template)} is not a URL with a host")
    if url.scheme not in ("http", "https"):
        raise BadAddressError(f"{shown_url(template)} is not an http or https URL")
    return url


def shown_url(template: Template) -> str:
    """The URL as it may be shown: references unexpanded, without user information and query."""
    text = template.text.strip().partition("#")[0].partition("?")[0]
    scheme, found, rest = text.partition("://")
    if not found:
        return text
    authority, slash, path = rest.partition("/")
    return f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"


def _values(templates: tuple[Template, ...], environment: Mapping[str, str]) -> list[tuple[str, str]]:
    names = dict.fromkeys(name for template in templates for name in template.names)
    values = [(environment[name], f"${{{name}}}") for name in names if len(environment[name]) > 3]
    return sorted(values, key=lambda pair: len(pair[0]), reverse=True)


def _proxy(url: httpx2.URL) -> str | None:
    if urllib.request.proxy_bypass(url.host):
        return None
    return urllib.request.getproxies().get(url.scheme)


def _is_token(name: str) -> bool:
    return bool(name) and all(character.isalnum() or character in "!#$%&'*+-.^_`|~" for character in name)
