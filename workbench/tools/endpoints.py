"""The servers that an agent declares, each as an endpoint that a connection can open."""

from __future__ import annotations

import shlex
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from ssl import SSLContext
from typing import TYPE_CHECKING, Literal

import httpx2
from mcp.client.streamable_http import streamable_http_client
from mcp.server import Server as McpServer

from workbench.definition.agent import (
    BashServer,
    FilesystemServer,
    HttpServer,
    McpHttpServer,
    McpStdioServer,
)
from workbench.tools.host_http import BadAddressError, Resolved, open_client, shown_url
from workbench.tools.http_server import RestApi, rest_server
from workbench.tools.life import Endpoint
from workbench.tools.server_log import ServerLog
from workbench.tools.toolbox import SandboxTools, ToolboxError

if TYPE_CHECKING:
    from mcp.client._transport import Transport, TransportStreams

OPENING_TIMEOUT = 30.0
"""Seconds that a server of our own may take to start and list its tools."""
MAX_MESSAGE = 8 * 1024 * 1024
"""Bytes of one message of a server that is reached by URL; parsed, a hostile one takes fifty times as much."""
FILE_TIMEOUT = 120.0
"""Seconds that a built-in file tool may take."""
BASH_TIMEOUT = 120.0
"""Seconds that a command may run unless the call says otherwise, as of `agent_toolset_20260401`."""
BASH_GRACE = 30.0
"""Seconds beyond a command's own timeout before the call is given up: the guest ends a command itself."""


class Endpoints:
    """Makes endpoints. `transports` replace the network for the HTTP servers that they name."""

    def __init__(
        self,
        sandbox: SandboxTools | None,
        environment: Mapping[str, str],
        tls: SSLContext | None,
        transports: Mapping[str, httpx2.AsyncBaseTransport],
    ) -> None:
        self._sandbox = sandbox
        self._environment = environment
        self._tls = tls
        self._transports = transports

    def make(self, server: FilesystemServer | BashServer | HttpServer | McpHttpServer | McpStdioServer) -> Endpoint:
        """The endpoint of a declared server.

        Raises:
            ToolboxError: it needs a sandbox and there is none, or its URL or headers cannot be used.
        """
        if isinstance(server, FilesystemServer):
            return self._builtin(server.name, "filesystem", FILE_TIMEOUT)
        if isinstance(server, BashServer):
            return self._builtin(server.name, "bash", BASH_TIMEOUT + BASH_GRACE)
        if isinstance(server, McpStdioServer):
            return self._stdio(server)
        try:
            resolved = Resolved(server.url, server.headers, self._environment)
        except BadAddressError as error:
            raise ToolboxError(f"The server {server.name} cannot be used: {error}.", server=server.name) from None
        return self._rest(server, resolved) if isinstance(server, HttpServer) else self._url(server, resolved)

    def _builtin(self, name: str, kind: Literal["bash", "filesystem"], timeout: float) -> Endpoint:
        sandbox = self._needed(name)
        return Endpoint(
            name,
            "builtin",
            lambda log: sandbox.builtin(kind),
            "It is part of the sandbox: `workbench doctor` says whether that is sound.",
            timeout,
            OPENING_TIMEOUT,
            serial=kind == "bash",  # one shell; a command's time begins when it is its turn
        )

    def _stdio(self, server: McpStdioServer) -> Endpoint:
        sandbox = self._needed(server.name)
        return Endpoint(
            server.name,
            "stdio",
            lambda log: sandbox.spawn(server.command, server.env, log.stderr),
            f"Check its command in agent.yaml, `{shlex.join(server.command)}`, which runs in the sandbox: what it "
            "needs must be in the image (container.packages) and hosts that it calls in network.allow.",
            server.timeout,
            server.timeout,
        )

    def _url(self, server: McpHttpServer, resolved: Resolved) -> Endpoint:
        def connect(log: ServerLog) -> Transport:
            client = open_client(
                resolved,
                self._tls,
                timeout=server.timeout,
                read_timeout=None,  # calls are bounded one by one; a timeout here would end the connection for all
                transport=self._transports.get(server.name),
                max_body=MAX_MESSAGE,
                on_failure=log.remember,
            )
            return _streamable(str(resolved.url), client)

        return Endpoint(
            server.name,
            "url",
            connect,
            f"Check its url in agent.yaml, {shown_url(server.url)}, its headers, and that it is reachable from here.",
            server.timeout,
            server.timeout,
            resolved.conceal,
        )

    def _rest(self, server: HttpServer, resolved: Resolved) -> Endpoint:
        def connect(log: ServerLog) -> McpServer[object]:
            client = open_client(
                resolved,
                self._tls,
                timeout=server.timeout,
                read_timeout=server.timeout,
                transport=self._transports.get(server.name),
            )
            return rest_server(server, RestApi(server, resolved, client))

        return Endpoint(
            server.name,
            "http",
            connect,
            "It is part of the workbench.",
            server.timeout + BASH_GRACE,  # it keeps its own time and says more than a timeout here could
            OPENING_TIMEOUT,
            resolved.conceal,
        )

    def _needed(self, name: str) -> SandboxTools:
        if self._sandbox is None:
            raise ToolboxError(f"The server {name} runs in the sandbox, and this run has none.", server=name)
        return self._sandbox


@asynccontextmanager
async def _streamable(url: str, client: httpx2.AsyncClient) -> AsyncIterator[TransportStreams]:
    async with client, streamable_http_client(url, http_client=client, max_sse_event_size=MAX_MESSAGE) as streams:
        yield streams
