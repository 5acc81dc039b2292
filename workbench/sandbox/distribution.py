"""Which operating system this is, as far as installing Docker and gVisor depends on it."""

from __future__ import annotations

import getpass
import os
import platform
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

GVISOR_ARCHITECTURES = frozenset({"x86_64", "amd64", "aarch64", "arm64"})
"""Processors that gVisor runs on (gvisor.dev, "Installation")."""


@dataclass(frozen=True, slots=True)
class Host:
    """The machine: `system` is Linux, Darwin or Windows; `ids` are ID and ID_LIKE of os-release, closest first."""

    system: str
    machine: str
    kernel: str
    name: str
    ids: tuple[str, ...] = ()
    codename: str = ""
    systemd: bool = False
    wsl: bool = False
    root: bool = False
    user: str = ""

    @property
    def family(self) -> Literal["debian", "ubuntu"] | None:
        """Whose archive the packages come from; None where there is no apt archive of the two."""
        if self.system != "Linux":
            return None
        if "ubuntu" in self.ids:
            return "ubuntu"
        return "debian" if "debian" in self.ids else None

    @property
    def runs_gvisor(self) -> bool:
        """True where gVisor can run at all: Linux on a processor that it supports."""
        return self.system == "Linux" and self.machine.lower() in GVISOR_ARCHITECTURES

    @property
    def debian_architecture(self) -> str:
        """The processor by the name that Debian gives it."""
        return {"x86_64": "amd64", "aarch64": "arm64"}.get(self.machine.lower(), self.machine.lower())


def parse_os_release(text: str) -> Mapping[str, str]:
    """The variables of an os-release file (man os-release): NAME=value, the value quoted as in a shell."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, equals, value = line.strip().partition("=")
        if not equals or name.startswith("#"):
            continue
        try:
            found[name] = " ".join(shlex.split(value))
        except ValueError:
            found[name] = value.strip("\"'")
    return found


def describe_linux(os_release: Mapping[str, str]) -> tuple[str, tuple[str, ...], str]:
    """Name, ids and codename of a Linux. A derivative of Ubuntu is known by Ubuntu's codename."""
    ids = (os_release.get("ID", "linux"), *os_release.get("ID_LIKE", "").split())
    codename = os_release.get("UBUNTU_CODENAME") or os_release.get("VERSION_CODENAME", "")
    if not codename and os_release.get("ID") == "debian":
        codename = "sid"
    return os_release.get("PRETTY_NAME", ids[0]), ids, codename


def read_host(root: Path = Path("/")) -> Host:
    """Look at this machine. `root` is where its files are read from."""
    system, kernel = platform.system(), platform.release()
    linux = system == "Linux"
    if linux:
        name, ids, codename = describe_linux(parse_os_release(_os_release(root)))
    else:
        name, ids, codename = f"macOS {platform.mac_ver()[0]}" if system == "Darwin" else f"{system} {kernel}", (), ""
    return Host(
        system=system,
        machine=platform.machine(),
        kernel=kernel,
        name=name,
        ids=ids,
        codename=codename,
        systemd=linux and (root / "run/systemd/system").is_dir(),
        wsl=linux and "microsoft" in kernel.lower(),
        root=hasattr(os, "geteuid") and os.geteuid() == 0,
        user=_user(),
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def _os_release(root: Path) -> str:
    for path in (root / "etc/os-release", root / "usr/lib/os-release"):
        try:
            return path.read_text(errors="replace")
        except OSError:
            continue
    return ""
