"""Containers and volumes that live for one call only: how they are marked, and removing what a crash left of them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from docker import DockerClient

TEMPORARY_LABEL: Final = "agent-workbench.temporary"
"""What the container or volume is for: `look` or `packages`."""
MAKER_LABEL: Final = "agent-workbench.maker"
"""The process that made it: boot id, process id and start time, with slashes between."""


def temporary_labels(purpose: str) -> Mapping[str, str]:
    """Labels for a container or volume that this process removes itself."""
    return {TEMPORARY_LABEL: purpose, MAKER_LABEL: f"{_boot()}/{os.getpid()}/{_started(os.getpid())}"}


def is_alive(maker: str) -> bool:
    """True if the process that a label names still runs on this machine; also if the label names none."""
    boot, _, rest = maker.partition("/")
    pid, _, started = rest.partition("/")
    if not pid.isdigit():
        return True
    if boot != _boot():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # another user's process: it lives
    return _started(int(pid)) == started


def remove_leftovers(client: DockerClient) -> int:
    """Remove what processes that are gone left behind, such as when they were killed; gives how many there were.

    Raises:
        docker.errors.DockerException, OSError: the daemon did not answer.
    """
    from docker.errors import APIError

    removed = 0
    for container in client.containers.list(all=True, filters={"label": TEMPORARY_LABEL}, ignore_removed=True):
        if not is_alive(container.labels.get(MAKER_LABEL, "")):
            try:
                container.remove(force=True, v=True)
                removed += 1
            except APIError:
                continue  # another process is removing it
    for volume in client.volumes.list(filters={"label": TEMPORARY_LABEL}):
        if not is_alive((volume.attrs.get("Labels") or {}).get(MAKER_LABEL, "")):
            try:
                volume.remove(force=True)
                removed += 1
            except APIError:
                continue
    return removed


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return "unknown"


def _started(pid: int) -> str:
    """When the process started, in the kernel's ticks; a process id is given again, this is not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return "unknown"
