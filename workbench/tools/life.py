"""One start of an MCP server, from the handshake to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import mcp_types as types
from mcp import Client, MCPError
from mcp.server import Server
from pydantic import TypeAdapter

from workbench import __version__
from workbench.jsontypes import JsonObject
from workbench.tools.failures import ServerFailureError, explain, refused_handshake
from workbench.tools.server_log import ServerLog
from workbench.tools.watched import WatchedTransport

if TYPE_CHECKING:
    from mcp.client._transport import Transport

MAX_TOOLS = 256
"""Tools that one request may hold (`types/beta/agent_create_params.py` of anthropic 2.12)."""
MAX_PAGES = 100
"""Pages of a listing that are asked for."""
STOPPING = 5.0
"""Seconds that a server may take to stop before it is given up."""

_Answer = types.CallToolResult | types.InputRequiredResult
_ANSWER: TypeAdapter[_Answer] = TypeAdapter(_Answer)
_LOUD = frozenset({"warning", "error", "critical", "alert", "emergency"})


@dataclass(frozen=True, slots=True)
class Endpoint:
    """How one declared server is reached.

    `connect` gives a new transport for each start, or a server of our own in this process. `timeout` bounds a call and
    `opening_timeout` start, handshake and listing, in seconds. Calls of a `serial` server are made one after another.
    `advice` tells a person what to look at when the server does not start.
    """

    name: str
    kind: Literal["builtin", "stdio", "url", "http"]
    connect: Callable[[ServerLog], Transport | Server[object]]
    advice: str
    timeout: float
    opening_timeout: float
    conceal: Callable[[str], str] = str
    serial: bool = False

    @property
    def in_sandbox(self) -> bool:
        """Whether the server runs in the sandbox."""
        return self.kind in ("builtin", "stdio")


class Life:
    """One start of a server.

    One task owns it, because the SDK's contexts must be left by the task that entered them. `over` is True as soon as
    the server is known to be gone, `gone` is set when all that belonged to it is given back.
    """

    def __init__(self, endpoint: Endpoint, log: ServerLog) -> None:
        self.over = False
        self.gone = asyncio.Event()
        self._endpoint = endpoint
        self._log = log
        self._opened = asyncio.Event()
        self._leave = asyncio.Event()
        self._stopping = False
        self._task: asyncio.Task[None] | None = None
        self._client: Client | None = None
        self._tools: Sequence[types.Tool] | None = None
        self._why = ""
        self._strays = 0
        self._first_stray = ""
        self._told_of_changes = False

    async def start(self) -> Sequence[types.Tool]:
        """Start the server, shake hands, and give its tools.

        Raises:
            ServerFailureError: it did not start, or not within the endpoint's `opening_timeout`.
        """
        self._task = asyncio.create_task(self._own(), name=f"MCP server {self._endpoint.name}")
        try:
            async with asyncio.timeout(self._endpoint.opening_timeout):
                await self._opened.wait()
        except TimeoutError:
            await self.stop()
            seconds = f"{self._endpoint.opening_timeout:g}"
            raise ServerFailureError(f"no answer within {seconds} s{self.stray_remark()}{self._log.tail()}") from None
        except asyncio.CancelledError:
            await self.stop()
            raise
        if self._tools is None:
            await self.stop()
            raise ServerFailureError(f"{self._why or 'it ended'}{self.stray_remark()}{self._log.tail()}")
        return self._tools

    async def request(self, tool: str, arguments: JsonObject) -> types.CallToolResult:
        """Call a tool. Its output schema is not enforced: the model is better served by what came than by nothing.

        Raises:
            ServerFailureError: the server wants more input than a run can give.
            Exception: whatever the SDK or the transport raises.
        """
        if self._client is None:
            raise ServerFailureError("the server is not open")
        request = types.CallToolRequest(params=types.CallToolRequestParams(name=tool, arguments=dict(arguments)))
        answer = await self._client.session.send_request(request, _ANSWER)
        if isinstance(answer, types.InputRequiredResult):
            raise ServerFailureError("the server asks the user for more input, which a run cannot give")
        return answer

    async def stop(self) -> None:
        """Stop the server and give back all that belongs to it; gives up after a few seconds."""
        self._stopping = True
        self._leave.set()
        task = self._task
        if task is None or task.done():
            return
        if not self._opened.is_set():
            task.cancel()
        await asyncio.wait({task}, timeout=STOPPING)
        if not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=STOPPING)
        if not task.done():
            self._log.notice(f"the MCP server {self._endpoint.name} does not stop; it is left behind")

    def reason(self) -> str:
        """Why it ended, as far as is known, and its last lines."""
        return f"{self._cause()}{self.stray_remark()}{self._log.tail()}"

    def stray_remark(self) -> str:
        """What to say of output that was no message of the protocol, empty if there was none."""
        if not self._strays:
            return ""
        lines = "a line that is" if self._strays == 1 else f"{self._strays} lines that are"
        return f"; it sent {lines} no message of the protocol: {self._first_stray}"

    def _cause(self) -> str:
        return self._why or self._log.last or "it gave no reason"

    async def _own(self) -> None:
        try:
            if self._endpoint.kind == "http":
                await self._live("auto")
            else:
                await self._live_in_either_protocol()
        except Exception as error:  # all that the SDK, a transport or a server can raise ends this life and no more
            self._why = self._log.fit(explain(error))
        finally:
            self.over = True
            was_open = self._tools is not None
            self._opened.set()
            self.gone.set()
            if was_open and not self._stopping:
                self._log.notice(f"the MCP server {self._endpoint.name} ended: {self._cause()}")

    async def _live_in_either_protocol(self) -> None:
        """Shake hands as of 2025-11-25, which nearly all servers know, else as of the later protocol.

        That order is quick: asking for the later protocol first costs ten seconds at a server that ignores the
        question, and each call in it carries the client's description.
        """
        try:
            await self._live("legacy")
        except Exception as error:
            if self._tools is not None or self._stopping or not refused_handshake(error):
                raise
            self._leave.clear()
            self.over = False
            await self._live("auto")

    async def _live(self, mode: Literal["legacy", "auto"]) -> None:
        target = self._endpoint.connect(self._log)
        client = Client(
            target if isinstance(target, Server) else WatchedTransport(target, self._end, self._stray),
            mode=mode,
            cache=None,
            client_info=types.Implementation(name="agent-workbench", version=__version__),
            logging_callback=self._on_log,
            message_handler=self._on_message,
        )
        async with client:
            self._tools = await _list_tools(client)
            self._client = client
            self._opened.set()
            try:
                await self._leave.wait()
            finally:
                self.over = True

    def _end(self, why: str) -> None:
        self._why = self._why or why
        self.over = True
        self._leave.set()

    def _stray(self, text: str) -> None:
        self._strays += 1
        self._first_stray = self._first_stray or self._log.fit(text)
        self._log.line(text, "stdout")

    async def _on_log(self, params: types.LoggingMessageNotificationParams) -> None:
        if params.level in _LOUD:
            self._log.line(str(params.data), params.level)

    async def _on_message(self, message: types.ServerNotification | Exception) -> None:
        if isinstance(message, types.ToolListChangedNotification) and not self._told_of_changes:
            self._told_of_changes = True
            name = self._endpoint.name
            self._log.notice(
                f"the MCP server {name} changed its tools; a run keeps those that it began with", warning=False
            )


async def _list_tools(client: Client) -> Sequence[types.Tool]:
    tools: list[types.Tool] = []
    cursor: str | None = None
    for _ in range(MAX_PAGES):
        try:
            page = await client.list_tools(cursor=cursor)
        except MCPError as error:
            if error.code == types.METHOD_NOT_FOUND and not tools:
                return []
            raise
        tools.extend(page.tools)
        cursor = page.next_cursor
        if cursor is None:
            return tools
        if len(tools) > MAX_TOOLS:
            break
    raise ServerFailureError(f"it lists more than {MAX_TOOLS} tools or more than {MAX_PAGES} pages of them")
