"""Which process does something, and whether it is still there. A run without an end whose owner is gone is interrupted.

A process id alone is not enough, because ids are used again: the start time tells two processes with one id apart, the
place (this boot of this machine, this namespace of process ids) tells machines and containers apart. Where there is no
/proc, as on macOS, the process id must do.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Owner:
    """A process. `started` is its start in clock ticks since boot; both strings are empty where nothing tells them."""

    pid: int
    started: str
    place: str


def current_owner() -> Owner:
    """The process that asks."""
    pid = os.getpid()
    return Owner(pid, _started(pid), _place())


def is_alive(owner: Owner) -> bool:
    """Whether the process still runs; what runs in another container or on another machine counts as gone."""
    if owner.place != _place() or owner.pid <= 0:
        return False
    if owner.started:
        return _started(owner.pid) == owner.started
    return _answers(owner.pid)


def _started(pid: int) -> str:
    """Field 22 of /proc/PID/stat; the fields are counted from behind the command's name, which may hold anything.

    A zombie has ended: it only waits for its parent to notice.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return ""
    return "" if len(fields) < 20 or fields[0] in (b"Z", b"X") else fields[19].decode("ascii", "replace")


@cache
def _place() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def _answers(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it is there, but another user's
        return True
    return True
