"""What the steps of `workbench setup` work on, and the ways in which a step can end other than well."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from workbench.sandbox.apt import Apt
from workbench.sandbox.base_recipe import Way
from workbench.sandbox.daemon import DaemonFacts, ask_daemon, connect
from workbench.sandbox.distribution import Host
from workbench.sandbox.sandbox import SandboxError
from workbench.sandbox.shell import Progress, Shell, find_program

if TYPE_CHECKING:
    from docker import DockerClient


class ByHandError(SandboxError):
    """A step that cannot be done for the user: the commands that do it; lines that begin with # are remarks."""

    def __init__(self, reason: str, commands: Sequence[str]) -> None:
        self.commands = tuple(commands)
        super().__init__(reason)


class NewGroupError(SandboxError):
    """The user was put into the group `docker`; only programs that are started anew are in it."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What the steps work on. `way` is how the base image is to be made, None for the best that can be."""

    host: Host
    shell: Shell
    apt: Apt
    progress: Progress
    way: Way | None = None
    rebuild: bool = False


class Step(Protocol):
    """One idempotent step."""

    @property
    def name(self) -> str:
        """What it brings, for a person."""
        ...

    def done(self, machine: Machine) -> str | None:
        """What is there already, in a few words; None if there is something to do."""
        ...

    def do(self, machine: Machine) -> str:
        """Do it; gives what is there now. Raises SandboxError, of which ByHandError and NewGroupError are kinds."""
        ...


@contextlib.contextmanager
def open_daemon(timeout: float = 10.0) -> Iterator[tuple[DockerClient, DaemonFacts]]:
    """A client that is closed afterwards, and what the daemon says of itself."""
    with contextlib.closing(connect(timeout)) as client:
        yield client, ask_daemon(client)


def need_apt(machine: Machine, by_hand: Sequence[str]) -> None:
    """Raise ByHandError unless packages can be installed by apt and run gVisor here."""
    if machine.host.family is None or not machine.host.runs_gvisor:
        raise ByHandError(f"{machine.host.name} is set up by hand.", by_hand)
    need_root(machine, [f"sudo {our_command()} setup", "# or:", *by_hand])


def need_root(machine: Machine, by_hand: Sequence[str]) -> None:
    """Raise ByHandError unless commands can be run as root."""
    if not machine.shell.can_be_root:
        raise ByHandError("This needs root, and neither root nor sudo without a password is available.", by_hand)


def our_command() -> str:
    """The command `workbench` by its path, as root's PATH may not have it."""
    return shutil.which("workbench") or "workbench"


def can_unshare(user: str) -> bool:
    """True if a user who is not root can unpack a root file system: subordinate ids and the programs that map them."""
    try:
        granted = Path("/etc/subuid").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    return any(line.startswith(f"{user}:") for line in granted) and find_program("newuidmap") is not None
