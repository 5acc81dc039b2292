"""Writes a snapshot into an empty folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from workbench.sandbox.snapshots.content import content_of
from workbench.sandbox.snapshots.descent import Descent
from workbench.sandbox.snapshots.names import shown_path, system_name
from workbench.sandbox.snapshots.objects import ObjectStore, SnapshotError
from workbench.sandbox.snapshots.scan import SnapshotLimits
from workbench.sandbox.snapshots.trees import Entry, load_tree

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE_MODE = 0o1777
"""A restored file never runs with the rights of its owner, who may be somebody else on this machine."""


class Owner(NamedTuple):
    """Who owns what is restored."""

    uid: int
    gid: int


@dataclass(slots=True)
class _Frame:
    entry: Entry | None
    entries: Iterator[Entry]


class Restoration:
    """One writing of one snapshot.

    Every name comes from a tree that was checked when it was loaded, and is created new in a folder that was created
    new, so nothing outside of the given folder can be reached, whatever the trees hold.
    """

    def __init__(
        self, root: int, contents: ObjectStore, trees: ObjectStore, limits: SnapshotLimits, owner: Owner | None
    ) -> None:
        self._root = root
        self._contents = contents
        self._trees = trees
        self._owner = owner if owner != (os.geteuid(), os.getegid()) else None
        self._limits = limits
        self._files_left = limits.files
        self._bytes_left = limits.bytes

    def run(self, digest: str) -> None:
        """Write the tree `digest`.

        Raises:
            CorruptSnapshotError: the snapshot is damaged.
            SnapshotError: it holds more than the limits allow, or cannot be written.
        """
        with Descent(self._root) as here:
            try:
                self._write(here, digest)
            except OSError as error:
                where = f" at {shown_path(here.path)}" if here.depth else ""
                raise SnapshotError(f"the snapshot cannot be restored{where}: {error.strerror}") from error

    def _write(self, here: Descent, digest: str) -> None:
        frames = [_Frame(None, self._load(digest))]
        while frames:
            frame = frames[-1]
            entry = next(frame.entries, None)
            if entry is None:
                frames.pop()
                if frame.entry is not None:
                    self._finish(here.fd, frame.entry, 0o7777)
                    here.leave()
                continue
            self._count()
            if entry.kind == "folder":
                os.mkdir(system_name(entry.name), 0o700, dir_fd=here.fd)
                here.enter(system_name(entry.name))
                frames.append(_Frame(entry, self._load(entry.content)))
            else:
                self._create(here.fd, entry)
        if self._owner is not None:
            os.fchown(self._root, *self._owner)

    def _load(self, digest: str) -> Iterator[Entry]:
        return iter(sorted(load_tree(self._trees, digest).values()))

    def _create(self, folder: int, entry: Entry) -> None:
        name = system_name(entry.name)
        if entry.kind == "link":
            os.symlink(system_name(entry.content), name, dir_fd=folder)
            if self._owner is not None:
                os.chown(name, *self._owner, dir_fd=folder, follow_symlinks=False)
            os.utime(name, ns=(entry.mtime_ns, entry.mtime_ns), dir_fd=folder, follow_symlinks=False)
        elif entry.kind in ("file", "chunks"):
            fd = os.open(name, _NEW, 0o600, dir_fd=folder)
            try:
                self._fill(fd, entry)
                self._finish(fd, entry, _FILE_MODE)
            finally:
                os.close(fd)

    def _fill(self, fd: int, entry: Entry) -> None:
        position = 0
        for piece in content_of(entry, self._contents, self._trees):
            if isinstance(piece, int):
                position += piece
                continue
            self._bytes_left -= len(piece)
            if self._bytes_left < 0:
                raise SnapshotError(f"the snapshot holds more than {self._limits.bytes} bytes")
            view = memoryview(piece)
            while view:
                written = os.pwrite(fd, view, position)
                position += written
                view = view[written:]
        os.ftruncate(fd, position)

    def _finish(self, fd: int, entry: Entry, mask: int) -> None:
        if self._owner is not None:
            os.fchown(fd, *self._owner)
        os.fchmod(fd, entry.mode & mask)
        os.utime(fd, ns=(entry.mtime_ns, entry.mtime_ns))

    def _count(self) -> None:
        self._files_left -= 1
        if self._files_left < 0:
            raise SnapshotError(f"the snapshot holds more than {self._limits.files} files")
