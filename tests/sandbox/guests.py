"""The real guest as a plain process on this machine, for tests: no container, the same program and pipe."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import mcp
import mcp_types

from workbench.sandbox import guest as guest_package
from workbench.sandbox.guest.launch import Settings, command_for
from workbench.sandbox.link import Link
from workbench.sandbox.streams import ByteStream

TOOL_UID = 1_950_000_000 + os.getpid() % 100_000 if os.getuid() == 0 else os.getuid()
"""Root tests as a user that nobody else is; others can only be themselves."""
TOOL_GID = TOOL_UID if os.getuid() == 0 else os.getgid()
FOLDERS = ("workspace", "source", "outside")
PATH = "/usr/local/bin:/usr/bin:/bin"
GUEST_PYTHON = os.environ.get("WORKBENCH_TEST_GUEST_PYTHON", sys.executable)
"""The Python that runs the guest: a sandbox's image may have an older or newer one than the workbench."""
GUEST = Path(str(guest_package.__file__)).parent


class ProcessStream:
    """A process's standard input and output as a `ByteStream`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._stdin = process.stdin
        self._stdout = process.stdout

    async def read(self, limit: int = 65536) -> bytes:
        return await self._stdout.read(limit)

    async def write(self, data: bytes) -> None:
        self._stdin.write(data)
        await self._stdin.drain()

    async def write_eof(self) -> None:
        self._stdin.write_eof()

    async def close(self) -> None:
        self._stdin.close()


@dataclass
class RunningGuest:
    """A guest, the link to it and its folders."""

    link: Link
    process: asyncio.subprocess.Process
    root: Path
    env: Mapping[str, str]
    connections: list[ByteStream] = field(default_factory=list)

    @property
    def workspace(self) -> Path:
        return self.root / "workspace"

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> mcp_types.CallToolResult:
        """Call a tool over a client of its own."""
        async with mcp.Client(self.link.builtin(server_of(tool))) as client:
            return await client.call_tool(tool, dict(arguments))

    async def bash(self, command: str, **arguments: Any) -> mcp_types.CallToolResult:
        return await self.call("bash", {"command": command, **arguments})

    async def client(self, server: Literal["bash", "filesystem"]) -> mcp.Client:
        return mcp.Client(self.link.builtin(server))


def server_of(tool: str) -> Literal["bash", "filesystem"]:
    return "bash" if tool == "bash" else "filesystem"


def text_of(result: mcp_types.CallToolResult) -> str:
    (block,) = result.content
    assert isinstance(block, mcp_types.TextContent)
    return block.text


async def gone(pid: int) -> None:
    """Wait until a process has ended."""
    async with asyncio.timeout(10):
        while _is_alive(pid):
            await asyncio.sleep(0.01)


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0] not in "ZX"
    except OSError:
        return False


async def numbers_in(path: Path) -> list[int]:
    """The process ids that a command writes to a file."""
    async with asyncio.timeout(10):
        while not (path.exists() and path.read_text().endswith("\n")):
            await asyncio.sleep(0.01)
    return [int(word) for word in path.read_text().split()]


@contextmanager
def folders_for_tools() -> Iterator[Path]:
    """A folder that the tool user can get into, with a workspace, a source and an outside that are that user's."""
    root = Path(tempfile.mkdtemp(prefix="wb-guest-"))
    try:
        root.chmod(0o755)
        for name in FOLDERS:
            make_folder(root / name)
        yield root
    finally:
        shutil.rmtree(root)


def make_folder(path: Path) -> None:
    path.mkdir()
    if os.getuid() == 0:
        os.chown(path, TOOL_UID, TOOL_GID)


@contextmanager
def acting_as_tool_user() -> Iterator[None]:
    """Access files with the rights of the tool user."""
    if os.getuid() != 0:
        yield
        return
    os.setegid(TOOL_GID)
    os.seteuid(TOOL_UID)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


@asynccontextmanager
async def running_guest(
    root: Path,
    *,
    path: str = PATH,
    proxy_port: int | None = None,
    on_connect: Callable[[ByteStream], Awaitable[None]] | None = None,
    extra_env: Mapping[str, str] | None = None,
    program: Sequence[str] = (str(GUEST),),
    settings: Settings | None = None,
) -> AsyncIterator[RunningGuest]:
    """A guest with the folders under `root`; without a `source` there it has no source folder.

    `program` is what Python runs: the guest's folder, or something that pretends.
    """
    settings = settings or Settings(
        TOOL_UID, TOOL_GID, proxy_port, str(root / "workspace"), str(root / "source"), str(root / "workspace")
    )
    env = {"PATH": path, "LANG": "C.UTF-8", **(extra_env or {})}
    command = command_for(settings, python=GUEST_PYTHON)
    process = await asyncio.create_subprocess_exec(
        *command[:-2],
        *program,
        command[-1],
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=env,
        limit=1 << 20,
    )
    connections: list[ByteStream] = []

    async def refuse(stream: ByteStream) -> None:
        connections.append(stream)

    link = await Link.start(ProcessStream(process), on_connect or refuse)
    try:
        yield RunningGuest(link, process, root, {**env, "HOME": settings.home}, connections)
    finally:
        await link.close()
        try:
            await asyncio.wait_for(process.wait(), 10)
        except TimeoutError:
            process.kill()
            raise
