"""Raw connections to the Docker daemon: the standard streams of a container, and its events.

The docker SDK's own hijack drops what arrives together with the response's head, so the connection is opened and read
here. https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerAttach
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import struct
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlparse

from workbench.sandbox.daemon import DaemonError

if TYPE_CHECKING:
    from docker import DockerClient

_BUFFER: Final = 256 * 1024
_LONGEST_ERROR: Final = 64 * 1024
_STDERR: Final = 2
_STDERR_KEPT: Final = 8 * 1024
_PIECE_HEAD = struct.Struct(">BxxxL")
_UPGRADE = "Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the daemon listens: `socket` is a Unix socket's path, else `host`, `port` and for TLS `context`."""

    version: str
    socket: str | None = None
    host: str = ""
    port: int = 0
    context: ssl.SSLContext | None = None

    @classmethod
    def of(cls, client: DockerClient) -> Endpoint:
        """The endpoint that `client` talks to, from DOCKER_HOST or the Docker command's context.

        Raises:
            DaemonError: it is reached over ssh or a Windows pipe; /workspace could not be shared with it either.
        """
        api = client.api
        adapter: Any = api.get_adapter(str(api.base_url))
        version = str(api.api_version)
        path = getattr(adapter, "socket_path", None)
        if path:
            return cls(version, socket=str(path))
        url = urlparse(str(api.base_url))
        if url.scheme not in ("http", "https") or not url.hostname:
            raise DaemonError(
                f"The Docker daemon at {api.base_url} runs on another machine: a sandbox's /workspace is a folder of "
                "this one. Unset DOCKER_HOST or choose a local context with `docker context use default`.",
                mend="docker context use default",
            )
        context = _tls(api) if url.scheme == "https" else None
        return cls(version, host=url.hostname, port=url.port or (2376 if context else 2375), context=context)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a connection.

        Raises:
            OSError: the daemon does not answer there.
        """
        if self.socket is not None:
            return await asyncio.open_unix_connection(self.socket, limit=_BUFFER)
        return await asyncio.open_connection(self.host, self.port, ssl=self.context, limit=_BUFFER)


def _tls(api: Any) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=api.verify if isinstance(api.verify, str) else None)
    if not api.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if api.cert:
        context.load_cert_chain(*api.cert)
    return context


class AttachedStream:
    """Standard input and output of a container's main process as one `ByteStream`; see `standard_error`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._kind = 0
        self._left = 0
        self._errors: deque[bytes] = deque()
        self._errors_size = 0

    @property
    def standard_error(self) -> str:
        """The end of what the process wrote to its standard error, as far as it was read so far."""
        return b"".join(self._errors)[-_STDERR_KEPT:].decode(errors="replace").strip()

    async def read(self, limit: int = 65536) -> bytes:
        """At most `limit` bytes of standard output as soon as there are any; empty when the process has ended.

        Raises:
            ConnectionError: the daemon cut the stream off.
        """
        while True:
            if not self._left and not await self._next_piece():
                return b""
            data = await self._reader.read(min(limit, self._left))
            if not data and self._left:
                raise ConnectionResetError("Docker cut the container's output off")
            self._left -= len(data)
            if self._kind == _STDERR:
                self._keep_error(data)
            elif data:
                return data

    async def _next_piece(self) -> bool:
        try:
            head = await self._reader.readexactly(_PIECE_HEAD.size)
        except asyncio.IncompleteReadError as error:
            if error.partial:
                raise ConnectionResetError("Docker cut the container's output off") from error
            return False
        self._kind, self._left = _PIECE_HEAD.unpack(head)
        return True

    def _keep_error(self, data: bytes) -> None:
        self._errors.append(data)
        self._errors_size += len(data)
        while self._errors_size - len(self._errors[0]) >= _STDERR_KEPT:
            self._errors_size -= len(self._errors.popleft())

    async def write(self, data: bytes) -> None:
        """Send all of `data` to standard input; waits while the process is slow.

        Raises:
            ConnectionError: the container or the daemon is gone.
        """
        if self._writer.is_closing():
            raise ConnectionResetError("the container's input is closed")
        self._writer.write(data)
        await self._writer.drain()

    async def write_eof(self) -> None:
        """End standard input. Over TLS, which has no half-close, only `close` does that."""
        if self._writer.can_write_eof():
            self._writer.write_eof()

    async def close(self) -> None:
        """Close the connection; the process finds its standard input ended."""
        await _close(self._writer)


async def attach(endpoint: Endpoint, container: str) -> AttachedStream:
    """The standard streams of a container that may not have started yet.

    Raises:
        DaemonError: the daemon refused or broke the connection off.
    """
    path = f"/v{endpoint.version}/containers/{container}/attach?stream=1&stdin=1&stdout=1&stderr=1"
    reader, writer = await _request(endpoint, f"POST {path} HTTP/1.1\r\nHost: docker\r\n{_UPGRADE}\r\n")
    return AttachedStream(reader, writer)


@dataclass(frozen=True, slots=True)
class Died:
    """A container's main process ended. `exit_code` is 128 plus the signal if one ended it."""

    exit_code: int


@dataclass(frozen=True, slots=True)
class OutOfMemory:
    """The host's kernel killed a process of the container, because the container reached its memory limit."""


@dataclass(frozen=True, slots=True)
class Removed:
    """The container is gone."""


class ContainerEvents:
    """What the daemon reports of one container; made before the container starts, so that nothing is missed."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def of(cls, endpoint: Endpoint, container: str) -> ContainerEvents:
        """Listen to the container with that id.

        Raises:
            DaemonError: the daemon refused or broke the connection off.
        """
        filters = quote(
            json.dumps({"type": ["container"], "container": [container], "event": ["die", "oom", "destroy"]})
        )
        # HTTP/1.0, because the answer then is plain lines and not chunks
        request = f"GET /v{endpoint.version}/events?filters={filters} HTTP/1.0\r\nHost: docker\r\n\r\n"
        return cls(*await _request(endpoint, request))

    async def __aiter__(self) -> AsyncIterator[Died | OutOfMemory | Removed]:
        """The events as they come; the iteration ends after `Removed`, or when the daemon ends."""
        while True:
            try:
                line = await self._reader.readline()
                event = json.loads(line) if line else None
            except (OSError, ValueError):
                return
            if event is None:
                return
            action = event.get("Action") or event.get("status")
            if action == "oom":
                yield OutOfMemory()
            elif action == "die":
                yield Died(int(event.get("Actor", {}).get("Attributes", {}).get("exitCode", -1)))
            elif action == "destroy":
                yield Removed()
                return

    async def close(self) -> None:
        """Stop listening."""
        await _close(self._writer)


async def _request(endpoint: Endpoint, head: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    try:
        reader, writer = await endpoint.connect()
    except OSError as error:
        raise DaemonError(f"The Docker daemon does not answer: {error}", reason="not running") from error
    try:
        writer.write(head.encode("ascii"))
        await writer.drain()
        answer = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        status = int(answer.split(" ", 2)[1])
        if status not in (101, 200):
            text = (await _read_up_to(reader, _content_length(answer))).decode(errors="replace")
            raise DaemonError(f"The Docker daemon refused (HTTP {status}): {_message(text)}")
    except (OSError, EOFError, ValueError, IndexError, asyncio.LimitOverrunError) as error:
        await _close(writer)
        raise DaemonError(f"The Docker daemon broke a connection off: {error}") from error
    except BaseException:
        await _close(writer)
        raise
    return reader, writer


def _content_length(head: str) -> int:
    for line in head.split("\r\n"):
        name, _, value = line.partition(":")
        if name.strip().lower() == "content-length" and value.strip().isdecimal():
            return min(int(value), _LONGEST_ERROR)
    return 0


async def _read_up_to(reader: asyncio.StreamReader, size: int) -> bytes:
    try:
        return await reader.readexactly(size)
    except asyncio.IncompleteReadError as error:
        return error.partial


def _message(text: str) -> str:
    with contextlib.suppress(ValueError):
        document = json.loads(text)
        if isinstance(document, dict) and "message" in document:
            return str(document["message"])
    return text.strip() or "no reason given"


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError, ssl.SSLError):
        await writer.wait_closed()
