from __future__ import annotations

from pathlib import Path

import pytest

from workbench.sandbox.distribution import Host, describe_linux, parse_os_release, read_host

BOOKWORM = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_CODENAME=bookworm\nID=debian\n'
NOBLE = 'PRETTY_NAME="Ubuntu 24.04 LTS"\nVERSION_CODENAME=noble\nID=ubuntu\nID_LIKE=debian\nUBUNTU_CODENAME=noble\n'
MINT = 'ID=linuxmint\nID_LIKE="ubuntu debian"\nVERSION_CODENAME=wilma\nUBUNTU_CODENAME=noble\n'
FEDORA = '# comment\nNAME="Fedora Linux"\nID=fedora\nPRETTY_NAME="Fedora Linux 43"\nVERSION_CODENAME=""\n'
SID = "PRETTY_NAME='Debian GNU/Linux sid'\nID=debian\n"


@pytest.mark.parametrize(
    ("text", "family", "codename"),
    [
        (BOOKWORM, "debian", "bookworm"),
        (NOBLE, "ubuntu", "noble"),
        (MINT, "ubuntu", "noble"),
        (FEDORA, None, ""),
        (SID, "debian", "sid"),
        ("", None, ""),
    ],
)
def test_a_linux_is_known_by_its_os_release(text: str, family: str | None, codename: str) -> None:
    name, ids, found = describe_linux(parse_os_release(text))
    host = Host("Linux", "x86_64", "6.1", name, ids, found)
    assert (host.family, host.codename) == (family, codename)
    assert name


def test_a_broken_quote_is_no_reason_to_fail() -> None:
    assert parse_os_release('NAME="half\nID=debian\n=x\n')["ID"] == "debian"


@pytest.mark.parametrize(
    ("system", "machine", "runs"),
    [
        ("Linux", "x86_64", True),
        ("Linux", "aarch64", True),
        ("Linux", "riscv64", False),
        ("Darwin", "arm64", False),
        ("Windows", "AMD64", False),
    ],
)
def test_where_gvisor_runs(system: str, machine: str, runs: bool) -> None:
    assert Host(system, machine, "", "").runs_gvisor is runs


def test_the_distribution_has_its_own_names_for_processors() -> None:
    names = [Host("Linux", machine, "", "").debian_architecture for machine in ("x86_64", "aarch64", "riscv64")]
    assert names == ["amd64", "arm64", "riscv64"]


def test_this_machine_is_read_from_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.system", lambda: "Linux")
    monkeypatch.setattr("platform.release", lambda: "5.15.90.1-microsoft-standard-WSL2")
    (tmp_path / "usr/lib").mkdir(parents=True)
    (tmp_path / "usr/lib/os-release").write_text(NOBLE)
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    host = read_host(tmp_path)
    assert (host.name, host.systemd, host.wsl, host.family) == ("Ubuntu 24.04 LTS", True, True, "ubuntu")


def test_a_mac_is_no_linux(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.system", lambda: "Darwin")
    host = read_host(tmp_path)
    assert (host.family, host.systemd, host.runs_gvisor) == (None, False, False)
    assert host.name.startswith("macOS")
