"""Registering our gVisor runtime in the configuration of the Docker daemon of this machine."""

from __future__ import annotations

import time
from typing import Final

from workbench.sandbox.apt import write_as_root
from workbench.sandbox.daemon import DaemonError, config_file, daemon_pid, reload_daemon
from workbench.sandbox.daemon_config import RuntimeEntry, merge_runtime, read_text_or_none
from workbench.sandbox.runtimes import OUR_RUNTIME, gvisor_runtimes
from workbench.sandbox.setup_machine import ByHandError, Machine, need_root, open_daemon

_RELOAD_SECONDS: Final = 15.0
_NOT_OURS_TO_SET_UP: Final = {
    "podman": "What answers is Podman, which ignores the runtime that it is asked for. Docker Engine is needed.",
    "desktop": "Docker Desktop's daemon is in a machine of its own that has no runsc. Docker Engine is needed.",
    "remote": "The daemon is on another machine: run `workbench setup` there.",
    "rootless": "A rootless daemon needs runsc set up by hand: https://docs.docker.com/engine/security/rootless/",
}


def register(machine: Machine, entry: RuntimeEntry) -> str:
    """Set our runtime in the daemon's configuration file and make a running daemon take it.

    Raises:
        SandboxError: the file is broken or cannot be written, or the daemon does not take the runtime.
    """
    _need_engine()
    path = config_file()
    path = path.resolve() if path.is_symlink() else path
    text = read_text_or_none(path)
    merged = merge_runtime(text, OUR_RUNTIME, entry, str(path))
    if merged != text:
        need_root(machine, [f"# add to {path}, then reload Docker: {merged.strip()}"])
        backup = path.with_name(f"{path.name}.before-agent-workbench")
        if text is not None and OUR_RUNTIME not in text and not backup.exists():
            machine.shell.run(["cp", "-p", str(path), str(backup)], as_root=True, progress=machine.progress)
        mode = f"{path.stat().st_mode & 0o777:04o}" if text is not None else "0644"
        write_as_root(machine.shell, path, merged, machine.progress, mode)
    if daemon_pid() is not None:
        machine.progress("reloading the Docker daemon")
        reload_daemon(machine.shell, machine.host)
        _await_runtime(entry)
    return f"{OUR_RUNTIME} ({' '.join([entry.path, *entry.args])})"


def _await_runtime(entry: RuntimeEntry) -> None:
    end = time.monotonic() + _RELOAD_SECONDS
    while time.monotonic() < end:
        try:
            with open_daemon() as (_, facts):
                found = {runtime.name: runtime for runtime in gvisor_runtimes(facts.runtimes)}.get(OUR_RUNTIME)
        except DaemonError as error:
            if error.reason == "permission":
                return
            raise
        if found and found.path == entry.path and found.args == entry.args:
            return
        time.sleep(0.2)
    raise DaemonError(
        f"The Docker daemon was told to reload its configuration but has no runtime {OUR_RUNTIME} yet. "
        "Restart it when nothing runs in it (`systemctl restart docker`), then run `workbench setup` again."
    )


def _need_engine() -> None:
    """Refuse a daemon whose configuration is not a file of this machine."""
    try:
        with open_daemon() as (_, facts):
            kind = facts.kind
    except DaemonError as error:
        if error.reason in {"not running", "permission"}:
            return
        raise
    reason = _NOT_OURS_TO_SET_UP.get(kind)
    if reason is not None:
        raise ByHandError(reason, [f"# {reason}"])
