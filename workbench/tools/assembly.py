"""Puts a toolbox together: all declared servers opened at once, their tools under names that the API takes."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager

import httpx2

from workbench.definition.agent import (
    AgentDefinition,
    FilesystemServer,
    HttpServer,
    McpHttpServer,
    Server,
    WebSearchServer,
)
from workbench.jsontypes import JsonObject
from workbench.tools.calling import OpenToolbox
from workbench.tools.connection import Connection
from workbench.tools.endpoints import Endpoints
from workbench.tools.failures import ServerFailureError
from workbench.tools.file_access import FileAccess
from workbench.tools.listing import Candidate, Entry, candidates, entries, judge
from workbench.tools.server_log import ServerLog
from workbench.tools.toolbox import NoticeSink, SandboxTools, Toolbox, ToolboxError
from workbench.tools.web_search import NAME as WEB_SEARCH
from workbench.tools.web_search import parameter as web_search_parameter


@asynccontextmanager
async def assemble(
    definition: AgentDefinition,
    sandbox: SandboxTools | None,
    environment: Mapping[str, str],
    notices: NoticeSink,
    http_transports: Mapping[str, httpx2.AsyncBaseTransport],
) -> AsyncIterator[Toolbox]:
    """See `workbench.tools.opening.open_toolbox`, which calls this when the libraries that it needs are loaded."""
    servers, access = _merge_filesystems(definition.servers)
    tls = await asyncio.to_thread(httpx2.create_ssl_context) if _calls_out(servers) else None
    endpoints = Endpoints(sandbox, environment, tls, http_transports)
    connections: dict[str, Connection] = {}
    for server in servers:
        if not isinstance(server, WebSearchServer):
            endpoint = endpoints.make(server)
            log = ServerLog(endpoint.name, notices, endpoint.conceal)
            connections[endpoint.name] = Connection(endpoint, log)
    in_sandbox = frozenset(name for name, one in connections.items() if one.endpoint.in_sandbox)
    removed = access.removed() if access is not None else {}
    try:
        offered = await _open_all(list(connections.values()), access)
        slots = _slots(servers, offered, removed, notices)
        yield OpenToolbox(slots, removed, in_sandbox)
    finally:
        await _finish([one.close() for one in connections.values()])


def _calls_out(servers: Sequence[Server]) -> bool:
    return any(isinstance(server, HttpServer | McpHttpServer) for server in servers)


def _merge_filesystems(declared: Sequence[Server]) -> tuple[Sequence[Server], FileAccess | None]:
    """The servers to open: those declared, the filesystem ones as the first of them, which has the rights of all."""
    filesystems = [server for server in declared if isinstance(server, FilesystemServer)]
    servers = [server for server in declared if server not in filesystems[1:]]
    for name, count in Counter(server.name for server in servers).items():
        if count > 1:
            raise ToolboxError(f"Two servers are named {name}; give one another name in agent.yaml.", server=name)
    if not filesystems:
        return servers, None
    try:
        return servers, FileAccess(filesystems)
    except ValueError as error:
        raise ToolboxError(f"The filesystem server cannot be used: {error}.", server=filesystems[0].name) from None


async def _open_all(connections: Sequence[Connection], access: FileAccess | None) -> Mapping[str, Sequence[Candidate]]:
    """Open all at once; the tools of each. The first that fails ends the wait for the others."""
    tasks = {one.endpoint.name: asyncio.create_task(_open(one, access)) for one in connections}
    try:
        if tasks:
            await asyncio.wait(tasks.values(), return_when=asyncio.FIRST_EXCEPTION)
    finally:
        unfinished = [task for task in tasks.values() if not task.done()]
        for task in unfinished:
            task.cancel()
        await asyncio.gather(*unfinished, return_exceptions=True)
    for task in tasks.values():
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error
    return {name: task.result() for name, task in tasks.items()}


async def _open(connection: Connection, access: FileAccess | None) -> Sequence[Candidate]:
    endpoint = connection.endpoint
    try:
        listed = await connection.open()
    except ServerFailureError as error:
        verb = "reached" if endpoint.kind == "url" else "started"
        message = f"The MCP server {endpoint.name} could not be {verb}: {error}\n{endpoint.advice}"
        raise ToolboxError(message, server=endpoint.name) from None
    judgements = await asyncio.to_thread(judge, listed, ours=endpoint.kind in ("builtin", "http"))
    is_filesystem = endpoint.kind == "builtin" and not endpoint.serial
    return candidates(connection, listed, judgements, access if is_filesystem else None)


def _slots(
    servers: Sequence[Server],
    offered: Mapping[str, Sequence[Candidate]],
    removed: Mapping[str, str],
    notices: NoticeSink,
) -> Sequence[Entry | JsonObject]:
    """What a request sends as tools, by declaration and then by name at the server."""

    searches = [server for server in servers if isinstance(server, WebSearchServer)]
    if len(searches) > 1:
        raise ToolboxError("web_search is declared twice.", server=searches[1].name)
    taken = {*removed, *([WEB_SEARCH] if searches else [])}
    everyone = [one for server in servers for one in offered.get(server.name, ())]
    remaining = iter(entries(everyone, taken, notices))
    slots: list[Entry | JsonObject] = []
    for server in servers:
        if isinstance(server, WebSearchServer):
            slots.append(web_search_parameter(server))
        else:
            slots.extend(next(remaining) for _ in offered[server.name])
    return slots


async def _finish(closings: Sequence[Coroutine[object, object, None]]) -> None:
    """Wait until all is closed, also if the wait is cancelled: each closing bounds itself."""
    tasks = {asyncio.ensure_future(closing) for closing in closings}
    cancelled = False
    while any(not task.done() for task in tasks):
        try:
            await asyncio.wait(tasks)
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        raise asyncio.CancelledError
    for task in tasks:
        task.result()
