from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from workbench.sandbox import apt as module
from workbench.sandbox.apt import Apt, write_as_root
from workbench.sandbox.apt_sources import parse_one_line
from workbench.sandbox.distribution import Host
from workbench.sandbox.shell import CommandError, Progress, Shell, ignore_progress

BOOKWORM = Host("Linux", "x86_64", "6.1", "Debian 12", ("debian",), "bookworm", root=True)
TRIXIE = Host("Linux", "x86_64", "6.12", "Debian 13", ("debian",), "trixie", systemd=True, root=True)


class AptShell(Shell):
    """Remembers commands of apt and whether services might start; writes files for real."""

    __slots__ = ("commands", "environments", "no_backports", "policies")

    commands: list[Sequence[str]]
    policies: list[str | None]
    environments: list[Mapping[str, str]]
    no_backports: bool

    def __init__(self, *, no_backports: bool = False) -> None:
        super().__init__(())
        for name, value in (("commands", []), ("policies", []), ("environments", []), ("no_backports", no_backports)):
            object.__setattr__(self, name, value)

    def run(
        self,
        command: Sequence[str],
        *,
        as_root: bool = False,
        timeout: float = 60.0,
        progress: Progress = ignore_progress,
        environment: Mapping[str, str] | None = None,
    ) -> str:
        if command[0] in {"install", "mv", "rm"}:
            return super().run(command, timeout=timeout)
        self.commands.append(command)
        self.environments.append(environment or {})
        policy = module._POLICY
        self.policies.append(policy.read_text() if policy.exists() else None)
        if self.no_backports and command[-1] == "update" and module.BACKPORTS_SOURCE.exists():
            raise CommandError(command, "ended with exit code 100", ["E: no Release file"])
        return ""


@pytest.fixture(autouse=True)
def own_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(module, "_POLICY", tmp_path / "policy-rc.d")
    monkeypatch.setattr(module, "BACKPORTS_SOURCE", tmp_path / "sources.list.d/ours.sources")
    monkeypatch.setattr(module, "BACKPORTS_PIN", tmp_path / "preferences.d/ours")
    mirror = parse_one_line("deb [signed-by=/k.gpg] http://mirror.example/debian bookworm main")
    monkeypatch.setattr(module, "read_apt_sources", lambda: mirror)
    return tmp_path


def test_an_installation_waits_for_locks_asks_nothing_and_refreshes_once() -> None:
    shell = AptShell()
    apt = Apt(TRIXIE, shell)
    apt.install(["a", "b"], ignore_progress)
    apt.install(["c"], ignore_progress, "trixie-backports")
    update, first, second = shell.commands
    assert update[-1] == "update"
    assert "--no-install-recommends" in first and first[-3:] == ["--", "a", "b"]
    assert second[-4:] == ["-t", "trixie-backports", "--", "c"]
    assert all(any("Lock::Timeout" in word for word in command) for command in shell.commands)
    assert all(environment["DEBIAN_FRONTEND"] == "noninteractive" for environment in shell.environments)


def test_without_systemd_no_service_is_started_by_a_package(own_files: Path) -> None:
    shell = AptShell()
    Apt(BOOKWORM, shell).install(["docker.io"], ignore_progress)
    assert "exit 101" in str(shell.policies[-1])
    assert not (own_files / "policy-rc.d").exists()


def test_with_systemd_the_package_starts_its_service() -> None:
    shell = AptShell()
    Apt(TRIXIE, shell).install(["docker.io"], ignore_progress)
    assert shell.policies == [None, None]


def test_a_policy_of_the_administrator_stays(own_files: Path) -> None:
    (own_files / "policy-rc.d").write_text("#!/bin/sh\nexit 0\n")
    Apt(BOOKWORM, AptShell()).install(["docker.io"], ignore_progress)
    assert (own_files / "policy-rc.d").read_text() == "#!/bin/sh\nexit 0\n"


def test_a_policy_that_a_crash_of_ours_left_is_removed(own_files: Path) -> None:
    (own_files / "policy-rc.d").write_text(module._POLICY_TEXT)
    Apt(BOOKWORM, AptShell()).install(["docker.io"], ignore_progress)
    assert not (own_files / "policy-rc.d").exists()


def test_bookworm_gets_backports_of_its_own_mirror(own_files: Path) -> None:
    apt = Apt(BOOKWORM, AptShell())
    assert apt.backports_for_runsc(ignore_progress) == "bookworm-backports"
    text = (own_files / "sources.list.d/ours.sources").read_text()
    assert "http://mirror.example/debian" in text and "Signed-By: /k.gpg" in text
    assert "Package: runsc" in (own_files / "preferences.d/ours").read_text()


def test_a_mirror_without_backports_leaves_nothing_behind(own_files: Path) -> None:
    apt = Apt(BOOKWORM, AptShell(no_backports=True))
    assert apt.backports_for_runsc(ignore_progress) is None
    assert list((own_files / "sources.list.d").iterdir()) == []
    assert list((own_files / "preferences.d").iterdir()) == []


def test_backports_that_are_there_are_used_as_they_are(own_files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = parse_one_line("deb http://mirror.example/debian bookworm-backports main")
    monkeypatch.setattr(module, "read_apt_sources", lambda: there)
    assert Apt(BOOKWORM, AptShell()).backports_for_runsc(ignore_progress) == "bookworm-backports"
    assert not (own_files / "sources.list.d").exists()


def test_newer_suites_need_no_backports() -> None:
    assert Apt(TRIXIE, AptShell()).backports_for_runsc(ignore_progress) is None


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "deep/folder/file"
    write_as_root(AptShell(), target, "text", ignore_progress, mode="0600")
    assert target.read_text() == "text" and target.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in target.parent.iterdir()] == ["file"]
    with pytest.raises(CommandError):
        write_as_root(AptShell(), Path("/proc/none/file"), "text", ignore_progress)
