"""A sandbox that is used as intended, in real gVisor."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mcp
import pytest

from workbench.sandbox.daemon import DaemonError
from workbench.sandbox.ownership import OWNER_LABEL, owner_of
from workbench.sandbox.sandbox import Sandbox, SandboxError
from workbench.trace.events import Egress
from workbench.trace.owner import current_owner

if TYPE_CHECKING:
    from tests.sandbox.conftest import Sandboxes
else:
    Sandboxes = Any

pytestmark = pytest.mark.docker


async def bash(sandbox: Sandbox, command: str, timeout_ms: int = 60_000) -> str:
    async with mcp.Client(sandbox.builtin("bash")) as client:
        result = await client.call_tool("bash", {"command": command, "timeout_ms": timeout_ms})
    return "".join(part.text for part in result.content if part.type == "text").strip()


async def test_a_sandbox_is_proven_and_locked_down(sandboxes: Sandboxes) -> None:
    before = datetime.now(UTC)
    sandbox = await sandboxes.start()
    assert sandbox.proof.gvisor
    assert sandbox.proof.runtime == sandboxes.runtime
    assert sandbox.proof.kernel != sandboxes.engine.facts.kernel
    assert set(sandbox.proof.interfaces) <= {"lo"}
    assert sandbox.lost is None
    assert abs((sandbox.started_at - before).total_seconds()) < 60

    seen = await bash(
        sandbox,
        "id -u; pwd; echo $GREETING; touch /etc/x 2>&1; touch /opt/workbench/guest/x 2>&1;"
        "awk '$2 == \"/\" { print substr($4, 1, 2) }' /proc/mounts;"
        "ulimit -c; ulimit -n; touch /tmp/x && df --output=size -m /tmp | tail -1",
    )
    uid = 1000 if os.geteuid() == 0 else os.geteuid()
    assert seen.splitlines()[:3] == [str(uid), "/workspace", "hello"]
    assert seen.count("cannot touch") == 2
    assert [line.strip() for line in seen.splitlines()[-4:]] == ["ro", "0", "65536", "512"]
    details = await sandboxes.engine.inspect(sandbox.container_id)
    assert details["HostConfig"]["NetworkMode"] == "none"


async def test_files_are_shared_with_the_host_both_ways(sandboxes: Sandboxes, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    source.chmod(0o777)
    (source / "given").write_text("from the host")
    sandbox = await sandboxes.start(sandboxes.spec(source=source))
    assert "from the host" in await bash(sandbox, "cat /source/given; echo made inside > made; mkdir -p a/b")
    assert "Read-only" in await bash(sandbox, "touch /source/x 2>&1")
    made = sandbox.workspace / "made"
    assert made.read_text() == "made inside\n"
    assert made.stat().st_uid == (1000 if os.geteuid() == 0 else os.geteuid())


async def test_the_workspace_stays_when_the_sandbox_is_closed_and_the_container_goes(sandboxes: Sandboxes) -> None:
    sandbox = await sandboxes.start()
    await bash(sandbox, "echo kept > file")
    await sandbox.close()
    await sandbox.close()
    assert sandbox.lost is None
    assert (sandbox.workspace / "file").read_text() == "kept\n"
    with pytest.raises(DaemonError):
        await sandboxes.engine.inspect(sandbox.container_id)


async def test_a_new_sandbox_can_take_the_workspace_over(sandboxes: Sandboxes) -> None:
    first = await sandboxes.start()
    await bash(first, "echo kept > file")
    await first.close()
    second = await sandboxes.start(replace(sandboxes.spec(), workspace=first.workspace))
    assert "kept" in await bash(second, "cat file; echo more >> file")
    assert second.workspace == first.workspace


async def test_a_snapshot_is_restored_in_another_sandbox(sandboxes: Sandboxes) -> None:
    first = await sandboxes.start()
    await first.snapshot()
    await bash(first, "mkdir d; echo one > d/file; chmod 700 d")
    taken = await first.snapshot()
    assert [change.path for change in taken.changed] == ["d/file"]
    second = await sandboxes.start()
    await second.restore(taken.digest)
    assert await bash(second, "cat d/file; echo two > d/file && cat d/file") == "one\ntwo"
    with pytest.raises(SandboxError):
        await second.restore("0" * 64)


async def test_gauges_tell_the_shells_directory_and_what_the_tools_use(sandboxes: Sandboxes) -> None:
    sandbox = await sandboxes.start()
    await bash(sandbox, "mkdir sub; cd sub; sleep 1000 &")
    gauges = await sandbox.gauges()
    assert gauges.cwd == "/workspace/sub"
    assert gauges.memory_bytes is not None
    assert gauges.memory_bytes > 100_000
    assert gauges.cpu_seconds is not None


async def test_stop_tools_kills_everything_and_the_sandbox_lives_on(sandboxes: Sandboxes) -> None:
    sandbox = await sandboxes.start()
    await bash(sandbox, "setsid sh -c 'sleep 1000 & sleep 1000' >/dev/null 2>&1 & sleep 1000 & echo started")
    running = asyncio.create_task(bash(sandbox, "sleep 1000"))
    await asyncio.sleep(0.5)
    await sandbox.stop_tools()
    await asyncio.wait_for(running, 10)
    left = await bash(sandbox, "for p in /proc/[0-9]*; do tr '\\0' ' ' < $p/cmdline; done | grep -c '[s]leep 1000'")
    assert left.startswith("0")
    assert sandbox.lost is None


async def test_a_server_runs_inside_and_its_errors_are_heard(sandboxes: Sandboxes) -> None:
    sandbox = await sandboxes.start()
    heard: list[str] = []
    transport = sandbox.spawn(["sh", "-c", "echo $WORD >&2; exit 3"], {"WORD": "no server"}, heard.append)
    with pytest.raises(Exception):  # noqa: B017  # whatever the client makes of a server that ends at once
        async with mcp.Client(transport) as client:
            await client.list_tools()
    assert "no server" in "".join(heard)


async def test_an_attempt_to_leave_is_refused_and_heard(sandboxes: Sandboxes) -> None:
    sandbox = await sandboxes.start()
    heard: list[Egress] = []
    sandbox.on_egress(heard.append)
    program = (
        "import os, urllib.request as r\n"
        "try: r.urlopen('http://example.com/')\n"
        "except Exception as error: print(error)\n"
        "import socket\n"
        "try: socket.create_connection(('192.0.2.1', 80), 5)\n"
        "except OSError as error: print('direct:', error)\n"
    )
    seen = await bash(sandbox, f"python3 - <<'END'\n{program}END")
    assert "403" in seen
    assert "direct:" in seen
    assert [(egress.host, egress.decision) for egress in heard] == [("example.com", "refused")]


async def test_two_sandboxes_know_nothing_of_each_other(sandboxes: Sandboxes) -> None:
    one, two = await asyncio.gather(sandboxes.start(), sandboxes.start())
    assert one.workspace != two.workspace
    await asyncio.gather(bash(one, "echo 1 > mine"), bash(two, "echo 2 > mine"))
    seen = await asyncio.gather(bash(one, "cat mine; ps -e | wc -l"), bash(two, "cat mine"))
    assert seen[0].startswith("1\n")
    assert seen[1] == "2"
    await one.close()
    assert await bash(two, "echo still here") == "still here"


async def test_runc_is_refused_unless_it_was_chosen(sandboxes: Sandboxes) -> None:
    with pytest.raises(SandboxError, match="not gVisor"):
        await sandboxes.start(runtime="runc")
    assert not list((sandboxes.folder / ".workbench" / "workspaces").iterdir())
    chosen = await sandboxes.start(replace(sandboxes.spec(), runtime="runc"), runtime="runc")
    assert not chosen.proof.gvisor
    assert await bash(chosen, "echo works") == "works"


async def test_an_image_without_python_is_told(sandboxes: Sandboxes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "workbench.sandbox.docker_sandbox.command", lambda *_: ["/bin/sh", "-c", "echo no python here >&2; exit 127"]
    )
    with pytest.raises(SandboxError, match="no python here"):
        await sandboxes.start()


@pytest.mark.parametrize("seconds", [0.02, 0.25])
async def test_a_cancelled_start_leaves_nothing(sandboxes: Sandboxes, seconds: float) -> None:
    starting = asyncio.create_task(sandboxes.start())
    await asyncio.sleep(seconds)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    ours = [owner_of(found["Labels"]) for found in await sandboxes.engine.list([OWNER_LABEL])]
    assert current_owner() not in ours
    assert not list((sandboxes.folder / ".workbench" / "workspaces").iterdir())
