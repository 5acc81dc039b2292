"""The file tools of the real guest: side by side, killed, cancelled, and out of the tools' reach."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import mcp
import pytest

from tests.sandbox.guests import GUEST, PATH, RunningGuest, folders_for_tools, gone, numbers_in, running_guest, text_of

SLOW_RIPGREP = "#!/bin/sh\necho $$ > {root}/workspace/pid\nexec sleep 60\n"


@pytest.fixture
async def guest() -> AsyncIterator[RunningGuest]:
    """A guest whose grep takes a minute."""
    with folders_for_tools() as root:
        program = root / "bin" / "rg"
        program.parent.mkdir()
        program.write_text(SLOW_RIPGREP.format(root=root))
        program.chmod(0o755)
        async with running_guest(root, path=f"{program.parent}:{PATH}") as started:
            yield started


async def searching(guest: RunningGuest) -> int:
    """The process id of a running grep."""
    file = guest.workspace / "pid"
    (pid,) = await numbers_in(file)
    file.unlink()
    return pid


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])


async def test_a_slow_call_holds_up_nothing(guest: RunningGuest) -> None:
    async with mcp.Client(guest.link.builtin("filesystem")) as client:
        slow = asyncio.create_task(client.call_tool("grep", {"pattern": "x"}))
        await searching(guest)
        await client.call_tool("write", {"file_path": "a", "content": "quick"})
        assert text_of(await client.call_tool("read", {"file_path": "a"})) == "quick"
        assert text_of(await guest.bash("cat a")) == "quick"
        assert not slow.done()
        slow.cancel()


async def test_cancelling_a_call_kills_what_it_started(guest: RunningGuest) -> None:
    async with mcp.Client(guest.link.builtin("filesystem")) as client:
        slow = asyncio.create_task(client.call_tool("grep", {"pattern": "x"}))
        pid = await searching(guest)
        slow.cancel()
        await gone(pid)
        assert not (await client.call_tool("write", {"file_path": "a", "content": "x"})).is_error


async def test_more_calls_than_workers_wait_for_their_turn(guest: RunningGuest) -> None:
    async with mcp.Client(guest.link.builtin("filesystem")) as client:
        slow = []
        for _ in range(4):
            slow.append(asyncio.create_task(client.call_tool("grep", {"pattern": "x"})))
            pid = await searching(guest)
        waiting = asyncio.create_task(client.call_tool("write", {"file_path": "a", "content": "x"}))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        os.kill(pid, signal.SIGTERM)
        assert text_of(await waiting) == "wrote 1 bytes to a"
        for task in slow:
            task.cancel()


async def test_a_killed_worker_is_an_error_and_the_next_call_gets_another(guest: RunningGuest) -> None:
    async with mcp.Client(guest.link.builtin("filesystem")) as client:
        slow = asyncio.create_task(client.call_tool("grep", {"pattern": "x"}))
        pid = await searching(guest)
        os.kill(parent_of(pid), signal.SIGKILL)
        result = await slow
        assert result.is_error
        assert text_of(result) == "grep: the process of the file tools was killed, probably by the memory limit"
        await gone(pid)
        assert not (await client.call_tool("write", {"file_path": "a", "content": "x"})).is_error


async def test_a_worker_that_died_idle_is_replaced(guest: RunningGuest) -> None:
    await guest.call("write", {"file_path": "a", "content": "x"})
    children = Path(f"/proc/{guest.process.pid}/task/{guest.process.pid}/children").read_text().split()
    for child in children:
        if Path(f"/proc/{child}/comm").read_text().strip() != "bash":
            os.kill(int(child), signal.SIGKILL)
            await gone(int(child))
    assert text_of(await guest.call("read", {"file_path": "a"})) == "x"


async def test_stopping_the_tools_ends_a_search_and_spares_the_workers(guest: RunningGuest) -> None:
    slow = asyncio.create_task(guest.call("grep", {"pattern": "x"}))
    pid = await searching(guest)
    worker = parent_of(pid)
    assert (await guest.link.control("stop_tools"))["left"] == 0
    assert (await slow).is_error
    assert Path(f"/proc/{worker}").exists()


async def test_grep_of_a_pipe_does_not_wait_for_a_writer(guest: RunningGuest) -> None:
    await guest.bash("mkfifo pipe")
    assert text_of(await guest.call("grep", {"pattern": "x", "path": "pipe"})) == "no matches"


@pytest.mark.parametrize("tool", ["write", "edit"])
async def test_writing_to_a_pipe_does_not_wait_for_a_reader(guest: RunningGuest, tool: str) -> None:
    await guest.bash("mkfifo pipe")
    arguments = {"content": "x"} if tool == "write" else {"old_string": "a", "new_string": "b"}
    assert text_of(await guest.call(tool, {"file_path": "pipe", **arguments})) == f"{tool}: pipe: not a regular file"


async def test_a_pattern_that_takes_for_ever_is_given_up() -> None:
    """Without ripgrep, Python searches; its time is cut to keep the test short."""
    with folders_for_tools() as root:
        (root / "workspace" / "a").write_text("a" * 60 + "!\n")
        code = (
            "import sys; sys.path.insert(0, sys.argv[1]); from guest import search, service; "
            "search.CPU_LIMIT = 0.2; service.main(sys.argv[2:])"
        )
        async with running_guest(root, path=str(root), program=("-c", code, str(GUEST.parent))) as guest:
            result = await guest.call("grep", {"pattern": "(a|aa)+$"})
    assert (text_of(result), result.is_error) == ("grep: timed out after 0.2s", True)


async def test_twenty_megabytes_of_pdf_and_a_write_of_ten() -> None:
    with folders_for_tools() as root:
        (root / "workspace" / "largé %.pdf").write_bytes(b"%PDF" + bytes(20 * 1024 * 1024 - 4))
        async with running_guest(root) as guest:
            (block,) = (await guest.call("read", {"file_path": "largé %.pdf"})).content
            assert block.type == "resource"
            assert block.resource.uri == f"file://{root}/workspace/larg%C3%A9%20%25.pdf"
            assert len(block.resource.blob) == (20 * 1024 * 1024 + 2) // 3 * 4  # type: ignore[union-attr]
            text = "0123456789" * 1_000_000
            written = await guest.call("write", {"file_path": "large.txt", "content": text})
            assert text_of(written) == "wrote 10000000 bytes to large.txt"
        assert (root / "workspace" / "large.txt").read_text() == text
