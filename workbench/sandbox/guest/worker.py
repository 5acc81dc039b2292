"""The file tools' own processes, so that a huge or hanging file holds up neither the pipe nor the shell.

A worker is forked from the guest and answers one call after the other. It has the tool user's rights on files and is
out of reach of that user's signals. One that ends in a call is an error result, and the next call gets a new one.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import struct
from typing import TYPE_CHECKING, Any

from . import files, search
from .arguments import checked
from .paths import Roots
from .processes import kill_tree
from .results import ToolError, ToolResult, encode_result, error_result
from .toolset import SERVERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .processes import Child, Children, ToolUser

MOST_WORKERS = 4
"""File tool calls that run at the same time; more wait."""
_LENGTH = struct.Struct(">I")
_TOOLS = {tool["name"]: tool for tool in SERVERS["filesystem"]}


class FileTools:
    """The five file tools, as they run in a worker."""

    def __init__(self, roots: Roots, user: ToolUser, env: dict[str, str]) -> None:
        self._roots = roots
        self._user = user
        self._env = env

    def call(self, name: str, arguments: dict[str, Any]) -> ToolResult:
        """Answer a call."""
        try:
            return self._call(name, checked(_TOOLS[name], arguments))
        except Exception as error:  # whatever it is, the model reads it and the worker lives on
            return error_result(error)

    def _call(self, name: str, given: dict[str, Any]) -> ToolResult:
        if name == "read":
            return files.read(self._roots, given["file_path"], given["view_range"])
        if name == "write":
            return files.write(self._roots, given["file_path"], given["content"])
        if name == "edit":
            strings = (given["old_string"], given["new_string"])
            return files.edit(self._roots, given["file_path"], *strings, given["replace_all"])
        if name == "glob":
            return search.glob(self._roots, given["pattern"], given["path"])
        return search.grep(self._roots, given["pattern"], given["path"], self._user, self._env)


class Worker:
    """A worker process, seen from the guest."""

    def __init__(self, child: Child, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.child = child
        self._reader = reader
        self._writer = writer

    async def ask(self, request: bytes) -> bytes:
        """Send a request, give the answer.

        Raises:
            OSError, asyncio.IncompleteReadError: the worker has ended.
        """
        self._writer.write(_LENGTH.pack(len(request)) + request)
        await self._writer.drain()
        length = _LENGTH.unpack(await self._reader.readexactly(_LENGTH.size))[0]
        return await self._reader.readexactly(length)

    def kill(self) -> None:
        """End the worker and what it started."""
        if not self.child.ended.done():
            kill_tree(self.child.pid)
        self._writer.close()


class Workers:
    """All workers. Starts them as they are needed."""

    def __init__(self, tools: FileTools, children: Children, user: ToolUser) -> None:
        self._tools = tools
        self._children = children
        self._user = user
        self._idle: list[Worker] = []
        self._all: set[Worker] = set()
        self._room = asyncio.Semaphore(MOST_WORKERS)

    def pids(self) -> Iterator[int]:
        """The process ids of the workers."""
        return (worker.child.pid for worker in self._all)

    async def warm(self) -> None:
        """Start a worker before it is needed."""
        async with self._room:
            self._idle.append(await self._start())

    async def call(self, name: str, arguments: dict[str, Any]) -> bytes:
        """Answer a call with an encoded result. Cancelling it kills the worker and what that started."""
        request = json.dumps({"tool": name, "arguments": arguments}).encode()
        async with self._room:
            worker = await self._take()
            try:
                answer = await worker.ask(request)
            except (OSError, asyncio.IncompleteReadError):
                return encode_result(error_result(ToolError(f"{name}: {await self._lost(worker)}")))
            except BaseException:
                self._discard(worker)
                raise
            self._idle.append(worker)
            return answer

    async def _take(self) -> Worker:
        while self._idle:
            worker = self._idle.pop()
            if not worker.child.ended.done():
                return worker
            self._discard(worker)
        return await self._start()

    async def _lost(self, worker: Worker) -> str:
        self._discard(worker)
        code = await worker.child.ended
        if code == -signal.SIGKILL:
            return "the process of the file tools was killed, probably by the memory limit"
        return f"the process of the file tools ended unexpectedly with code {code}"

    def _discard(self, worker: Worker) -> None:
        worker.kill()
        self._all.discard(worker)

    async def _start(self) -> Worker:
        ours, its = socket.socketpair()
        pid = os.fork()
        if not pid:
            _run(its, self._tools, self._user)
        its.close()
        reader, writer = await asyncio.open_connection(sock=ours)
        worker = Worker(self._children.adopt(pid), reader, writer)
        self._all.add(worker)
        return worker


def _run(connection: socket.socket, tools: FileTools, user: ToolUser) -> None:
    """Be a worker until the guest closes the connection. Never returns."""
    code = 1
    try:
        os.setsid()
        _forget_guest(connection.fileno())
        user.act_for()
        _serve(connection, tools)
        code = 0
    except BaseException as error:
        os.write(2, f"file worker: {error!r}\n".encode())
    finally:
        os._exit(code)


def _forget_guest(keep: int) -> None:
    """Close all descriptors of the guest but standard error, and undo its signal handling."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208
        if int(name) > 2 and int(name) != keep:
            with contextlib.suppress(OSError):
                os.close(int(name))


def _serve(connection: socket.socket, tools: FileTools) -> None:
    with connection.makefile("rwb") as stream:
        while True:
            head = stream.read(_LENGTH.size)
            if len(head) < _LENGTH.size:
                return
            request = json.loads(stream.read(_LENGTH.unpack(head)[0]))
            answer = encode_result(tools.call(request["tool"], request["arguments"]))
            stream.write(_LENGTH.pack(len(answer)))
            stream.write(answer)
            stream.flush()
