"""Which objects are still needed, and the removal of all others while other processes take snapshots.

Every snapshot has a mark: an empty file named by its digest, whose time tells when it was last taken. Taking holds a
shared lock, removing a batch holds the exclusive one, so while objects are removed all of them belong to marked
snapshots or to nobody. A take that builds on an earlier snapshot first looks whether that one still has its mark.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from workbench.sandbox.snapshots.objects import CorruptSnapshotError, ObjectStore, is_digest
from workbench.sandbox.snapshots.trees import load_parts, load_tree, page_digests

_BATCH = 200


@dataclass(frozen=True, slots=True)
class Collected:
    """What a collection removed."""

    snapshots: int
    objects: int
    bytes: int


class Marks:
    """The marks of snapshots and the lock that guards them, in the folder `root`."""

    def __init__(self, root: Path) -> None:
        self._folder = root / "snapshots"
        self._lock = root / "lock"
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    @contextlib.contextmanager
    def locked(self, *, exclusive: bool = False) -> Iterator[None]:
        """Hold the lock; several may hold it shared."""
        fd = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH)
            yield
        finally:
            os.close(fd)

    def set(self, digest: str) -> None:
        """Mark a snapshot as taken now."""
        (self._folder / digest).touch(mode=0o600)

    def renew(self, digest: str) -> bool:
        """Mark a snapshot as used now; False if it has no mark any more."""
        try:
            os.utime(self._folder / digest)
        except FileNotFoundError:
            return False
        return True

    def ages(self) -> dict[str, float]:
        """All marked snapshots and the seconds since they were last taken."""
        now = time.time()
        return {item.name: now - item.stat().st_mtime for item in os.scandir(self._folder) if is_digest(item.name)}

    def remove(self, digest: str) -> None:
        """Remove a mark."""
        (self._folder / digest).unlink(missing_ok=True)


class Collection:
    """One collection: everything stays that a live or a recently taken snapshot needs."""

    def __init__(self, marks: Marks, contents: ObjectStore, trees: ObjectStore, grace_seconds: float) -> None:
        self._marks = marks
        self._contents = contents
        self._trees = trees
        self._grace = grace_seconds
        self._roots: set[str] = set()
        self._needed_trees: set[str] = set()
        self._needed_contents: set[str] = set()

    def run(self, live: Iterable[str]) -> Collected:
        """Remove what is not needed. A damaged snapshot keeps all that can still be found of it."""
        live_digests = {digest for digest in live if is_digest(digest)}
        for digest in live_digests | self._recent():
            self._need(digest)
        with self._marks.locked(exclusive=True):
            snapshots = self._forget(live_digests)
        objects = size = 0
        for store, needed in ((self._contents, self._needed_contents), (self._trees, self._needed_trees)):
            unneeded = (digest for digest in store.digests() if digest not in needed)
            while batch := list(islice(unneeded, _BATCH)):
                with self._marks.locked(exclusive=True):
                    for digest in self._marks.ages().keys() - self._roots:
                        self._need(digest)
                    for digest in batch:
                        if digest not in needed:
                            objects += 1
                            size += store.remove(digest)
        return Collected(snapshots, objects, size)

    def _recent(self) -> set[str]:
        return {digest for digest, age in self._marks.ages().items() if age < self._grace}

    def _forget(self, live: set[str]) -> int:
        """Remove the marks of snapshots that are neither live nor recent; need those that were taken meanwhile."""
        forgotten = 0
        for digest, age in self._marks.ages().items():
            if digest in live or age < self._grace:
                self._need(digest)
            else:
                self._marks.remove(digest)
                forgotten += 1
        return forgotten

    def _need(self, root: str) -> None:
        """Everything that is reachable from a tree is needed."""
        self._roots.add(root)
        waiting = [root]
        while waiting:
            digest = waiting.pop()
            if digest in self._needed_trees:
                continue
            self._needed_trees.add(digest)
            with contextlib.suppress(CorruptSnapshotError):
                self._needed_trees.update(page_digests(self._trees, digest))
                for entry in load_tree(self._trees, digest).values():
                    if entry.kind == "folder":
                        waiting.append(entry.content)
                    elif entry.kind == "file":
                        self._needed_contents.add(entry.content)
                    elif entry.kind == "chunks":
                        self._needed_trees.add(entry.content)
                        parts = load_parts(self._trees, entry.content)
                        self._needed_contents.update(part.digest for part in parts if part.digest)
