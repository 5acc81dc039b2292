"""Prints what the toolbox adds to a tool call: the client's share of a round trip, and opening.

Run it with `python tests/benchmarks/bench_toolbox.py`. The servers are in this process, so that no container, pipe or
network is in the numbers. Nothing here is asserted: they depend on the machine.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

CALLS = 1000
TRUE = {"command": "true"}
GET = {"method": "GET", "path": "/"}


def measure_import() -> float:
    """Seconds that the first opening spends on imports."""
    from workbench.tools.opening import preload

    started = time.perf_counter()
    preload()
    return time.perf_counter() - started


import_seconds = measure_import()

import anyio  # noqa: E402  # after the imports were timed
import httpx2  # noqa: E402
import mcp_types as types  # noqa: E402
from mcp import Client  # noqa: E402
from mcp.shared.message import SessionMessage  # noqa: E402

from workbench.definition.agent import AgentDefinition, BashServer, HttpServer, ModelSettings, Server  # noqa: E402
from workbench.definition.references import Template  # noqa: E402
from workbench.jsontypes import JsonObject  # noqa: E402
from workbench.tools.opening import open_toolbox  # noqa: E402
from workbench.tools.toolbox import Toolbox  # noqa: E402

if TYPE_CHECKING:
    from mcp.client._transport import Transport, TransportStreams


class QuickSandbox:
    """A bash server that answers at once with `size` bytes, read from and written to JSON lines as a guest would."""

    def __init__(self, size: int) -> None:
        self._text = "x" * size

    def builtin(self, _server: Literal["bash", "filesystem"]) -> Transport:
        """The server."""
        return self._serve()

    def spawn(self, _command: Sequence[str], _env: Mapping[str, str], _on_stderr: Callable[[str], None]) -> Transport:
        """The same server."""
        return self._serve()

    @asynccontextmanager
    async def _serve(self) -> AsyncIterator[TransportStreams]:
        inbound, reader = anyio.create_memory_object_stream[SessionMessage | Exception](0)
        writer, outbound = anyio.create_memory_object_stream[SessionMessage](0)

        async def answer() -> None:
            async with inbound, outbound:
                async for item in outbound:
                    request = json.loads(item.message.model_dump_json(by_alias=True, exclude_unset=True))
                    result = self._result(request["method"])
                    if "id" in request:
                        line = json.dumps({"jsonrpc": "2.0", "id": request["id"], **result})
                        message = types.jsonrpc_message_adapter.validate_json(line, by_name=False)
                        await inbound.send(SessionMessage(message))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(answer)
            yield reader, writer
            tasks.cancel_scope.cancel()

    def _result(self, method: str) -> JsonObject:
        later: JsonObject = {"resultType": "complete", "ttlMs": 0, "cacheScope": "private"}
        info: JsonObject = {"capabilities": {"tools": {}}, "serverInfo": {"name": "quick", "version": "1"}}
        tool: JsonObject = {"name": "bash", "inputSchema": {"type": "object"}}
        results: dict[str, JsonObject] = {
            "initialize": {"protocolVersion": "2025-11-25", **info},
            "server/discover": {**later, **info, "supportedVersions": ["2026-07-28"]},
            "tools/list": {**later, "tools": [tool]},
        }
        call: JsonObject = {"content": [{"type": "text", "text": self._text}], "_meta": {"workbench/exit_code": 0}}
        return {"result": results.get(method, {"resultType": "complete", **call})}


@asynccontextmanager
async def opened(server: Server, size: int) -> AsyncIterator[Toolbox]:
    """The toolbox of an agent with one server."""
    definition = AgentDefinition(Path("/"), "bench", ModelSettings("model"), "", {}, "", servers=(server,))
    transports = {"api": httpx2.MockTransport(lambda _request: httpx2.Response(200, json={"ok": True}))}
    async with open_toolbox(definition, QuickSandbox(size), {}, print, http_transports=transports) as toolbox:
        yield toolbox


async def time_calls(label: str, call: Callable[[], Awaitable[object]], calls: int = CALLS) -> None:
    """Print the median and the 95th percentile of `calls` calls."""
    for _ in range(20):
        await call()
    times = []
    for _ in range(calls):
        started = time.perf_counter()
        await call()
        times.append((time.perf_counter() - started) * 1000)
    p95 = statistics.quantiles(times, n=20)[-1]
    print(f"{label:58} median {statistics.median(times):7.3f} ms   p95 {p95:7.3f} ms")


async def main() -> None:
    """Print all numbers."""
    print(f"{'imports of the first opening':58}        {import_seconds * 1000:7.1f} ms")
    for label in ("first opening of a built-in server, imports done", "second opening"):
        started = time.perf_counter()
        async with opened(BashServer(), 10):
            print(f"{label:58}        {(time.perf_counter() - started) * 1000:7.1f} ms")
    async with opened(BashServer(), 10) as toolbox:
        await time_calls("toolbox call, built-in server, 10 bytes", partial(toolbox.call, "bash", TRUE))
    async with opened(BashServer(), 100_000) as toolbox:
        await time_calls("toolbox call, built-in server, 100 kB", partial(toolbox.call, "bash", TRUE), 300)
    for mode in ("legacy", "auto"):
        async with Client(QuickSandbox(10).builtin("bash"), mode=mode, cache=None) as client:
            await client.list_tools()
            await time_calls(f"bare mcp.Client, mode {mode}", partial(client.call_tool, "bash", dict(TRUE)))
    async with opened(HttpServer("api", Template("https://api.invalid")), 0) as toolbox:
        await time_calls("toolbox call, REST tool without a network", partial(toolbox.call, "api", GET))


if __name__ == "__main__":
    asyncio.run(main())
