"""The Docker daemon: reaching it, starting it, making it read its configuration again."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from workbench.sandbox.distribution import Host
from workbench.sandbox.sandbox import SandboxError
from workbench.sandbox.shell import SYSTEM_PATH, CommandError, Progress, Shell, ignore_progress

if TYPE_CHECKING:
    from docker import DockerClient

DAEMON_LOG: Final = Path("/var/log/agent-workbench-dockerd.log")
"""Where a daemon that we started writes, on a machine without systemd."""
_PID_FILES: Final = (Path("/var/run/docker.pid"), Path("/run/docker.pid"))
_CONFIG_FILE: Final = Path("/etc/docker/daemon.json")

Unreachable = Literal["sdk", "permission", "not running", "failed"]


class DaemonError(SandboxError):
    """The daemon cannot be reached or does not do what it was asked; `mend` is the one command to try next."""

    def __init__(self, text: str, *, reason: Unreachable = "failed", mend: str = "workbench setup") -> None:
        self.reason: Unreachable = reason
        self.mend = mend
        super().__init__(text)


def connect(timeout: float = 10.0) -> DockerClient:
    """A client of the daemon that the `docker` command would talk to; it answered just now.

    `timeout` is in seconds, for this and every later call that names none of its own. Close the client after use.

    Raises:
        DaemonError: there is none, it may not be used, or it does not answer in time.
    """
    try:
        import docker
        from docker.errors import DockerException
    except ImportError as error:
        text = f"The Docker SDK for Python cannot be imported ({error})."
        raise DaemonError(text, reason="sdk", mend="pip install 'docker>=7.2'") from error
    try:
        client = docker.from_env(timeout=timeout, version="auto")  # type: ignore[arg-type]  # floats work
        client.ping()
    except (DockerException, OSError, ValueError) as error:
        raise _unreachable(error) from error
    return client


def _unreachable(error: BaseException) -> DaemonError:
    causes = list(_causes(error))
    where = os.environ.get("DOCKER_HOST", "the Docker socket")
    if any(isinstance(cause, PermissionError) for cause in causes):
        user = os.environ.get("USER", "$USER")
        text = "The Docker daemon is there, but this user may not use it (not in the group `docker`)."
        return DaemonError(text, reason="permission", mend=f"sudo usermod -aG docker {user} && newgrp docker")
    if any(isinstance(cause, FileNotFoundError | ConnectionRefusedError) for cause in causes):
        return DaemonError(f"No Docker daemon answers at {where}.", reason="not running")
    return DaemonError(f"The Docker daemon at {where} does not answer: {first_line(error)}", reason="failed")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error, what it was raised from, and the errors that requests and urllib3 keep among its arguments."""
    seen: set[int] = set()
    open_errors: list[BaseException] = [error]
    while open_errors:
        current = open_errors.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        linked = (current.__cause__, current.__context__, getattr(current, "reason", None), *current.args)
        open_errors += [item for item in linked if isinstance(item, BaseException)]


def first_line(error: BaseException) -> str:
    """The first line of what an error of the Docker SDK says, the daemon's own words if there are any."""
    text = str(getattr(error, "explanation", None) or error).strip()
    return text.splitlines()[0][:300] if text else type(error).__name__


@dataclass(frozen=True, slots=True)
class DaemonFacts:
    """What the daemon says of itself. `kind` is what is behind the socket, as far as it matters for runtimes."""

    version: str
    kernel: str
    machine: str
    root: Path
    kind: Literal["engine", "rootless", "desktop", "podman", "remote"]
    runtimes: Mapping[str, Mapping[str, Any]]


def ask_daemon(client: DockerClient) -> DaemonFacts:
    """Ask the daemon for its facts.

    Raises:
        DaemonError: it did not answer.
    """
    from docker.errors import DockerException

    try:
        info, version = client.info(), client.version()
    except (DockerException, OSError) as error:
        raise _unreachable(error) from error
    return DaemonFacts(
        version=str(version.get("Version", "?")),
        kernel=str(info.get("KernelVersion", "")),
        machine=str(info.get("Architecture", "")),
        root=Path(str(info.get("DockerRootDir") or "/var/lib/docker")),
        kind=_daemon_kind(info, version, str(client.api.base_url)),
        runtimes=info.get("Runtimes") or {},
    )


def _daemon_kind(
    info: Mapping[str, Any], version: Mapping[str, Any], base_url: str
) -> Literal["engine", "rootless", "desktop", "podman", "remote"]:
    if "podman" in json.dumps(version.get("Components") or "").lower():
        return "podman"
    if "Docker Desktop" in str(info.get("OperatingSystem", "")):
        return "desktop"
    if not base_url.startswith(("http+docker", "unix:")):
        return "remote"
    return "rootless" if "name=rootless" in (info.get("SecurityOptions") or []) else "engine"


def daemon_pid() -> int | None:
    """The process id of the daemon on this machine, from its pid file, if it lives."""
    for file in _PID_FILES:
        try:
            pid = int(file.read_text().strip())
            if Path(f"/proc/{pid}/comm").read_text().startswith("docker"):
                return pid
        except (OSError, ValueError):
            continue
    return None


def config_file(command_line: bytes | None = None) -> Path:
    """The daemon's configuration file: the one that it was started with, else /etc/docker/daemon.json.

    `command_line` is as in /proc/PID/cmdline; by default the running daemon's is read.

    Raises:
        DaemonError: the daemon has runtimes on its command line, which excludes them from the file.
    """
    arguments = (_command_line() if command_line is None else command_line).decode(errors="replace").split("\0")
    if any(argument.startswith("--add-runtime") for argument in arguments):
        raise DaemonError(
            "The Docker daemon was started with --add-runtime, so its configuration file may name no runtimes. "
            "Move that option into daemon.json, restart the daemon, then run `workbench setup` again."
        )
    for position, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if name == "--config-file":
            return Path(value if equals else arguments[position + 1])
    return _CONFIG_FILE


def _command_line() -> bytes:
    pid = daemon_pid()
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() if pid else b""
    except OSError:
        return b""


def reload_daemon(shell: Shell, host: Host) -> None:
    """Make the running daemon read its configuration again, without a restart.

    Raises:
        DaemonError: it cannot be told so.
    """
    if host.systemd:
        try:
            shell.run(["systemctl", "reload", "docker"], as_root=True, timeout=30)
            return
        except CommandError:
            pass  # started by something else than the unit `docker`: a snap, a script
    pid = daemon_pid()
    if pid is None:
        raise DaemonError("The Docker daemon has no pid file on this machine: make it reload daemon.json yourself.")
    shell.run(["kill", "-HUP", str(pid)], as_root=True, timeout=10)


def start_daemon(shell: Shell, host: Host, progress: Progress = ignore_progress, timeout: float = 60.0) -> None:
    """Start the daemon and wait until it answers: by systemd, or where there is none as a process of its own.

    Raises:
        DaemonError: it does not come up within `timeout` seconds, with the last lines of its log.
        CommandError: it cannot be started at all.
    """
    if host.systemd:
        shell.run(["systemctl", "start", "docker"], as_root=True, timeout=timeout, progress=progress)
        _wait_until_ready(timeout, lambda: True, lambda: "See `journalctl -u docker`.")
        return
    progress(f"starting dockerd; it writes to {DAEMON_LOG}")
    start = f"PATH={SYSTEM_PATH} setsid dockerd >>{DAEMON_LOG} 2>&1 </dev/null & echo $!"
    pid = shell.run(["sh", "-c", start], as_root=True, timeout=20).strip().splitlines()[-1]
    _wait_until_ready(timeout, Path(f"/proc/{pid}").exists, _log_tail)


def _wait_until_ready(timeout: float, alive: Callable[[], bool], explain: Callable[[], str]) -> None:
    end = time.monotonic() + timeout
    while True:
        lives = alive()
        try:
            connect(timeout=5).close()
            return
        except DaemonError as error:
            if error.reason == "permission":
                return
            if not lives:
                raise DaemonError(f"The Docker daemon ended at once. {explain()}") from error
            if time.monotonic() > end:
                raise DaemonError(f"The Docker daemon did not answer within {timeout:g} s. {explain()}") from error
        time.sleep(0.2)


def _log_tail() -> str:
    try:
        lines = DAEMON_LOG.read_text(errors="replace").splitlines()[-40:]
    except OSError:
        return f"Its log is {DAEMON_LOG}."
    telling = [line for line in lines if re.search(r"level=(error|fatal)|failed", line)] or lines
    return "\n  ".join([f"The last lines of {DAEMON_LOG}:", *telling[-6:], *_hints("\n".join(telling))])


def _hints(log: str) -> list[str]:
    if "iptables" in log:
        return ["Hint: Docker needs iptables and a kernel that has it; without, start dockerd with --iptables=false."]
    if "overlay" in log and "not supported" in log:
        return ['Hint: this file system cannot hold Docker\'s data; set "data-root" in /etc/docker/daemon.json.']
    if "cgroup" in log.lower():
        return ["Hint: no cgroups are mounted here; inside a container, start that one with --privileged."]
    return []
