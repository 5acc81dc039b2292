"""A bound for what a workspace holds on the host's disk, where Docker has none.

Reading a file system's free space costs a microsecond, measuring a workspace milliseconds to seconds. So the free
space is read a few times a second, and the workspace is measured only when so much of it is gone that the workspace
could have passed half of what it had left. The same holds for files: a disk has so many of them, however small.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from workbench.sandbox.loss import size as in_words

PERIOD: Final = 0.25
"""Seconds between two readings of the free space."""
_FLOOR_BYTES: Final = 1 << 30
_FLOOR_FRACTION: Final = 0.02
MOST_FILES: Final = 1_000_000
"""Files and folders that a workspace may hold."""
_SMALLEST_FILES: Final = 1000
_SMALLEST_STEP: Final = 1 << 20
_MEASURE_SECONDS: Final = 60
_REST: Final = 5.0
"""Seconds without a measurement after which one is due, lest another program's deleting hid the growth."""
_EFFORT: Final = 50
"""A measurement that took long is due only after so many times its duration."""


@dataclass(frozen=True, slots=True)
class Space:
    """The file system of a workspace, in bytes, and how many files it still takes; None where that has no bound."""

    free: int
    total: int
    free_files: int | None = None

    @property
    def floor(self) -> int:
        """What has to stay free for the rest of the machine: 1 GiB, or 2 % of a small disk."""
        return min(_FLOOR_BYTES, int(self.total * _FLOOR_FRACTION))


@dataclass(frozen=True, slots=True)
class Size:
    """What a workspace holds: bytes on its disk, and files with folders."""

    bytes: int
    files: int = 0


@dataclass(frozen=True, slots=True)
class Excess:
    """A workspace may not grow any further. `stop` says that it was seen growing, so that tools have to be stopped."""

    text: str
    stop: bool


class DiskBudget:
    """Decides when to measure a workspace and what to do about its size. No I/O, no clock."""

    def __init__(self, limit: int, most_files: int = MOST_FILES) -> None:
        self._limit = limit
        self._most_files = most_files
        self._size: Size | None = None
        self._space = Space(0, 0)
        self._measured_at = 0.0
        self._effort = 0.0

    def is_due(self, space: Space, now: float) -> bool:
        """Whether the workspace has to be measured, with the free space and the time in seconds as they are."""
        if self._size is None or self._space.free - space.free >= self._step(self._size, space):
            return True
        if space.free_files is not None and self._space.free_files is not None:
            left = max(self._most_files - self._size.files, 0)
            if self._space.free_files - space.free_files >= max(left // 2, _SMALLEST_FILES):
                return True
        return now - self._measured_at >= max(_REST, _EFFORT * self._effort)

    def _step(self, size: Size, space: Space) -> int:
        """The bytes that may go before the workspace is measured again."""
        if space.free < space.floor:
            return _SMALLEST_STEP
        return max(max(self._limit - size.bytes, 0) // 2, self._limit // 64, _SMALLEST_STEP)

    def judge(self, size: Size, space: Space, now: float, effort: float) -> Excess | None:
        """What follows from a measurement that took `effort` seconds; None if all is well or nothing has changed."""
        before, self._size = self._size, size
        self._space, self._measured_at, self._effort = space, now, effort
        grown = before is not None and size.bytes >= before.bytes + _SMALLEST_STEP
        more = before is not None and size.files >= before.files + _SMALLEST_FILES
        if size.files > self._most_files and (before is None or more):
            return Excess(self._too_many(size), stop=more)
        if before is not None and not grown:
            return None
        if size.bytes > self._limit:
            return Excess(self._over_limit(size), stop=grown)
        if space.free < space.floor:
            return Excess(_nearly_full(space), stop=grown)
        return None

    def _over_limit(self, size: Size) -> str:
        return (
            f"the workspace holds {in_words(size.bytes)}, more than the {in_words(self._limit)} that container.disk in "
            "agent.yaml allows"
        )

    def _too_many(self, size: Size) -> str:
        return f"the workspace holds {size.files:,} files, more than the {self._most_files:,} that a workspace may hold"


def _nearly_full(space: Space) -> str:
    return f"the disk under the workspace has only {in_words(space.free)} left"


class DiskWatchdog:
    """Watches a workspace from a thread of its own and tells `on_excess`, which is called in that thread."""

    def __init__(self, workspace: Path, limit: int, on_excess: Callable[[Excess], None]) -> None:
        self._workspace = workspace
        self._budget = DiskBudget(limit)
        self._on_excess = on_excess
        self._ended = threading.Event()

    def start(self) -> None:
        """Begin to watch."""
        threading.Thread(target=self._watch, name="disk watchdog", daemon=True).start()

    def stop(self) -> None:
        """Watch no more; a measurement under way comes to nothing."""
        self._ended.set()

    def _watch(self) -> None:
        while not self._ended.wait(PERIOD):
            with contextlib.suppress(OSError):  # the workspace is gone
                self._look()

    def _look(self) -> None:
        began = time.monotonic()
        space = read_space(self._workspace)
        if not self._budget.is_due(space, began):
            return
        size = disk_usage(self._workspace)
        now = time.monotonic()
        if size is None or self._ended.is_set():
            return
        excess = self._budget.judge(size, space, now, now - began)
        if excess is not None:
            self._on_excess(excess)


def read_space(folder: Path) -> Space:
    """The file system that a folder is on.

    Raises:
        OSError: there is no such folder.
    """
    reading = os.statvfs(folder)
    free_files = reading.f_favail if reading.f_files else None
    return Space(reading.f_bavail * reading.f_frsize, reading.f_blocks * reading.f_frsize, free_files)


def disk_usage(folder: Path) -> Size | None:
    """What a folder holds, sparse files by what they take, hard links once; None if unknown."""
    kilobytes, files = _du("-k", folder), _du("--inodes", folder)
    return None if kilobytes is None or files is None else Size(kilobytes * 1024, files)


def _du(unit: str, folder: Path) -> int | None:
    """What `du` counts: it follows no links, stays on the file system, and copes with trees of any depth."""
    try:
        done = subprocess.run(
            ["du", "-sx", unit, "--", str(folder)], capture_output=True, timeout=_MEASURE_SECONDS, check=False
        )
        return int(done.stdout.split(None, 1)[0])
    except (OSError, ValueError, IndexError, subprocess.TimeoutExpired):
        return None
