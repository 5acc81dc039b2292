"""Installing packages on Debian and Ubuntu, without ever starting a service that is not configured yet."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from workbench.sandbox.apt_sources import (
    backports_pin,
    backports_source,
    offers_suite,
    read_apt_sources,
    render_deb822,
)
from workbench.sandbox.distribution import Host
from workbench.sandbox.sandbox import SandboxError
from workbench.sandbox.shell import CommandError, Progress, Shell

NEWER_IN_BACKPORTS: Final = frozenset({"bookworm"})
"""Suites whose own runsc is too old (2022 in bookworm) and whose backports have a newer one."""
BACKPORTS_SOURCE: Final = Path("/etc/apt/sources.list.d/agent-workbench-backports.sources")
BACKPORTS_PIN: Final = Path("/etc/apt/preferences.d/agent-workbench-backports")
_POLICY: Final = Path("/usr/sbin/policy-rc.d")
_POLICY_TEXT: Final = "#!/bin/sh\n# Written by agent-workbench for the time of an installation.\nexit 101\n"
_OPTIONS: Final = ("-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=3", "-o", "Dpkg::Use-Pty=0")
_ENVIRONMENT: Final = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8", "NEEDRESTART_SUSPEND": "1"}
_INSTALL_SECONDS: Final = 1200.0


class Apt:
    """The machine's apt: refreshes its lists at most once, unless its sources change."""

    def __init__(self, host: Host, shell: Shell) -> None:
        self._host = host
        self._shell = shell
        self._fresh = False

    def has(self, package: str) -> bool:
        """True if the lists have a version of the package to install."""
        policy = self._shell.run(["apt-cache", "policy", package], environment=_ENVIRONMENT)
        return "Candidate: " in policy and "Candidate: (none)" not in policy

    def refresh(self, progress: Progress) -> None:
        """Fetch the lists of all sources.

        Raises:
            CommandError: a source could not be fetched, or another program held the lock for five minutes.
        """
        if not self._fresh:
            command = ["apt-get", *_OPTIONS, "-q", "update"]
            self._shell.run(command, as_root=True, timeout=600, progress=progress, environment=_ENVIRONMENT)
            self._fresh = True

    def install(self, packages: Sequence[str], progress: Progress, release: str | None = None) -> None:
        """Install packages without what they only recommend; `release` prefers a suite. Services are not started
        where there is no systemd to start them.

        Raises:
            CommandError: apt-get failed; the message has its last lines.
        """
        self.refresh(progress)
        command = ["apt-get", *_OPTIONS, "-q", "-y", "--no-install-recommends", "install"]
        command += [*(["-t", release] if release else []), "--", *packages]
        with self._services_kept_down():
            self._shell.run(
                command, as_root=True, timeout=_INSTALL_SECONDS, progress=progress, environment=_ENVIRONMENT
            )

    def backports_for_runsc(self, progress: Progress) -> str | None:
        """The backports suite to take runsc from, added to apt's sources if it must be; None if there is none.

        A mirror without backports changes nothing: what was added is removed again.
        """
        codename = self._host.codename
        if codename not in NEWER_IN_BACKPORTS or self._host.family != "debian":
            return None
        suite = f"{codename}-backports"
        sources = read_apt_sources()
        if offers_suite(sources, suite):
            return suite
        stanza = render_deb822([backports_source(sources, "debian", codename)])
        write_as_root(self._shell, BACKPORTS_SOURCE, stanza, progress)
        write_as_root(self._shell, BACKPORTS_PIN, backports_pin(codename, "runsc"), progress)
        self._fresh = False
        try:
            self.refresh(progress)
        except CommandError:
            progress(f"the mirror has no {suite}: going on without it")
            self._shell.run(["rm", "-f", str(BACKPORTS_SOURCE), str(BACKPORTS_PIN)], as_root=True)
            return None
        return suite

    @contextlib.contextmanager
    def _services_kept_down(self) -> Iterator[None]:
        """Without systemd, packages would start their daemon by an init script: say no, by Debian's own means.

        A policy that is there already (in containers, mostly) stays as it is.
        """
        there = _read(_POLICY)
        if self._host.systemd or (there is not None and there != _POLICY_TEXT):
            yield
            return
        write_as_root(self._shell, _POLICY, _POLICY_TEXT, lambda line: None, mode="0755")
        try:
            yield
        finally:
            self._shell.run(["rm", "-f", str(_POLICY)], as_root=True)


def write_as_root(shell: Shell, path: Path, text: str, progress: Progress, mode: str = "0644") -> None:
    """Write a file that belongs to root, at once or not at all; makes the folders above it.

    Raises:
        CommandError: it cannot be written, for example because the file system is read-only.
    """
    new = path.with_name(f".{path.name}.agent-workbench-new")
    try:
        with tempfile.NamedTemporaryFile("w", prefix="agent-workbench-", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            shell.run(["install", "-D", "-m", mode, file.name, str(new)], as_root=True)
            shell.run(["mv", "-f", str(new), str(path)], as_root=True)
    except OSError as error:
        raise SandboxError(f"{path} cannot be written: {error}") from error
    progress(f"wrote {path}")


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
