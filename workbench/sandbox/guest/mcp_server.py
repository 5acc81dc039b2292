"""The MCP server on a channel: JSON-RPC messages, one on a line.

It speaks the stateless protocol of 2026-07-28, whose clients ask `server/discover` first and need no handshake, and
the versions before it, whose clients begin with `initialize`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any

from .results import encode_json, encode_result, error_result

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .channels import Channel

STATELESS_VERSION = "2026-07-28"
HANDSHAKE_VERSIONS = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")
LONGEST_MESSAGE = 64 * 1024 * 1024
"""Bytes of one message; a longer one ends the channel."""

_VERSION_KEY = "io.modelcontextprotocol/protocolVersion"
_SERVER_KEY = "io.modelcontextprotocol/serverInfo"
_DAY = 24 * 60 * 60 * 1000
_PARSE_ERROR = -32700
_INVALID_REQUEST = -32600
_METHOD_NOT_FOUND = -32601
_INVALID_PARAMS = -32602
_UNSUPPORTED_VERSION = -32022


class _Refusal(Exception):
    """A request is answered with a JSON-RPC error."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.error: dict[str, Any] = {"code": code, "message": message}
        if data is not None:
            self.error["data"] = data


class McpServer:
    """Serves tools to the one client at the other end of a channel.

    Args:
        name: what the server is called.
        tools: its tools as `tools/list` gives them.
        call: answers a call of one of them with an encoded result; cancelled when the client cancels the call.
    """

    def __init__(
        self,
        channel: Channel,
        name: str,
        tools: list[dict[str, Any]],
        call: Callable[[str, dict[str, Any]], Awaitable[bytes]],
    ) -> None:
        self._channel = channel
        self._info = {"name": f"workbench-{name}", "version": "1"}
        self._tools = tools
        self._call = call
        self._running: dict[Any, asyncio.Task[None]] = {}

    async def serve(self) -> None:
        """Answer until the client is gone; what is still running then is cancelled."""
        try:
            with contextlib.suppress(ConnectionError):  # the client is gone
                await self._read_messages()
                await self._channel.write_eof()
        finally:
            for task in self._running.values():
                task.cancel()
            if self._running:
                await asyncio.wait(list(self._running.values()))

    async def _read_messages(self) -> None:
        buffer = bytearray()
        searched = 0
        while True:
            data = await self._channel.read()
            if not data:
                return
            buffer += data
            while True:
                newline = buffer.find(b"\n", searched)
                if newline < 0:
                    break
                line = bytes(buffer[:newline])
                del buffer[: newline + 1]
                searched = 0
                await self._take(line)
            searched = len(buffer)
            if searched > LONGEST_MESSAGE:
                self._channel.reset(f"a message is longer than {LONGEST_MESSAGE} bytes")
                return

    async def _take(self, line: bytes) -> None:
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            await self._refuse(None, _Refusal(_PARSE_ERROR, "Parse error"))
            return
        if not isinstance(message, dict) or not isinstance(message.get("method", ""), str):
            await self._refuse(None, _Refusal(_INVALID_REQUEST, "Invalid Request"))
        elif message.get("method") == "notifications/cancelled":
            self._cancel(message.get("params"))
        elif "method" in message and isinstance(message.get("id"), (int, str)):
            self._start(message["id"], message["method"], message.get("params"))

    def _cancel(self, params: Any) -> None:
        request_id = params.get("requestId") if isinstance(params, dict) else None
        if isinstance(request_id, (int, str)) and request_id in self._running:
            self._running[request_id].cancel()

    def _start(self, request_id: Any, method: str, params: Any) -> None:
        task = asyncio.ensure_future(self._answer(request_id, method, params if isinstance(params, dict) else {}))
        self._running[request_id] = task
        task.add_done_callback(lambda done: self._done(request_id, done))

    def _done(self, request_id: Any, task: asyncio.Task[None]) -> None:
        if self._running.get(request_id) is task:
            del self._running[request_id]

    async def _answer(self, request_id: Any, method: str, params: dict[str, Any]) -> None:
        try:
            result = await self._result(method, params)
        except _Refusal as refusal:
            await self._refuse(request_id, refusal)
            return
        await self._write(b'{"jsonrpc":"2.0","id":%b,"result":%b}\n' % (encode_json(request_id), result))

    async def _refuse(self, request_id: Any, refusal: _Refusal) -> None:
        await self._write(encode_json({"jsonrpc": "2.0", "id": request_id, "error": refusal.error}) + b"\n")

    async def _write(self, message: bytes) -> None:
        with contextlib.suppress(ConnectionError):  # nobody is left to answer
            await self._channel.write(message)

    async def _result(self, method: str, params: dict[str, Any]) -> bytes:
        self._check_version(params)
        if method == "tools/call":
            return await self._call_tool(params)
        if method == "tools/list":
            return encode_json({"tools": self._tools, **self._cacheable()})
        if method == "server/discover":
            return encode_json(
                {
                    "supportedVersions": [STATELESS_VERSION],
                    "capabilities": {"tools": {}},
                    "_meta": {_SERVER_KEY: self._info},
                    **self._cacheable(),
                }
            )
        if method == "initialize":
            return encode_json(self._handshake(params))
        if method == "ping":
            return b"{}"
        raise _Refusal(_METHOD_NOT_FOUND, f"Method not found: {method}")

    def _check_version(self, params: dict[str, Any]) -> None:
        meta = params.get("_meta")
        version = meta.get(_VERSION_KEY) if isinstance(meta, dict) else None
        supported = [STATELESS_VERSION, *HANDSHAKE_VERSIONS]
        if version is not None and version not in supported:
            data = {"supported": supported, "requested": version}
            raise _Refusal(_UNSUPPORTED_VERSION, "Unsupported protocol version", data)

    async def _call_tool(self, params: dict[str, Any]) -> bytes:
        name, arguments = params.get("name"), params.get("arguments", {})
        if not any(tool["name"] == name for tool in self._tools):
            raise _Refusal(_INVALID_PARAMS, f"Unknown tool: {name}")
        if not isinstance(arguments, dict):
            raise _Refusal(_INVALID_PARAMS, "The arguments of a tool are an object")
        try:
            return await self._call(str(name), arguments)
        except Exception as error:  # whatever it is, the model reads it and the guest lives on
            return encode_result(error_result(error))

    def _handshake(self, params: dict[str, Any]) -> dict[str, Any]:
        asked = params.get("protocolVersion")
        version = asked if asked in HANDSHAKE_VERSIONS else HANDSHAKE_VERSIONS[0]
        return {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": self._info}

    @staticmethod
    def _cacheable() -> dict[str, Any]:
        return {"resultType": "complete", "ttlMs": _DAY, "cacheScope": "private"}
