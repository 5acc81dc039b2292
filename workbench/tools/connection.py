"""One declared MCP server: started, asked for its tools, called, started again after a crash, stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from mcp_types import CallToolResult
from mcp_types import Tool as ListedTool

from workbench.jsontypes import JsonObject
from workbench.tools.failures import ServerFailureError, explain
from workbench.tools.life import Endpoint, Life
from workbench.tools.server_log import ServerLog

MAX_RESTARTS = 3
"""How often one server is started again in a run."""
LETTING_GO = 0.5
"""Seconds that a cancelled call may take to tell its server; then it goes on in the background."""


class Connection:
    """The connection to one server."""

    def __init__(self, endpoint: Endpoint, log: ServerLog) -> None:
        self.endpoint = endpoint
        self.log = log
        self._life = Life(endpoint, log)
        self._starting = asyncio.Lock()
        self._turn = asyncio.Lock()
        self._restarts = 0
        self._closed = False
        self._left_behind: set[asyncio.Task[CallToolResult]] = set()

    async def open(self) -> Sequence[ListedTool]:
        """Start the server and give its tools.

        Raises:
            ServerFailureError: it could not be started or did not answer as it must.
        """
        return await self._life.start()

    async def call(self, tool: str, arguments: JsonObject, seconds: float | None = None) -> CallToolResult:
        """Call a tool by the name that the server knows, for at most `seconds`, the server's timeout if None.

        A server that crashed is started again first. Cancelling the call cancels it at the server.

        Raises:
            ServerFailureError: there is no result; `str` says why.
        """
        if not self.endpoint.serial:
            return await self._call(tool, arguments, seconds or self.endpoint.timeout)
        async with self._turn:
            return await self._call(tool, arguments, seconds or self.endpoint.timeout)

    async def close(self) -> None:
        """Stop the server; returns within a few seconds whatever it does."""
        self._closed = True
        await self._life.stop()
        self.log.close()

    async def _call(self, tool: str, arguments: JsonObject, seconds: float) -> CallToolResult:
        life = await self._living()
        request = asyncio.create_task(life.request(tool, arguments))
        try:
            await asyncio.wait({request}, timeout=seconds)
        except asyncio.CancelledError:
            await self._abandon(request)
            raise
        if not request.done():
            await self._abandon(request)
            raise ServerFailureError(
                f"{tool} of {self.endpoint.name} gave no result within {seconds:g} s; the call was cancelled"
                + life.stray_remark()
            )
        try:
            return request.result()
        except Exception as error:  # whatever the SDK or a transport raises is the server's failure
            raise ServerFailureError(await self._describe(life, tool, error)) from error

    async def _abandon(self, request: asyncio.Task[CallToolResult]) -> None:
        """Cancel a request, which tells the server, and let it go if telling takes long."""
        request.cancel()
        self._left_behind.add(request)
        request.add_done_callback(self._left_behind.discard)
        request.add_done_callback(lambda task: None if task.cancelled() else task.exception())
        await asyncio.wait({request}, timeout=LETTING_GO)

    async def _living(self) -> Life:
        async with self._starting:
            if self._closed:
                raise ServerFailureError(f"the MCP server {self.endpoint.name} was stopped with its run")
            if not self._life.over:
                return self._life
            name, ended = self.endpoint.name, self._life.reason()
            if self._restarts >= MAX_RESTARTS:
                raise ServerFailureError(
                    f"the MCP server {name} ended and was started again {MAX_RESTARTS} times in this run; "
                    f"it is not started any more. It ended: {ended}"
                )
            self._restarts += 1
            await self._life.stop()
            self.log.notice(f"the MCP server {name} is started again ({self._restarts} of {MAX_RESTARTS})")
            self._life = Life(self.endpoint, self.log)
            try:
                await self._life.start()
            except ServerFailureError as error:
                raise ServerFailureError(f"the MCP server {name} could not be started again: {error}") from error
            return self._life

    async def _describe(self, life: Life, tool: str, error: Exception) -> str:
        name = self.endpoint.name
        if not life.over:
            return f"{tool} of {name} failed: {self.log.fit(explain(error))}"
        with suppress(TimeoutError):
            await asyncio.wait_for(life.gone.wait(), timeout=2.0)
        return f"the MCP server {name} ended during the call of {tool}: {life.reason()}"
