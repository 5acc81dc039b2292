"""The guest's MCP server: both ages of the protocol, mistakes of a client, cancellation."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import mcp
import pytest

from tests.sandbox.pipes import opened, pipe, until
from workbench.sandbox.guest import mcp_server
from workbench.sandbox.guest.channels import Channel
from workbench.sandbox.guest.mcp_server import McpServer
from workbench.sandbox.guest.results import ToolError, encode_result, text_result
from workbench.sandbox.guest.toolset import SERVERS
from workbench.sandbox.mcp_transport import ChannelTransport


class Tool:
    """Answers calls of `read` as its arguments say, and notes what becomes of them."""

    def __init__(self) -> None:
        self.log: list[str] = []

    async def call(self, name: str, arguments: dict[str, Any]) -> bytes:
        self.log.append(name)
        if arguments.get("fail"):
            raise ToolError("on purpose")
        try:
            await asyncio.sleep(arguments.get("sleep", 0))
        except asyncio.CancelledError:
            self.log.append("cancelled")
            raise
        return encode_result(text_result(str(arguments.get("say", "")), exit_code=7, cwd="/somewhere"))


@asynccontextmanager
async def served() -> AsyncIterator[tuple[Channel, Tool]]:
    """The client's end of a channel to a server."""
    tool = Tool()
    async with pipe(1 << 16) as (host, guest):
        ours, theirs = await opened(host, guest)
        serving = asyncio.create_task(McpServer(theirs, "test", SERVERS["filesystem"], tool.call).serve())
        yield ours, tool
        ours.reset("done")
        async with asyncio.timeout(5):
            await serving


async def lines(channel: Channel, count: int) -> list[Any]:
    data = b""
    async with asyncio.timeout(5):
        while data.count(b"\n") < count:
            data += await channel.read()
    return [json.loads(line) for line in data.splitlines()]


async def ask(channel: Channel, *messages: object) -> list[Any]:
    """Send messages and read as many answers."""
    for message in messages:
        await channel.write(message if isinstance(message, bytes) else json.dumps(message).encode() + b"\n")
    return await lines(channel, len(messages))


def request(number: Any, method: str, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


@pytest.mark.parametrize(("mode", "version"), [("auto", "2026-07-28"), ("legacy", "2025-11-25")])
async def test_the_client_of_the_sdk(mode: str, version: str) -> None:
    async with served() as (channel, tool), mcp.Client(ChannelTransport(lambda _: channel), mode=mode) as client:
        assert client.protocol_version == version
        assert client.server_info is not None
        assert client.server_info.name == "workbench-test"
        assert [each.name for each in (await client.list_tools()).tools] == ["read", "write", "edit", "glob", "grep"]
        result = await client.call_tool("read", {"say": "ü\n\u2028"})
        assert (result.content[0].text, result.is_error) == ("ü\n\u2028", False)  # type: ignore[union-attr]
        assert result.meta == {"workbench/exit_code": 7, "workbench/truncated": False, "workbench/cwd": "/somewhere"}
        failed = await client.call_tool("read", {"fail": True})
        assert (failed.content[0].text, failed.is_error) == ("on purpose", True)  # type: ignore[union-attr]
        assert tool.log == ["read", "read"]


async def test_the_newest_protocol_needs_one_question() -> None:
    async with served() as (channel, _):
        (answer,) = await ask(channel, request(1, "server/discover"))
        assert answer["result"]["supportedVersions"] == ["2026-07-28"]


@pytest.mark.parametrize("asked", ["2024-11-05", "2025-06-18", "2025-11-25"])
async def test_older_protocols_are_spoken(asked: str) -> None:
    async with served() as (channel, _):
        (answer,) = await ask(channel, request(1, "initialize", protocolVersion=asked))
        assert answer["result"]["protocolVersion"] == asked


async def test_an_unknown_protocol_gets_a_counter_offer() -> None:
    async with served() as (channel, _):
        meta = {"io.modelcontextprotocol/protocolVersion": "2030-01-01"}
        first, second = await ask(
            channel, request(1, "initialize", protocolVersion="1999-01-01"), request(2, "tools/list", _meta=meta)
        )
        assert first["result"]["protocolVersion"] == "2025-11-25"
        assert second["error"]["code"] == -32022
        assert "2026-07-28" in second["error"]["data"]["supported"]


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (b"{\n", -32700),
        (b"[" * 50_000 + b"\n", -32700),
        (b"\xff\n", -32700),
        ([1], -32600),
        ({"jsonrpc": "2.0", "id": 1, "method": 5}, -32600),
        (request(1, "tools/unknown"), -32601),
        (request(1, "tools/call", name="nonesuch"), -32602),
        (request(1, "tools/call", name=["read"]), -32602),
        (request(1, "tools/call", name="read", arguments=[]), -32602),
        ({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": "none"}, -32602),
    ],
)
async def test_mistakes_are_answered_and_survived(message: object, code: int) -> None:
    async with served() as (channel, _):
        refused, pong = await ask(channel, message, request("p", "ping"))
        assert refused["error"]["code"] == code
        assert pong == {"jsonrpc": "2.0", "id": "p", "result": {}}


async def test_what_needs_no_answer_gets_none() -> None:
    async with served() as (channel, _):
        silent = [
            {"jsonrpc": "2.0", "method": "notifications/initialized"},
            {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 99}},
            {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": [1]}},
            {"jsonrpc": "2.0", "method": "notifications/cancelled"},
            {"jsonrpc": "2.0", "id": 5, "result": {}},
        ]
        for message in silent:
            await channel.write(json.dumps(message).encode() + b"\n")
        assert await ask(channel, request(1, "ping")) == [{"jsonrpc": "2.0", "id": 1, "result": {}}]


async def test_calls_run_side_by_side() -> None:
    async with served() as (channel, _):
        slow = request(1, "tools/call", name="read", arguments={"sleep": 0.2, "say": "slow"})
        quick = request(2, "tools/call", name="read", arguments={"say": "quick"})
        assert [answer["id"] for answer in await ask(channel, slow, quick)] == [2, 1]


async def test_a_cancelled_call_is_stopped_and_not_answered() -> None:
    async with served() as (channel, tool):
        await channel.write(json.dumps(request(1, "tools/call", name="read", arguments={"sleep": 60})).encode() + b"\n")
        await until(lambda: tool.log)
        cancel = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}
        await channel.write(json.dumps(cancel).encode() + b"\n")
        assert [answer["id"] for answer in await ask(channel, request(2, "ping"))] == [2]
        assert tool.log == ["read", "cancelled"]


async def test_a_client_that_gives_up_cancels_the_call() -> None:
    async with served() as (channel, tool), mcp.Client(ChannelTransport(lambda _: channel)) as client:
        with pytest.raises(mcp.MCPError):
            await client.call_tool("read", {"sleep": 60}, read_timeout_seconds=0.05)
        await client.call_tool("read", {})
        assert tool.log == ["read", "cancelled", "read"]


async def test_the_end_of_the_channel_cancels_what_runs() -> None:
    async with pipe(1 << 16) as (host, guest):
        tool = Tool()
        ours, theirs = await opened(host, guest)
        serving = asyncio.create_task(McpServer(theirs, "test", SERVERS["filesystem"], tool.call).serve())
        await ours.write(json.dumps(request(1, "tools/call", name="read", arguments={"sleep": 60})).encode() + b"\n")
        await until(lambda: tool.log)
        await ours.write_eof()
        async with asyncio.timeout(5):
            assert await ours.read() == b""
            await serving
        assert tool.log == ["read", "cancelled"]


async def test_a_message_without_an_end_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mcp_server, "LONGEST_MESSAGE", 100_000)
    async with served() as (channel, _):
        with pytest.raises(ConnectionError, match="longer than"):
            async with asyncio.timeout(5):
                while True:
                    await channel.write(b"x" * 10_000)


async def test_a_long_message_in_small_pieces() -> None:
    async with served() as (channel, _):
        text = "ä" * 500_000
        (answer,) = await ask(channel, request(1, "tools/call", name="read", arguments={"say": text}))
        assert answer["result"]["content"] == [{"type": "text", "text": text}]
