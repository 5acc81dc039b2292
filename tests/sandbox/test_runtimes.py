from __future__ import annotations

import contextlib

import pytest

from workbench.sandbox.base_image import find_base
from workbench.sandbox.daemon import DaemonError, ask_daemon, connect
from workbench.sandbox.distribution import read_host
from workbench.sandbox.runtimes import (
    Runtime,
    gvisor_runtimes,
    judge,
    known_trouble,
    prove,
    run_in_container,
    runsc_version,
    usable_runtime,
)
from workbench.sandbox.sandbox import SandboxError

BOOT = "[    0.000000] Starting gVisor..."
VERSION = "Linux version 4.4.0 #1 SMP Sun Jan 10 15:06:54 PST 2016"


def test_ours_comes_first_then_runsc_then_others_of_the_same_binary() -> None:
    found = gvisor_runtimes(
        {
            "z-runsc": {"path": "/usr/bin/runsc", "runtimeArgs": ["--platform=ptrace"]},
            "kata": {"path": "/usr/bin/kata"},
            "hidden": {"path": "/opt/runsc-20261012/runsc"},
            "runsc": {"runtimeType": "io.containerd.runsc.v1"},
            "runc": {"path": "runc"},
            "workbench-runsc": {"path": "/usr/bin/runsc", "runtimeArgs": None},
        }
    )
    assert [runtime.name for runtime in found] == ["workbench-runsc", "runsc", "hidden", "z-runsc"]
    assert found[3].args == ("--platform=ptrace",)


@pytest.mark.parametrize(
    ("args", "version", "kernel", "trouble"),
    [
        ((), "0.0~20240729.0", "6.18.44", True),
        ((), "release-20240729.0", "6.11.0-rc1", True),
        ((), "0.0~20240729.0", "6.10.9", False),
        ((), "release-20240805.0", "6.18.44", False),
        (("--network=none",), "0.0~20240729.0", "6.18.44", False),
        (("--network=host",), "0.0~20221219.0", "6.18.44", False),
        ((), None, "6.18.44", False),
        ((), "0.0~20240729.0", "unknown", False),
        (("--network=sandbox",), "0.0~20240729.0", "7.0", True),
    ],
)
def test_starts_that_would_leave_processes_behind_are_not_tried(
    args: tuple[str, ...], version: str | None, kernel: str, trouble: bool
) -> None:
    assert (known_trouble(Runtime("runsc", "/usr/bin/runsc", args), version, kernel) is not None) is trouble


def test_kvm_without_its_device_would_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pathlib.Path.exists", lambda self: False)
    runtime = Runtime("runsc", "/usr/bin/runsc", ("--platform=kvm", "--network=none"))
    assert "kvm" in str(known_trouble(runtime, "release-20261012.0", "6.18"))


@pytest.mark.parametrize(
    ("lines", "gvisor"),
    [
        ([BOOT, "4.4.0", VERSION, "lo"], True),
        (["", "6.18.44", "Linux version 6.18.44 (builder)", "lo"], False),
        ([BOOT, "6.18.44", VERSION], False),
        ([BOOT, "4.4.0", "Linux version 6.18.44"], False),
        ([BOOT], False),
        ([], False),
    ],
)
def test_only_what_fits_gvisor_and_nothing_of_the_host_is_a_proof(lines: list[str], gvisor: bool) -> None:
    assert judge(lines, "x", "6.18.44").gvisor is gvisor


def test_the_proof_tells_the_interfaces() -> None:
    assert judge([BOOT, "4.4.0", VERSION, "    lo", "  eth0", ""], "x", "6.18").interfaces == ("lo", "eth0")


def test_a_binary_that_does_not_run_has_no_version() -> None:
    assert runsc_version("/no/such/runsc") is None
    assert runsc_version("/bin/false") is None


def test_without_gvisor_there_is_nothing_usable() -> None:
    assert usable_runtime([], "6.1") is None


@pytest.mark.docker
def test_gvisor_proves_itself_and_runc_does_not() -> None:
    with contextlib.closing(connect(60)) as client:
        facts = ask_daemon(client)
        base = find_base(client, read_host())
        assert base, "run `workbench setup` first"
        runtime = usable_runtime(gvisor_runtimes(facts.runtimes), facts.kernel)
        assert runtime
        proof = prove(client, runtime.name, base.id, facts.kernel)
        assert proof.gvisor and proof.kernel != facts.kernel and proof.interfaces == ("lo",)
        assert not prove(client, "runc", base.id, facts.kernel).gvisor
        with pytest.raises(DaemonError, match="no-such-runtime"):
            prove(client, "no-such-runtime", base.id, facts.kernel)
        with pytest.raises(SandboxError, match="exit code 3: alas"):
            run_in_container(client, base.id, ["sh", "-c", "echo alas; exit 3"], runtime=runtime.name)
