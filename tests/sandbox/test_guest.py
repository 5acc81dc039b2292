"""The real guest as a whole: what it reports, what it is asked, its programs, its way out, and its end."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import mcp
import pytest

from tests.sandbox.guests import (
    GUEST,
    GUEST_PYTHON,
    TOOL_GID,
    TOOL_UID,
    RunningGuest,
    folders_for_tools,
    gone,
    make_folder,
    numbers_in,
    running_guest,
    text_of,
)
from workbench.sandbox.guest.frames import DATA, encode
from workbench.sandbox.guest.launch import HOME, MOUNT, SOURCE, WORKSPACE, Settings, command
from workbench.sandbox.sandbox import SandboxError
from workbench.sandbox.streams import ByteStream

SERVER = """
import json, os, subprocess, sys
child = subprocess.Popen(["sleep", "60"])
with open("pids", "w") as file:
    print(os.getpid(), child.pid, file=file)
print("starting", os.environ["GREETING"], os.getcwd(), file=sys.stderr, flush=True)
HELLO = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "s", "version": "1"}}
for line in sys.stdin:
    message = json.loads(line)
    answer = {"jsonrpc": "2.0", "id": message.get("id")}
    if message["method"] == "tools/call":
        arguments = message["params"]["arguments"]
        if arguments["text"] == "exit":
            sys.exit(3)
        answer["result"] = {"content": [{"type": "text", "text": arguments["text"] * arguments.get("times", 1)}]}
    elif message["method"] == "tools/list":
        answer["result"] = {"tools": []}
    elif message["method"] == "initialize":
        answer["result"] = HELLO
    elif "id" in message:
        answer["error"] = {"code": -32601, "message": "no"}
    else:
        continue
    print(json.dumps(answer), flush=True)
"""


@pytest.fixture
async def guest() -> AsyncIterator[RunningGuest]:
    with folders_for_tools() as root:
        async with running_guest(root) as started:
            yield started


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_the_command_that_starts_it() -> None:
    words = command(1000, 1001, 3128)
    assert words[:5] == ["python3", "-I", "-S", "-B", MOUNT]
    assert Settings.from_arguments(words[5:]) == Settings(1000, 1001, 3128, WORKSPACE, SOURCE, HOME)
    assert "-u" not in words


@pytest.mark.parametrize("path", sorted(GUEST.glob("*.py")), ids=lambda path: path.name)
def test_it_is_written_for_old_pythons_and_needs_nothing_else(path: Path) -> None:
    tree = ast.parse(path.read_text(), feature_version=(3, 8))
    imported: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            imported.add(node.module.split(".")[0])
    assert imported <= sys.stdlib_module_names


async def test_it_reports_what_it_sees(guest: RunningGuest) -> None:
    seen = guest.link.ready
    assert seen["kernel"] == os.uname().release
    assert seen["kernel_version"] == Path("/proc/version").read_text().strip()
    assert seen["boot_arguments"] == Path("/proc/cmdline").read_text().strip()
    assert seen["interfaces"] == [name for _, name in socket.if_nameindex()]
    assert sys.executable != GUEST_PYTHON or seen["python"] == ".".join(map(str, sys.version_info[:3]))
    assert (seen["uid"], seen["pid"], seen["version"]) == (os.getuid(), guest.process.pid, 1)
    assert isinstance(seen["capabilities"], dict)
    assert set(seen["capabilities"]) >= {"CapEff", "CapPrm", "CapBnd"}
    assert seen["boot_message"] is None or isinstance(seen["boot_message"], str)


async def test_questions(guest: RunningGuest) -> None:
    assert set(await guest.link.control("ping")) == {"id"}
    with pytest.raises(SandboxError, match="unknown operation: dance"):
        await guest.link.control("dance")


async def test_gauges(guest: RunningGuest) -> None:
    first = await guest.link.control("gauges")
    await guest.bash("cd /tmp; sh -c 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done'; sleep 60 &")
    second = await guest.link.control("gauges")
    assert second["cwd"] == "/tmp"
    assert number(second["cpu_seconds"]) > number(first["cpu_seconds"])
    assert number(second["memory_bytes"]) > 100_000
    await guest.call("bash", {"restart": True})
    assert number((await guest.link.control("gauges"))["cpu_seconds"]) >= number(second["cpu_seconds"])


def number(value: object) -> float:
    assert isinstance(value, int | float)
    return value


async def test_stopping_all_tools(guest: RunningGuest) -> None:
    running = asyncio.create_task(guest.bash("(setsid sh -c 'echo $$ > pids; sleep 60' &); cd /tmp; sleep 60"))
    (escaped,) = await numbers_in(guest.workspace / "pids")
    assert await guest.link.control("stop_tools", timeout=2) == {"id": 1, "left": 0}
    await gone(escaped)
    assert "bash session terminated: all tools were stopped" in text_of(await running)
    assert text_of(await guest.bash("pwd")) == str(guest.workspace)


async def test_a_stop_does_not_leave_a_restart_to_the_model(guest: RunningGuest) -> None:
    await guest.bash("sleep 60", timeout_ms=50)
    await guest.link.control("stop_tools", timeout=2)
    assert text_of(await guest.bash("echo new")) == "new"


async def test_a_program_serves_over_its_streams(guest: RunningGuest) -> None:
    heard: list[str] = []
    transport = guest.link.spawn(["python3", "-c", SERVER], {"GREETING": "hello"}, heard.append)
    async with mcp.Client(transport) as client:
        assert text_of(await client.call_tool("echo", {"text": "hi"})) == "hi"
        large = await client.call_tool("echo", {"text": "ü" * 1000, "times": 1000})
        assert text_of(large) == "ü" * 1_000_000
        pids = await numbers_in(guest.workspace / "pids")
    for pid in pids:
        await gone(pid)
    assert "".join(heard) == f"starting hello {guest.workspace}\n"


async def test_a_program_that_ends_closes_its_client(guest: RunningGuest) -> None:
    heard: list[str] = []
    transport = guest.link.spawn(["python3", "-c", SERVER], {"GREETING": "hello"}, heard.append)
    async with mcp.Client(transport) as client:
        with pytest.raises(mcp.MCPError, match="Connection closed"):
            await client.call_tool("echo", {"text": "exit"})
        for pid in await numbers_in(guest.workspace / "pids"):
            await gone(pid)
    assert "".join(heard).endswith("[exited with code 3]\n")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["no-such-program", "x"], r"\[cannot start \['no-such-program', 'x'\]: .*No such file"),
        (["/etc/passwd"], "Permission denied"),
        ([], "command is not a list"),
        (["a\0b"], "embedded null byte"),
    ],
)
async def test_a_program_that_cannot_start_says_why(guest: RunningGuest, words: list[str], reason: str) -> None:
    heard: list[str] = []
    with pytest.raises((mcp.MCPError, BaseExceptionGroup)):
        async with mcp.Client(guest.link.spawn(words, {}, heard.append)):
            pass
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError("".join(heard))


async def test_a_program_that_ignores_the_end_of_its_input_is_killed(guest: RunningGuest) -> None:
    script = SERVER + "\nimport time, signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(60)\n"
    async with mcp.Client(guest.link.spawn(["python3", "-c", script], {"GREETING": "x"}, lambda _: None)):
        pids = await numbers_in(guest.workspace / "pids")
    for pid in pids:
        await gone(pid)


async def test_a_program_that_floods_its_errors_does_not_stall(guest: RunningGuest) -> None:
    heard = 0

    def hear(text: str) -> None:
        nonlocal heard
        heard += len(text)

    flood = "import sys; sys.stderr.write('x' * 5_000_000)\n" + SERVER
    async with mcp.Client(guest.link.spawn(["python3", "-c", flood], {"GREETING": "x"}, hear)) as client:
        assert text_of(await client.call_tool("echo", {"text": "hi"})) == "hi"
    assert heard > 5_000_000


async def echo(stream: ByteStream) -> None:
    while data := await stream.read():
        await stream.write(data)
    await stream.write_eof()


async def test_the_way_out() -> None:
    port = free_port()
    with folders_for_tools() as root:
        async with running_guest(root, proxy_port=port, on_connect=echo) as guest:
            shown = text_of(await guest.bash("env"))
            for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
                assert f"{name}=http://127.0.0.1:{port}" in shown
            assert "NODE_USE_ENV_PROXY=1" in shown
            assert await asyncio.gather(*(echoed(port, 300_000 + n) for n in range(20))) == [True] * 20


async def echoed(port: int, size: int) -> bool:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    message = os.urandom(size)
    writer.write(message)
    writer.write_eof()
    received = await reader.read(-1)
    writer.close()
    return received == message


async def test_a_download_that_is_not_read_grows_nobody() -> None:
    """The host sends as fast as it may, the client in the sandbox takes little: the guest holds a window of it."""
    port, sent = free_port(), 0

    async def serve(stream: ByteStream) -> None:
        nonlocal sent
        while True:
            await stream.write(bytes(60_000))
            sent += 60_000

    with folders_for_tools() as root:
        async with running_guest(root, proxy_port=port, on_connect=serve):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1000)
            await reader.readexactly(1_000_000)
            before = -1
            while before != sent:
                before = sent
                await asyncio.sleep(0.2)
            assert sent < 20_000_000  # the kernel's own buffers on the loopback are the most of it
            writer.close()


async def test_a_large_transfer_takes_constant_memory() -> None:
    port = free_port()

    async def serve(stream: ByteStream) -> None:
        for _ in range(1000):
            await stream.write(bytes(100_000))
        await stream.write_eof()

    with folders_for_tools() as root:
        async with running_guest(root, proxy_port=port, on_connect=serve) as guest:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            received = 0
            while data := await reader.read(1 << 20):
                received += len(data)
            writer.close()
            status = Path(f"/proc/{guest.process.pid}/status").read_text()
    assert received == 100_000_000
    assert int(status.split("VmHWM:")[1].split()[0]) < 80_000


async def test_a_client_that_hangs_up_ends_the_connection_on_the_host() -> None:
    port = free_port()
    ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def serve(stream: ByteStream) -> None:
        try:
            while True:
                await stream.write(bytes(60_000))
        except ConnectionError as error:
            ended.set_result(str(error))
            raise

    with folders_for_tools() as root:
        async with running_guest(root, proxy_port=port, on_connect=serve):
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # a reset, not an end
            async with asyncio.timeout(5):
                assert await ended


async def test_a_refused_connection_still_gets_its_answer() -> None:
    port = free_port()

    async def refuse(stream: ByteStream) -> None:
        await stream.read()
        await stream.write(b"HTTP/1.1 403 Forbidden\r\n\r\nno")

    with folders_for_tools() as root:
        async with running_guest(root, proxy_port=port, on_connect=refuse):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"CONNECT example.com:443 HTTP/1.1\r\n\r\n")
            assert (await reader.read(-1)).endswith(b"no")
            writer.close()


async def test_without_a_port_nothing_listens(guest: RunningGuest) -> None:
    inodes = set()
    for fd in Path(f"/proc/{guest.process.pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed since it was listed
            if (target := str(fd.readlink())).startswith("socket:"):
                inodes.add(target[8:-1])
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{guest.process.pid}/net/{table}").read_text().splitlines()[1:]:
            assert not (line.split()[9] in inodes and line.split()[3] == "0A")


async def test_the_end_of_the_pipe_ends_all_tools(guest: RunningGuest) -> None:
    await guest.bash("setsid sleep 60 & echo $! > pids; sleep 60 & echo $! >> pids")
    pids = await numbers_in(guest.workspace / "pids")
    await guest.link.close()
    async with asyncio.timeout(5):
        assert await guest.process.wait() == 0
    for pid in pids:
        await gone(pid)


@pytest.mark.parametrize(("send", "code"), [(signal.SIGTERM, 0), (None, 0)])
async def test_other_ways_to_end(guest: RunningGuest, send: int | None, code: int) -> None:
    await guest.bash("sleep 60 & echo $! > pids")
    pids = await numbers_in(guest.workspace / "pids")
    if send is None:
        with pytest.raises((ConnectionError, TimeoutError)):
            await guest.link.control("shutdown")
    else:
        guest.process.send_signal(send)
    async with asyncio.timeout(5):
        assert await guest.process.wait() == code
    await gone(pids[0])
    assert guest.link.lost is not None


@pytest.mark.parametrize("garbage", [b"\xff" * 100, encode(0, DATA, b"nonsense"), encode(3, DATA, b"x")])
async def test_garbage_ends_it(garbage: bytes) -> None:
    with folders_for_tools() as root:
        settings = Settings(TOOL_UID, TOOL_GID, None, f"{root}/workspace", f"{root}/source", f"{root}/workspace")
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-I", "-S", str(GUEST), json.dumps(settings._asdict()), stdin=-1, stdout=-1, stderr=-1
        )
        async with asyncio.timeout(10):
            _, errors = await process.communicate(garbage)
        assert process.returncode == 2
        assert b"broke the protocol" in errors


async def test_its_home_is_the_tools_own() -> None:
    with folders_for_tools() as root:
        make_folder(root / "place")
        settings = Settings(TOOL_UID, TOOL_GID, None, f"{root}/workspace", f"{root}/source", f"{root}/place/home")
        async with running_guest(root, settings=settings) as guest:
            assert text_of(await guest.bash("echo $HOME; touch ~/x && ls ~")) == f"{root}/place/home\nx"
        assert (root / "place" / "home").stat().st_uid == TOOL_UID
