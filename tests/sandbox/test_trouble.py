"""What hostile or clumsy tools do to a sandbox in real gVisor: it is reported, and the workbench goes on."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mcp
import pytest

from workbench.sandbox.ownership import OWNER_LABEL, owner_of
from workbench.sandbox.sandbox import Sandbox
from workbench.sandbox.sweep import sweep
from workbench.sandbox.workspaces import sweep_workspaces
from workbench.trace.events import Notice

if TYPE_CHECKING:
    from tests.sandbox.conftest import Sandboxes
else:
    Sandboxes = Any

pytestmark = pytest.mark.docker

MIB = 1 << 20


async def bash(sandbox: Sandbox, command: str, timeout_ms: int = 20_000) -> str:
    async with mcp.Client(sandbox.builtin("bash")) as client:
        result = await client.call_tool("bash", {"command": command, "timeout_ms": timeout_ms})
    return "".join(part.text for part in result.content if part.type == "text").strip()


async def until_lost(sandbox: Sandbox, call: asyncio.Task[str], seconds: float = 30.0) -> str | None:
    """Waits until the sandbox is lost, and for the call in it, which may not hang either; gives why it was lost."""
    async with asyncio.timeout(seconds):
        while sandbox.lost is None and not call.done():
            await asyncio.sleep(0.05)
        await asyncio.wait([call])
    return sandbox.lost


async def works(sandbox: Sandbox) -> bool:
    return await bash(sandbox, "echo works") == "works"


async def test_a_fork_bomb_ends_at_the_limit_or_with_the_sandbox(sandboxes: Sandboxes) -> None:
    sandbox = await sandboxes.start(sandboxes.spec(pids=64, memory_bytes=512 * MIB))
    bomb = asyncio.create_task(bash(sandbox, "bomb() { bomb | bomb & }; bomb; sleep 2; echo $?", timeout_ms=5000))
    await asyncio.wait([bomb], timeout=20)
    assert bomb.done()
    if sandbox.lost is None:
        await sandbox.stop_tools()
        assert await works(sandbox)
    else:
        assert "container." in sandbox.lost


async def test_a_memory_hog_is_told_with_the_limit(sandboxes: Sandboxes) -> None:
    notices: list[Notice] = []
    sandbox = await sandboxes.start(sandboxes.spec(memory_bytes=256 * MIB))
    sandbox.on_notice(notices.append)
    hog = asyncio.create_task(bash(sandbox, 'python3 -c "x = bytearray(1 << 30)" ; echo ended'))
    await asyncio.wait([hog], timeout=20)
    assert hog.done()
    if sandbox.lost is None:
        for _ in range(100):
            if notices:
                break
            await asyncio.sleep(0.1)
        assert "256 MiB" in notices[0].text
        assert await works(sandbox)
    else:
        assert "256 MiB" in sandbox.lost


async def test_filling_tmp_cannot_pass_its_size(sandboxes: Sandboxes) -> None:
    sandbox = await sandboxes.start(sandboxes.spec(memory_bytes=512 * MIB))
    assert "No space left" in await bash(sandbox, "dd if=/dev/zero of=/tmp/full bs=1M count=400 2>&1; rm /tmp/full")
    assert await works(sandbox)


async def test_a_disk_filler_is_stopped_and_told(sandboxes: Sandboxes) -> None:
    notices: list[Notice] = []
    sandbox = await sandboxes.start(sandboxes.spec(disk_bytes=64 * MIB))
    sandbox.on_notice(notices.append)
    filler = "i=0; while true; do i=$((i+1)); dd if=/dev/zero of=file$i bs=1M count=4 2>/dev/null; sleep 0.02; done"
    filling = asyncio.create_task(bash(sandbox, filler))
    for _ in range(150):
        if notices:
            break
        await asyncio.sleep(0.1)
    assert "64 MiB" in notices[0].text
    assert notices[0].kind == "limit"
    await asyncio.wait_for(filling, 10)
    held = sum(file.stat().st_size for file in sandbox.workspace.iterdir())
    await asyncio.sleep(0.5)
    assert sum(file.stat().st_size for file in sandbox.workspace.iterdir()) == held
    assert await bash(sandbox, "rm file*; echo $?") == "0"


async def test_one_file_cannot_pass_the_disk_limit(sandboxes: Sandboxes) -> None:
    sandbox = await sandboxes.start(sandboxes.spec(disk_bytes=16 * MIB))
    await bash(sandbox, "dd if=/dev/zero of=big bs=1M count=100")
    assert (sandbox.workspace / "big").stat().st_size == 16 * MIB


async def test_an_endless_loop_ends_with_its_time(sandboxes: Sandboxes) -> None:
    sandbox = await sandboxes.start()
    await asyncio.wait_for(bash(sandbox, "while :; do :; done", timeout_ms=1000), 20)
    assert sandbox.lost is None


async def test_a_hundred_megabytes_of_output_pass_by(sandboxes: Sandboxes) -> None:
    sandbox = await sandboxes.start()
    said = await bash(sandbox, "python3 -u -c \"import os\nfor _ in range(100): os.write(1, b'x' * (1 << 20))\"")
    assert len(said) < 4 * MIB
    assert "x" * 100 in said
    assert sandbox.lost is None
    async with mcp.Client(sandbox.builtin("bash")) as client:
        await client.call_tool("bash", {"restart": True})
    assert await works(sandbox)


async def test_rm_rf_root_hurts_only_the_workspace(sandboxes: Sandboxes, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    source.chmod(0o777)
    (source / "precious").write_text("still here")
    sandbox = await sandboxes.start(sandboxes.spec(source=source))
    await bash(sandbox, "echo gone > file; rm -rf --no-preserve-root / 2>/dev/null; true", timeout_ms=60_000)
    assert (source / "precious").read_text() == "still here"
    assert list(sandbox.workspace.iterdir()) == []
    assert await works(sandbox)


async def test_killing_everything_kills_only_tools(sandboxes: Sandboxes) -> None:
    sandbox = await sandboxes.start()
    await bash(sandbox, "kill -9 -1; kill -9 1")
    assert sandbox.lost is None
    async with mcp.Client(sandbox.builtin("bash")) as client:
        await client.call_tool("bash", {"restart": True})
    assert await works(sandbox)


@pytest.mark.parametrize("way", ["docker kill", "sandbox process"])
async def test_a_container_that_is_killed_from_outside_hangs_nothing(sandboxes: Sandboxes, way: str) -> None:
    sandbox = await sandboxes.start()
    call = asyncio.create_task(bash(sandbox, "sleep 1000"))
    await asyncio.sleep(0.5)
    details = await sandboxes.engine.inspect(sandbox.container_id)
    if way == "docker kill":
        await asyncio.to_thread(sandboxes.engine.client.api.kill, sandbox.container_id)
    elif os.geteuid() == 0:
        os.kill(details["State"]["Pid"], signal.SIGKILL)
    else:
        pytest.skip("only root may kill the sandbox's own process")
    assert await until_lost(sandbox, call, 10) == "it was killed from outside of the workbench (exit code 137)"
    assert call.exception() is not None or "killed" in call.result()
    await sandbox.snapshot()
    await sandbox.close()
    assert sandbox.lost is not None


OWNER = """
import asyncio, sys
from pathlib import Path
from workbench.definition.agent import ContainerSettings, NetworkPolicy
from workbench.sandbox.docker_engine import DockerEngine
from workbench.sandbox.docker_sandbox import DockerSandbox
from workbench.sandbox.sandbox import SandboxSpec
from workbench.sandbox.snapshots import WorkspaceSnapshots

async def main(folder, image, runtime):
    spec = SandboxSpec("test", folder, ContainerSettings(), NetworkPolicy(), None, None, {})
    sandbox = await DockerSandbox.start(spec, engine=await DockerEngine.connect(), image_id=image, image=image,
                                        runtime=runtime, snapshots=WorkspaceSnapshots(folder / "snapshots"))
    print(sandbox.container_id, flush=True)
    await asyncio.sleep(1000)

asyncio.run(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
"""


async def test_nothing_survives_a_workbench_that_is_killed(sandboxes: Sandboxes) -> None:
    arguments = [str(sandboxes.folder), sandboxes.image, sandboxes.runtime]
    owner = await asyncio.create_subprocess_exec(
        sys.executable, "-c", OWNER, *arguments, stdout=asyncio.subprocess.PIPE
    )
    assert owner.stdout is not None
    container = (await asyncio.wait_for(owner.stdout.readline(), 60)).decode().strip()
    ours = await sandboxes.start()
    owner.kill()
    await owner.wait()
    await sweep(sandboxes.engine, sandboxes.folder)
    left = {found["Id"]: owner_of(found["Labels"]) for found in await sandboxes.engine.list([OWNER_LABEL])}
    assert container not in left
    assert ours.container_id in left
    workspaces = sandboxes.folder / ".workbench" / "workspaces"
    assert [path / "files" for path in workspaces.iterdir()] == [ours.workspace]
    assert sweep_workspaces(sandboxes.folder) == 0
    assert await works(ours)
