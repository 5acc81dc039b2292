"""The bash tool of the real guest: what commands do to it, and that it and the next command survive."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import mcp
import mcp_types
import pytest

from tests.sandbox.guests import (
    GUEST,
    TOOL_UID,
    RunningGuest,
    folders_for_tools,
    gone,
    numbers_in,
    running_guest,
    text_of,
)

only_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can give the tools a user of their own")
RESTART_REQUIRED = "bash: bash session terminated; restart required"
PRETEND_NO_BASH = f"""
import sys
sys.path.insert(0, {str(GUEST.parent)!r})
from guest import service, shell
service.find_dialect = shell.find_dialect = lambda path: shell.Dialect(("/bin/sh",), 8, False)
service.main(sys.argv[1:])
"""


@pytest.fixture
async def guest() -> AsyncIterator[RunningGuest]:
    with folders_for_tools() as root:
        async with running_guest(root) as started:
            yield started


def meta_of(result: mcp_types.CallToolResult) -> tuple[object, object, object]:
    meta = result.meta or {}
    return meta["workbench/exit_code"], meta["workbench/truncated"], meta["workbench/cwd"]


async def started_pid(guest: RunningGuest, name: str = "pid") -> int:
    """The process id that a command writes to a file of the workspace."""
    (pid,) = await numbers_in(guest.workspace / name)
    return pid


async def test_results_say_exit_code_truncation_and_directory(guest: RunningGuest) -> None:
    assert meta_of(await guest.bash("cd /tmp; (exit 3)")) == (3, False, "/tmp")
    assert meta_of(await guest.bash("seq 100000")) == (0, True, "/tmp")
    assert meta_of(await guest.bash("mkdir -p 'a\nb'; cd 'a\nb'")) == (0, False, "/tmp/a\nb")
    assert meta_of(await guest.bash("cd /; rmdir /tmp/a*b; unset PWD")) == (0, False, None)
    assert meta_of(await guest.bash("PWD=$(head -c 100000 /dev/zero | tr '\\0' x)"))[:2] == (0, False)
    assert meta_of(await guest.bash("sleep 9", timeout_ms=50)) == (None, False, None)
    assert meta_of(await guest.call("bash", {"restart": True})) == (None, False, str(guest.workspace))


async def test_calls_run_one_after_the_other_and_beside_the_file_tools(guest: RunningGuest) -> None:
    async with mcp.Client(guest.link.builtin("bash")) as client:
        calls = [
            client.call_tool("bash", {"command": f"sleep 0.{4 - n}; echo {n} >> order; cat order"}) for n in range(3)
        ]
        running = asyncio.gather(*calls)
        await guest.call("write", {"file_path": "beside", "content": "x"})
        assert not running.done()
        assert [text_of(result) for result in await running] == ["0", "0\n1", "0\n1\n2"]


async def test_a_hundred_megabytes_of_output_do_not_grow_the_guest(guest: RunningGuest) -> None:
    await guest.bash("true")
    before = peak_memory(guest)
    result = await guest.bash("head -c 100000000 /dev/zero | tr '\\0' x; echo; echo end")
    assert text_of(result).startswith("[output truncated]\nxxx")
    assert text_of(result).endswith("x\nend")
    assert peak_memory(guest) - before < 8_000_000


def peak_memory(guest: RunningGuest) -> int:
    status = Path(f"/proc/{guest.process.pid}/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))


async def test_one_write_of_a_megabyte_arrives_whole(guest: RunningGuest) -> None:
    write = "import os; left = 1000000\nwhile left: left -= os.write(1, b'y' * left)"
    assert text_of(await guest.bash(f'python3 -c "{write}" | wc -c')) == "1000000"
    assert len(text_of(await guest.bash(f'python3 -c "{write}"'))) > 100_000


async def test_a_timeout_kills_all_that_the_command_started(guest: RunningGuest) -> None:
    command = "sleep 60 & setsid sh -c 'echo $$ > pid; sleep 60' & sh -c 'sleep 60; true'"
    result = await guest.bash(command, timeout_ms=700)
    assert text_of(result) == "bash: bash command timed out after 0.7s"
    await gone(await started_pid(guest))
    assert (await guest.link.control("gauges"))["memory_bytes"] == 0


async def test_cancelling_a_call_kills_its_command(guest: RunningGuest) -> None:
    async with mcp.Client(guest.link.builtin("bash")) as client:
        call = asyncio.create_task(client.call_tool("bash", {"command": "sh -c 'echo $$ > pid; sleep 60'"}))
        pid = await started_pid(guest)
        call.cancel()
        await gone(pid)
        assert text_of(await client.call_tool("bash", {"command": "echo x"})) == RESTART_REQUIRED
        await client.call_tool("bash", {"restart": True})
        assert text_of(await client.call_tool("bash", {"command": "echo x"})) == "x"


async def test_cancelling_a_call_that_waits_leaves_the_running_one_alone(guest: RunningGuest) -> None:
    async with mcp.Client(guest.link.builtin("bash")) as client:
        running = asyncio.create_task(client.call_tool("bash", {"command": "echo $$ > pid; sleep 0.5; echo done"}))
        await started_pid(guest)
        waiting = asyncio.create_task(client.call_tool("bash", {"command": "echo never > never"}))
        await asyncio.sleep(0.1)
        waiting.cancel()
        assert text_of(await running) == "done"
        assert text_of(await client.call_tool("bash", {"command": "ls"})) == "pid"


async def test_a_client_that_goes_away_stops_its_command_and_leaves_the_shell_of_others(guest: RunningGuest) -> None:
    await guest.bash("X=kept")
    async with mcp.Client(guest.link.builtin("bash")):
        pass
    assert text_of(await guest.bash("echo $X")) == "kept"


@pytest.mark.parametrize(
    "command",
    [
        "exec 1>&-",
        "exec 1>&- 2>&-",
        "exec 1>/dev/null",
        'for n in /proc/self/fd/*; do n=${n##*/}; [ $n -gt 2 ] && eval "exec $n>&-"; done 2>/dev/null',
        "exec sleep 60",
        "while :; do :; done",
        "kill -STOP $$",
        "read line <&254",
        "command() { :; }",
        "trap 'exit 5' DEBUG",
        "trap '' TERM INT HUP; sleep 60",
        "enable -n printf; set -e",
        "ulimit -f 0; echo x > file",
        "exec bash -c 'exit 7'",
    ],
)
async def test_the_next_call_survives(guest: RunningGuest, command: str) -> None:
    """Whatever becomes of a command and its shell, a restart gives a good one."""
    first = await guest.bash(command, timeout_ms=500)
    assert isinstance(first.is_error, bool)
    await guest.call("bash", {"restart": True})
    assert text_of(await guest.bash("echo alive; pwd")) == f"alive\n{guest.workspace}"


async def test_a_shell_that_exits_answers_at_once_though_a_job_holds_its_output(guest: RunningGuest) -> None:
    started = time.monotonic()
    result = await guest.bash("sleep 60 & echo last; exit 4")
    assert time.monotonic() - started < 10
    assert text_of(result).startswith("last\nbash session terminated: the shell exited with status 4;")
    assert meta_of(result)[0] == 4
    assert text_of(await guest.bash("echo next")) == "next"


async def test_a_shell_that_ends_between_calls_is_reported_once(guest: RunningGuest) -> None:
    shell = int(text_of(await guest.bash("echo $$")))
    os.kill(shell, signal.SIGKILL)
    await gone(shell)
    result = await guest.bash("echo lost")
    assert result.is_error
    assert text_of(result).startswith("bash: bash session terminated: the shell was killed, by the command itself or")
    assert text_of(await guest.bash("echo next")) == "next"


async def test_a_fatal_signal_is_named(guest: RunningGuest) -> None:
    result = await guest.bash("kill -SEGV $$")
    assert "the shell was killed by signal 11" in text_of(result)
    assert meta_of(result)[0] == 139


@only_root
async def test_tools_cannot_kill_the_guest(guest: RunningGuest) -> None:
    """Not its workers either, which act for the same user."""
    await guest.call("write", {"file_path": "a", "content": "kept"})
    pids = [guest.process.pid, *children(guest.process.pid)]
    killing = "; ".join(f"kill -9 {pid} 2>&1" for pid in pids if pid != shell_of(guest))
    assert text_of(await guest.bash(killing)).count("Operation not permitted") == len(pids) - 1
    await guest.bash("kill -9 -1")
    assert text_of(await guest.call("read", {"file_path": "a"})) == "kept"
    assert text_of(await guest.bash("id -u; id -g; id -G")) == f"{TOOL_UID}\n{TOOL_UID}\n{TOOL_UID}"


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def shell_of(guest: RunningGuest) -> int:
    names = {pid: Path(f"/proc/{pid}/comm").read_text().strip() for pid in children(guest.process.pid)}
    return next(pid for pid, name in names.items() if name == "bash")


async def test_the_environment_is_the_containers_without_what_breaks_pipes() -> None:
    with folders_for_tools() as root:
        extra = {"PYTHONUNBUFFERED": "1", "GREETING": "hello"}
        async with running_guest(root, extra_env=extra) as guest:
            shown = set(text_of(await guest.bash("env")).splitlines())
    assert {"GREETING=hello", f"HOME={root}/workspace", "TERM=dumb"} <= shown
    assert not [line for line in shown if "PYTHON" in line or "PROXY" in line.upper() or "BASH_ENV" in line]


async def test_a_machine_without_bash_has_sh() -> None:
    with folders_for_tools() as root:
        async with running_guest(root, program=("-c", PRETEND_NO_BASH)) as guest:
            assert guest.link.ready["shell"] == "/bin/sh"
            assert text_of(await guest.bash("cd /; X=1")) == ""
            assert text_of(await guest.bash("echo $0; pwd; echo $X; (exit 3)")) == "/bin/sh\n/\n1"
            assert meta_of(await guest.bash("cat <<E\na\nE\nfalse")) == (1, False, "/")
            assert "timed out" in text_of(await guest.bash("sleep 60", timeout_ms=200))
            await guest.call("bash", {"restart": True})
            assert "exited with status 5" in text_of(await guest.bash("exit 5"))
            assert text_of(await guest.bash("echo ${BASH_ENV-none}")) == "none"
