from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from workbench.definition.agent import ContainerSettings, NetworkPolicy
from workbench.sandbox.container import ToolUser, container_body, host_tasks
from workbench.sandbox.sandbox import SandboxSpec


def body(runtime: str = "runsc", source: Path | None = None, **settings: Any) -> dict[str, Any]:
    spec = SandboxSpec(
        agent="a",
        folder=Path("/agents/a"),
        container=ContainerSettings(**settings),
        network=NetworkPolicy(),
        workspace=None,
        source=source,
        env={"TOKEN": "x=y"},
    )
    return container_body(
        spec,
        image="sha256:1",
        runtime=runtime,
        workspace=Path("/agents/a/w"),
        guest=Path("/guest"),
        command=["python3", "guest"],
        labels={"l": "1"},
    )


def test_nothing_but_what_the_guest_needs_is_allowed() -> None:
    host = body()["HostConfig"]
    assert host["NetworkMode"] == "none"
    assert host["ReadonlyRootfs"] is True
    assert host["CapDrop"] == ["ALL"]
    assert set(host["CapAdd"]) == {"SETUID", "SETGID", "KILL"}
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert host["IpcMode"] == "private"
    assert host["LogConfig"]["Type"] == "none"
    assert host["Runtime"] == "runsc"


def test_memory_has_no_swap_beside_it_and_cpu_is_in_billionths() -> None:
    host = body(memory_bytes=256 << 20, cpus=0.5)["HostConfig"]
    assert host["Memory"] == host["MemorySwap"] == 256 << 20
    assert host["NanoCpus"] == 500_000_000
    assert "size=134217728" in host["Tmpfs"]["/tmp"]
    assert "mode=1777" in host["Tmpfs"]["/tmp"]


def test_the_source_is_mounted_read_only_and_the_workspace_is_not(tmp_path: Path) -> None:
    mounts = {mount["Target"]: mount for mount in body(source=tmp_path)["HostConfig"]["Mounts"]}
    assert mounts["/source"]["ReadOnly"] is True
    assert mounts["/workspace"]["ReadOnly"] is False
    assert mounts["/opt/workbench/guest"]["ReadOnly"] is True
    assert "/source" not in {mount["Target"] for mount in body()["HostConfig"]["Mounts"]}


def test_the_image_s_own_entry_point_never_runs() -> None:
    made = body()
    assert made["Entrypoint"] == ["python3", "guest"]
    assert made["Cmd"] == []
    assert made["User"] == "0:0"


def test_the_guest_s_input_ends_with_the_workbench() -> None:
    made = body()
    assert made["OpenStdin"] is True
    assert made["StdinOnce"] is True
    assert made["HostConfig"]["AutoRemove"] is True


def test_the_environment_is_passed_as_it_is() -> None:
    assert body()["Env"] == ["TOKEN=x=y"]


def test_tools_are_bounded_by_nproc_under_gvisor_and_by_pids_under_runc() -> None:
    gvisor = {limit["Name"]: limit["Hard"] for limit in body(pids=100, disk_bytes=1 << 30)["HostConfig"]["Ulimits"]}
    plain = {limit["Name"]: limit["Hard"] for limit in body("runc", pids=100)["HostConfig"]["Ulimits"]}
    assert gvisor["nproc"] == 100
    assert gvisor["fsize"] == 1 << 30
    assert gvisor["core"] == 0
    assert "nproc" not in plain
    assert host_tasks(100, "runsc") > 8 * 100
    assert 100 < host_tasks(100, "runc") < 150


def test_tools_run_as_ourselves_unless_we_are_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 4711)
    monkeypatch.setattr("os.getegid", lambda: 42)
    assert ToolUser.current() == ToolUser(4711, 42)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert ToolUser.current() == ToolUser(1000, 1000)
