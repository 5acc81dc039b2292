from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from workbench.sandbox import runtime_registration, setup_machine, setup_steps
from workbench.sandbox.apt import Apt
from workbench.sandbox.daemon import DaemonError, DaemonFacts
from workbench.sandbox.daemon_config import DaemonConfigError, RuntimeEntry, registered_runtime
from workbench.sandbox.distribution import Host, read_host
from workbench.sandbox.runtime_registration import register
from workbench.sandbox.runtimes import OUR_RUNTIME
from workbench.sandbox.sandbox import Proof
from workbench.sandbox.setup_machine import ByHandError, Machine, NewGroupError, can_unshare
from workbench.sandbox.setup_steps import (
    STEPS,
    InstallDocker,
    InstallRunsc,
    JoinGroup,
    RegisterRuntime,
    StartDaemon,
    describe_proof,
)
from workbench.sandbox.shell import CommandError, Progress, Shell, ignore_progress

DEBIAN = Host("Linux", "x86_64", "6.1", "Debian 12", ("debian",), "bookworm", root=True, user="joe")
ENTRY = RuntimeEntry("/usr/bin/runsc", ("--network=none", "--platform=systrap"))


class RecordingShell(Shell):
    """A shell that runs as root without being root, and remembers."""

    __slots__ = ("commands", "fails")

    def __init__(self, sudo: tuple[str, ...] | None = ()) -> None:
        super().__init__(sudo)
        object.__setattr__(self, "commands", [])

    commands: list[Sequence[str]]

    def run(
        self,
        command: Sequence[str],
        *,
        as_root: bool = False,
        timeout: float = 60.0,
        progress: Progress = ignore_progress,
        environment: Mapping[str, str] | None = None,
    ) -> str:
        self.commands.append(command)
        if command[0] in {"install", "mv", "cp", "rm"}:
            return super().run(command, timeout=timeout, progress=progress)
        return "Candidate: 1" if command[0] == "apt-cache" else ""


def _machine(shell: Shell, host: Host = DEBIAN) -> Machine:
    return Machine(host, shell, Apt(host, shell), lambda line: None)


def _no_daemon(timeout: float = 1) -> Any:
    raise DaemonError("No Docker daemon answers.", reason="not running")


def _forbidden(timeout: float = 1) -> Any:
    raise DaemonError("may not use it", reason="permission")


def _daemon(kind: Any = "engine", **runtimes: Mapping[str, Any]) -> Any:
    @contextmanager
    def opened(timeout: float = 1) -> Iterator[tuple[None, DaemonFacts]]:
        yield None, DaemonFacts("28.0", "6.18.0", "x86_64", Path("/var/lib/docker"), kind, runtimes)

    return opened


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The path of a daemon.json that is not there, and no daemon."""
    path = tmp_path / "etc/docker/daemon.json"
    for module in (runtime_registration, setup_steps):
        monkeypatch.setattr(module, "config_file", lambda: path)
        monkeypatch.setattr(module, "open_daemon", _no_daemon)
    monkeypatch.setattr(runtime_registration, "daemon_pid", lambda: None)
    return path


def test_registering_makes_folder_and_file(config: Path) -> None:
    register(_machine(RecordingShell()), ENTRY)
    assert registered_runtime(config.read_text(), OUR_RUNTIME) == ENTRY
    assert config.stat().st_mode & 0o777 == 0o644
    assert [file.name for file in config.parent.iterdir()] == ["daemon.json"]


def test_what_was_there_stays_and_is_kept_aside_once(config: Path) -> None:
    config.parent.mkdir(parents=True)
    config.write_text('{\n  "debug": true\n}\n')
    config.chmod(0o600)
    shell = RecordingShell()
    register(_machine(shell), ENTRY)
    register(_machine(shell), replace(ENTRY, args=("--network=none", "--platform=ptrace")))
    assert json.loads(config.read_text())["debug"] is True
    assert config.stat().st_mode & 0o777 == 0o600
    backup = config.with_name("daemon.json.before-agent-workbench")
    assert json.loads(backup.read_text()) == {"debug": True}


def test_a_second_time_runs_no_command(config: Path) -> None:
    register(_machine(RecordingShell()), ENTRY)
    shell = RecordingShell()
    register(_machine(shell), ENTRY)
    assert shell.commands == []


def test_a_link_is_followed_and_not_replaced(config: Path, tmp_path: Path) -> None:
    config.parent.mkdir(parents=True)
    real = tmp_path / "real.json"
    real.write_text("{}")
    config.symlink_to(real)
    register(_machine(RecordingShell()), ENTRY)
    assert config.is_symlink() and registered_runtime(real.read_text(), OUR_RUNTIME) == ENTRY


def test_a_broken_file_is_not_touched(config: Path) -> None:
    config.parent.mkdir(parents=True)
    config.write_text("{ broken")
    with pytest.raises(DaemonConfigError, match=r"daemon\.json:1:3"):
        register(_machine(RecordingShell()), ENTRY)
    assert config.read_text() == "{ broken"


def test_without_root_the_user_is_shown_what_to_add(config: Path) -> None:
    with pytest.raises(ByHandError) as by_hand:
        register(_machine(RecordingShell(None)), ENTRY)
    assert OUR_RUNTIME in by_hand.value.commands[0]
    assert not config.exists()


@pytest.mark.parametrize(
    ("kind", "said"),
    [("podman", "Docker Engine"), ("desktop", "Docker Engine"), ("remote", "another machine"), ("rootless", "by hand")],
)
def test_a_daemon_that_is_not_ours_to_set_up(
    config: Path, kind: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime_registration, "open_daemon", _daemon(kind))
    with pytest.raises(ByHandError, match=said):
        register(_machine(RecordingShell()), ENTRY)
    assert not config.exists()


def test_a_runsc_of_the_users_own_needs_no_runtime_of_ours(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    newer = {"path": "/opt/new/runsc", "runtimeArgs": ["--network=none"]}
    monkeypatch.setattr(setup_steps, "open_daemon", _daemon(runsc=newer))
    assert "runsc" in str(RegisterRuntime().done(_machine(RecordingShell())))


@pytest.mark.parametrize("runtimes", [{"other-runsc": {"path": "/usr/bin/runsc"}}, {"runc": {"path": "runc"}}, {}])
def test_other_runtimes_do_not_count(config: Path, runtimes: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup_steps, "open_daemon", _daemon(**runtimes))
    assert RegisterRuntime().done(_machine(RecordingShell())) is None


def test_before_docker_is_there_the_file_tells(config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    step, machine = RegisterRuntime(), _machine(RecordingShell())
    assert step.done(machine) is None
    monkeypatch.setattr(setup_steps, "find_program", lambda name: "/usr/bin/runsc")
    step.do(machine)
    assert OUR_RUNTIME in str(step.done(machine))


def test_joining_the_group_needs_a_new_login(monkeypatch: pytest.MonkeyPatch) -> None:
    shell = RecordingShell()
    with pytest.raises(NewGroupError, match="sg docker"):
        JoinGroup().do(_machine(shell))
    assert shell.commands == [["usermod", "-aG", "docker", "joe"]]


def test_a_daemon_that_may_not_be_used_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup_steps, "open_daemon", _forbidden)
    machine = _machine(RecordingShell())
    assert InstallDocker().done(machine) and StartDaemon().done(machine)


def test_on_other_systems_the_vendors_steps_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = _machine(RecordingShell(), Host("Linux", "x86_64", "6.1", "Fedora 43", ("fedora",)))
    for step, word in ((InstallDocker(), "moby-engine"), (InstallRunsc(), "gvisor.dev")):
        with pytest.raises(ByHandError, match="Fedora 43 is set up by hand") as by_hand:
            step.do(machine)
        assert word in "\n".join(by_hand.value.commands)


def test_subordinate_ids_let_a_user_unpack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup_machine, "find_program", lambda name: "/usr/bin/newuidmap")
    assert not can_unshare("nobody-has-this-name")


def test_a_proof_in_words() -> None:
    proof = Proof(True, "x", "4.4.0", "6.18", "[    0.000000] Starting gVisor...")
    assert describe_proof(proof) == "inside x the kernel is 4.4.0 (Starting gVisor...), outside 6.18"
    assert "is not gVisor" in describe_proof(replace(proof, gvisor=False))


def test_a_read_only_file_system_is_told(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime_registration, "config_file", lambda: Path("/proc/none/daemon.json"))
    with pytest.raises(CommandError, match=r"install.*cannot create"):
        register(_machine(RecordingShell()), ENTRY)


@pytest.mark.docker
def test_on_a_machine_that_is_set_up_every_step_is_done() -> None:
    host = read_host()
    shell = RecordingShell()
    machine = _machine(shell, host)
    found = {step.name: step.done(machine) for step in STEPS}
    assert all(found.values()), found
    assert shell.commands == [], "looking runs no command as root"
