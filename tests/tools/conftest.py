"""A sandbox that is this machine: built-in servers in this process, stdio servers as subprocesses."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import anyio
import httpx2
import mcp_types as types
import pytest
import uvicorn
from mcp.client._memory import InMemoryTransport
from mcp.server import Server
from mcp.server.mcpserver import MCPServer
from mcp.shared.message import SessionMessage
from starlette.types import ASGIApp

from workbench.definition.agent import AgentDefinition, ModelSettings
from workbench.definition.agent import Server as DeclaredServer
from workbench.tools.opening import open_toolbox
from workbench.tools.toolbox import Outcome, Toolbox
from workbench.trace.events import Notice

if TYPE_CHECKING:
    from mcp.client._transport import Transport, TransportStreams

OpenAgent = Callable[..., AbstractAsyncContextManager[Toolbox]]


class HostSandbox:
    """What the toolbox needs of a sandbox, without one."""

    def __init__(self, **builtins: MCPServer | Server[object]) -> None:
        self.builtins = builtins
        self.processes: list[asyncio.subprocess.Process] = []
        self.sent: list[types.JSONRPCMessage] = []

    def builtin(self, server: Literal["bash", "filesystem"]) -> Transport:
        return InMemoryTransport(self.builtins[server])

    def spawn(self, command: Sequence[str], env: Mapping[str, str], on_stderr: Callable[[str], None]) -> Transport:
        return self._process(command, env, on_stderr)

    @asynccontextmanager
    async def _process(
        self, command: Sequence[str], env: Mapping[str, str], on_stderr: Callable[[str], None]
    ) -> AsyncIterator[TransportStreams]:
        process = await asyncio.create_subprocess_exec(
            *command, env=dict(env) or None, stdin=-1, stdout=-1, stderr=-1, limit=64 << 20
        )
        self.processes.append(process)
        assert process.stdin and process.stdout and process.stderr
        stdin, stdout, stderr = process.stdin, process.stdout, process.stderr
        inbound, reader = anyio.create_memory_object_stream[SessionMessage | Exception](0)
        writer, outbound = anyio.create_memory_object_stream[SessionMessage](0)

        async def read() -> None:
            async with inbound:
                async for line in stdout:
                    try:
                        message = types.jsonrpc_message_adapter.validate_json(line, by_name=False)
                    except ValueError as error:
                        await inbound.send(error)
                    else:
                        await inbound.send(SessionMessage(message))
                await process.wait()
                on_stderr(f"[exited with code {process.returncode}]\n")

        async def write() -> None:
            async with outbound:
                async for item in outbound:
                    self.sent.append(item.message)
                    stdin.write(item.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n")
                    await stdin.drain()

        async def log() -> None:
            async for line in stderr:
                on_stderr(line.decode("utf-8", "replace"))

        async def forgiving(part: Callable[[], Coroutine[object, object, None]]) -> None:
            with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError, ConnectionError):
                await part()

        try:
            async with anyio.create_task_group() as tasks:
                for part in (read, write, log):
                    tasks.start_soon(forgiving, part)
                try:
                    yield reader, writer
                finally:
                    tasks.cancel_scope.cancel()
        finally:
            if process.returncode is None:
                process.kill()
            with anyio.CancelScope(shield=True):
                await process.wait()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers on this machine are reached directly, whatever the environment says."""
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def notices() -> list[Notice]:
    """What the user was told."""
    return []


@pytest.fixture
def host_sandbox() -> type[HostSandbox]:
    return HostSandbox


@pytest.fixture
def open_agent(notices: list[Notice]) -> OpenAgent:
    """Opens the toolbox of an agent with the given servers."""

    def opened(
        *servers: DeclaredServer,
        sandbox: HostSandbox | None = None,
        environment: Mapping[str, str] | None = None,
        transports: Mapping[str, httpx2.AsyncBaseTransport] | None = None,
    ) -> AbstractAsyncContextManager[Toolbox]:
        definition = AgentDefinition(
            folder=Path("/agent"),
            name="agent",
            model=ModelSettings("model"),
            system_prompt="",
            document={},
            digest="",
            servers=servers,
        )
        return open_toolbox(definition, sandbox, environment or {}, notices.append, http_transports=transports or {})

    return opened


@pytest.fixture
def text_of() -> Callable[[Outcome], str]:
    """All text of an outcome."""

    def text(outcome: Outcome) -> str:
        return "\n".join(str(block["text"]) for block in outcome.content if block["type"] == "text")

    return text


@pytest.fixture
def python_server(tmp_path: Path) -> Callable[[str], Sequence[str]]:
    """The command of a stdio server: `body` is Python that answers one request with `answer(id, result)`.

    In `body` there are `method`, `params` and `id` of a request, and `answer`, `fail`, `say` and `tools`.
    """
    frame = """
import json, os, sys, time

def say(message):
    sys.stdout.write(json.dumps(message) + "\\n")
    sys.stdout.flush()

def answer(id, result):
    say({"jsonrpc": "2.0", "id": id, "result": result})

def fail(id, code, message):
    say({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}})

def text(id, text):
    answer(id, {"content": [{"type": "text", "text": text}]})

def tools(*names):
    return {"tools": [{"name": name, "inputSchema": {"type": "object"}} for name in names]}

def initialize(id, params):
    answer(id, {"protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}},
                "serverInfo": {"name": "test", "version": "1"}})

for line in sys.stdin:
    message = json.loads(line)
    method, params, id = message.get("method"), message.get("params", {}), message.get("id")
"""

    def command(body: str) -> Sequence[str]:
        script = tmp_path / f"server_{len(list(tmp_path.iterdir()))}.py"
        script.write_text(frame + "\n".join("    " + line for line in body.strip("\n").splitlines()))
        return [sys.executable, "-u", str(script)]

    return command


class _QuietServer(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # Ctrl-C is for the test runner


@pytest.fixture
async def serve() -> AsyncIterator[Callable[[ASGIApp], asyncio.Future[str]]]:
    """Serves an application over HTTP on this machine; gives its base URL."""
    running: list[tuple[uvicorn.Server, asyncio.Task[None]]] = []

    async def start(app: ASGIApp) -> str:
        server = _QuietServer(uvicorn.Config(app, port=0, log_level="critical", timeout_graceful_shutdown=0))
        running.append((server, asyncio.create_task(server.serve())))
        while not server.started:
            await asyncio.sleep(0.01)
        return f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"

    yield start  # type: ignore[misc]  # an async function is what callers await
    for server, task in running:
        server.should_exit = True
        await task
