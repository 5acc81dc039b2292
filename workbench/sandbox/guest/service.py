"""The guest: puts the parts together, answers the workbench, and ends with it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .bash import BashTool
from .facts import facts
from .frames import FrameError
from .launch import Settings
from .mcp_server import McpServer
from .multiplexer import Multiplexer
from .paths import Roots
from .pipe import open_pipe
from .processes import Children, Tools, ToolUser
from .programs import run_program
from .proxy import Proxy, proxy_settings
from .results import encode_result
from .shell import Shell, find_dialect
from .toolset import SERVERS
from .worker import FileTools, Workers

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from .channels import Channel

VERSION = 1
"""The version of the protocol of the pipe."""
_MOST_CHANNELS = 256
_UNSET = ("PYTHONUNBUFFERED",)
"""Variables that tools do not inherit: unbuffered writes to gVisor's pipes can be cut short."""


class Guest:
    """All that runs in the sandbox on behalf of the workbench."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._user = ToolUser(settings.uid, settings.gid)
        self._multiplexer = Multiplexer(2, self._accept, self._control, _MOST_CHANNELS)
        self._children = Children()
        self._env = self._tool_environment()
        source = settings.source if Path(settings.source).is_dir() else None
        files = FileTools(Roots(settings.workspace, source), self._user, self._env)
        self._workers = Workers(files, self._children, self._user)
        self._tools = Tools(self._user, self._workers.pids)
        self._bash = BashTool(self._start_shell, settings.workspace)
        self._tasks: set[asyncio.Future[None]] = set()

    async def run(self) -> None:
        """Serve until the workbench is gone."""
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._end)
        outgoing = await open_pipe(self._feed, self._end)
        if self._settings.proxy_port is not None:
            await Proxy(self._multiplexer).listen(self._settings.proxy_port)
        shell = find_dialect(self._env.get("PATH", os.defpath)).command[0]
        self._multiplexer.tell({"op": "ready", "version": VERSION, "shell": shell, **facts()})
        self._spawn(self._workers.warm())
        self._spawn(self._bash.warm())
        await self._multiplexer.send(outgoing.write)

    def _feed(self, data: bytes) -> None:
        try:
            self._multiplexer.feed(data)
        except FrameError as error:
            print(f"guest: the workbench broke the protocol: {error}", file=sys.stderr)  # noqa: T201
            self._end(code=2)

    def _end(self, code: int = 0) -> None:
        """Take everything down and exit."""
        try:
            self._tools.kill()
            self._tools.kill()  # what was being started meanwhile
        finally:
            os._exit(code)

    def _accept(self, channel: Channel, request: dict[str, Any]) -> None:
        kind = request.get("kind")
        if kind == "bash":
            self._spawn(McpServer(channel, kind, SERVERS[kind], self._call_bash).serve())
        elif kind == "filesystem":
            self._spawn(McpServer(channel, kind, SERVERS[kind], self._workers.call).serve())
        elif kind == "process":
            self._spawn(self._run_program(channel, request))
        else:
            channel.reset(f"unknown kind of channel: {kind}")

    async def _call_bash(self, _name: str, arguments: dict[str, Any]) -> bytes:
        return encode_result(await self._bash.call(arguments))

    async def _run_program(self, channel: Channel, request: dict[str, Any]) -> None:
        try:
            await run_program(channel, request, self._children, self._user, self._settings.workspace, self._env)
        except ConnectionError as error:
            channel.reset(str(error))
        except (ValueError, OSError) as error:
            channel.reset(f"cannot start {request.get('command')}: {error}")

    def _control(self, message: dict[str, Any]) -> None:
        self._spawn(self._answer(message))

    async def _answer(self, message: dict[str, Any]) -> None:
        answer: dict[str, Any] = {"id": message.get("id")}
        try:
            answer.update(await self._operate(message.get("op")))
        except Exception as error:  # the workbench hears of it instead of waiting
            answer["error"] = repr(error)
        self._multiplexer.tell(answer)

    async def _operate(self, operation: Any) -> dict[str, Any]:
        if operation == "gauges":
            memory, cpu = self._tools.usage()
            return {"cwd": self._bash.cwd, "memory_bytes": memory, "cpu_seconds": round(cpu, 3)}
        if operation == "stop_tools":
            self._bash.stop()
            return {"left": await self._tools.stop()}
        if operation == "shutdown":
            self._end()
        if operation != "ping":
            return {"error": f"unknown operation: {operation}"}
        return {}

    async def _start_shell(self) -> Shell:
        return await Shell.start(self._children, self._user, self._settings.workspace, self._env)

    def _tool_environment(self) -> dict[str, str]:
        """What the container was given, with a home that the tool user can write to and the way out."""
        inherited = {name: value for name, value in os.environ.items() if name not in _UNSET}
        home = self._settings.home
        if not self._user.make_folder(home):
            home = self._settings.workspace
        return {**inherited, "HOME": home, **proxy_settings(self._settings.proxy_port)}

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def main(arguments: Sequence[str]) -> None:
    """Be the guest."""
    settings = Settings.from_arguments(arguments)

    async def serve() -> None:
        await Guest(settings).run()

    asyncio.run(serve())
