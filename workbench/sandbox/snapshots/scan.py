"""Reads a workspace that hostile programs may be changing, and stores what is new since it was last read.

A file is not read again while its inode, size, times and mode are the same. Its change time (ctime) cannot be set by
programs, but it advances in ticks: a file that changed within a tick of being read might change once more without a
trace, so such a file is read again the next time. Not noticed is a program that keeps writing through a shared memory
map into a page that the kernel has not yet written back: its times move only when it does, within half a minute.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from workbench.sandbox.snapshots.content import Content, save_content
from workbench.sandbox.snapshots.descent import Descent
from workbench.sandbox.snapshots.names import shown_path, stored_name
from workbench.sandbox.snapshots.objects import ObjectStore
from workbench.sandbox.snapshots.trees import Entry, Kind, save_tree

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_REPLACED = (errno.ENOENT, errno.ELOOP, errno.EINVAL, errno.ENXIO, errno.EISDIR)
"""How the system says that a name stands for something else by now."""

_TICK_NS = 20_000_000
_COARSE_TICK_NS = 2_000_000_000
_TRIES = 3
MAX_DEPTH = 2000
"""Folders below the workspace; what is nested deeper is left out."""
_MOST_LISTED = 100_000
"""Names in one folder that are sorted before a limit is applied, so that it leaves out the same ones every time."""


@dataclass(frozen=True, slots=True)
class SnapshotLimits:
    """What one snapshot may hold: files (folders and links count too) and bytes of content."""

    files: int = 200_000
    bytes: int = 10 << 30


class Seen(NamedTuple):
    """What is remembered of a file: its entry, its stored bytes, and by what it is known unchanged (None: never)."""

    key: tuple[int, int, int, int, int] | None
    entry: Entry
    stored: int


@dataclass(frozen=True, slots=True)
class SeenFolder:
    """What is remembered of a folder; `entry` names its tree."""

    entry: Entry
    files: dict[str, Seen]
    folders: dict[str, SeenFolder]


class Notes:
    """What of a workspace a snapshot does not hold: for each kind of trouble how often, and where first."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[int, str]] = {}

    def add(self, trouble: str, path: str) -> None:
        """Count one more."""
        count, first = self._found.get(trouble, (0, path))
        self._found[trouble] = (count + 1, first)

    def texts(self) -> tuple[str, ...]:
        """A sentence for each kind of trouble."""
        return tuple(
            f"{shown_path(first)}: {trouble}" if count == 1 else f"{count} files, {shown_path(first)} first: {trouble}"
            for trouble, (count, first) in self._found.items()
        )


@dataclass(slots=True)
class _Frame:
    """A folder that is being read. Its files are done before its folders are entered."""

    name: str
    status: os.stat_result
    known: SeenFolder | None
    files: dict[str, Seen] = field(default_factory=dict)
    folders: dict[str, SeenFolder] = field(default_factory=dict)
    waiting: list[str] = field(default_factory=list)


class Scan:
    """One reading of one workspace."""

    def __init__(self, root: int, contents: ObjectStore, trees: ObjectStore, limits: SnapshotLimits) -> None:
        self._root = root
        self._contents = contents
        self._trees = trees
        self._limits = limits
        self._files_left = limits.files
        self._bytes_left = limits.bytes
        self._notes = Notes()

    def run(self, known: SeenFolder | None) -> tuple[SeenFolder, tuple[str, ...]]:
        """Read the workspace, given what is remembered of it; tells what to remember and what was left out.

        Raises:
            SnapshotError: the store cannot be written.
            OSError: the workspace itself cannot be read.
        """
        with Descent(self._root) as here:
            top = self._begin(here, "", os.fstat(self._root), known)
            frames = [top]
            while True:
                frame = frames[-1]
                if frame.waiting:
                    child = self._enter(here, frame, frame.waiting.pop())
                    if child is not None:
                        frames.append(child)
                    continue
                frames.pop()
                done = self._finish(frame)
                if not frames:
                    return done, self._notes.texts()
                frames[-1].folders[frame.name] = done
                here.leave()

    def _enter(self, here: Descent, parent: _Frame, name: str) -> _Frame | None:
        known = parent.known.folders.get(name) if parent.known else None
        if here.depth >= MAX_DEPTH:
            self._notes.add(f"not recorded: nested deeper than {MAX_DEPTH} folders", here.path + name)
            return None
        try:
            status = here.enter(name)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ELOOP, errno.ENOTDIR):  # gone or replaced meanwhile
                self._leave_out(here, parent, name, error)
            return None
        try:
            return self._begin(here, name, status, known)
        except OSError as error:  # it may be searched but not listed
            here.leave()
            self._leave_out(here, parent, name, error)
            return None

    def _leave_out(self, here: Descent, parent: _Frame, name: str, error: OSError) -> None:
        """Record a folder that cannot be read."""
        try:
            status = os.stat(name, dir_fd=here.fd, follow_symlinks=False)
        except OSError:
            return
        self._notes.add(f"cannot be read ({error.strerror})", here.path + name)
        parent.files[name] = Seen(None, _entry(name, "unreadable", status), 0)

    def _begin(self, here: Descent, name: str, status: os.stat_result, known: SeenFolder | None) -> _Frame:
        """List a folder and take its files."""
        frame = _Frame(name, status, known)
        seen = known.files if known else {}
        fd = here.fd
        with os.scandir(fd) as entries:
            listed = sorted(islice(entries, max(self._files_left + 1, _MOST_LISTED)), key=_name)
        for item in listed:
            self._files_left -= 1
            if self._files_left < 0:
                self._notes.add(f"not recorded: a snapshot holds {self._limits.files} files", here.path + item.name)
                break
            try:
                status = item.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue  # gone meanwhile
            except OSError as error:
                self._notes.add(f"cannot be read ({error.strerror})", here.path + item.name)
                continue
            if stat.S_ISDIR(status.st_mode):
                frame.waiting.append(item.name)
                continue
            old = seen.get(item.name)
            if old is not None and old.key == _key(status) and old.stored <= self._bytes_left:
                new: Seen | None = old
            else:
                new = self._take(here, fd, item.name, status)
            if new is not None:
                self._bytes_left -= new.stored
                frame.files[item.name] = new
        frame.waiting.reverse()
        return frame

    def _take(self, here: Descent, fd: int, name: str, status: os.stat_result) -> Seen | None:
        """What a name stands for that is new or has changed; None if it is gone."""
        for _ in range(_TRIES):
            try:
                return self._take_as(here, fd, name, status)
            except OSError as error:
                if error.errno not in _REPLACED:
                    self._notes.add(f"cannot be read ({error.strerror})", here.path + name)
                    return Seen(None, _entry(name, "unreadable", status), 0)
            try:
                status = os.stat(name, dir_fd=fd, follow_symlinks=False)
            except OSError:
                return None
        self._notes.add("not recorded: replaced again and again while it was read", here.path + name)
        return None

    def _take_as(self, here: Descent, fd: int, name: str, status: os.stat_result) -> Seen:
        """What a name stands for if it still is what `status` says; else an error of `_REPLACED`."""
        if stat.S_ISREG(status.st_mode):
            return self._take_file(here, fd, name)
        if stat.S_ISLNK(status.st_mode):
            target = stored_name(os.readlink(name, dir_fd=fd))
            return Seen(_key(status), _entry(name, "link", status, target), 0)
        if stat.S_ISDIR(status.st_mode):
            raise OSError(errno.EISDIR, "replaced by a folder")
        self._notes.add("recorded by name only: no file but a pipe, socket or device", here.path + name)
        return Seen(None, _entry(name, _special_kind(status.st_mode), status, size=0), 0)

    def _take_file(self, here: Descent, folder: int, name: str) -> Seen:
        for is_last in (False, False, True):
            fd = os.open(name, _READ, dir_fd=folder)
            try:
                before = os.fstat(fd)
                if not stat.S_ISREG(before.st_mode):
                    raise OSError(errno.EINVAL, "replaced by something else")
                now = time.time_ns()
                content = self._content(fd, before)
                is_same = _key(os.fstat(fd)) == _key(before)
            finally:
                os.close(fd)
            if is_same or is_last:
                break
        if not is_same:
            self._notes.add("changed while it was read", here.path + name)
        if content is None:
            self._notes.add(f"not recorded: a snapshot holds {self._limits.bytes} bytes", here.path + name)
            return Seen(None, _entry(name, "omitted", before), 0)
        key = _key(before) if is_same and _is_settled(before, now) else None
        return Seen(key, _entry(name, content.kind, before, content.digest, content.size), content.stored)

    def _content(self, fd: int, status: os.stat_result) -> Content | None:
        """The stored content of an open file, None if the snapshot has no room for it."""
        if min(status.st_size, status.st_blocks * 512) > self._bytes_left:
            return None
        return save_content(fd, status.st_size, self._contents, self._trees, self._bytes_left)

    def _finish(self, frame: _Frame) -> SeenFolder:
        """Store the tree of a folder whose files and folders are done; an unchanged one is stored already."""
        known = frame.known
        if known is not None and _is_same(frame, known):
            digest = known.entry.content
        else:
            seen: Iterable[Seen | SeenFolder] = (*frame.files.values(), *frame.folders.values())
            digest = save_tree(self._trees, (each.entry for each in seen))
        entry = _entry(frame.name, "folder", frame.status, digest, 0)
        return SeenFolder(entry, frame.files, frame.folders)


def _is_same(frame: _Frame, known: SeenFolder) -> bool:
    return (
        len(frame.files) == len(known.files)
        and len(frame.folders) == len(known.folders)
        and all(_same_entry(new, known.files.get(name)) for name, new in frame.files.items())
        and all(_same_entry(new, known.folders.get(name)) for name, new in frame.folders.items())
    )


def _same_entry(new: Seen | SeenFolder, old: Seen | SeenFolder | None) -> bool:
    return new is old or (old is not None and new.entry == old.entry)


def _name(item: os.DirEntry[str]) -> str:
    return item.name


def _key(status: os.stat_result) -> tuple[int, int, int, int, int]:
    return (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_mode)


def _is_settled(status: os.stat_result, now: int) -> bool:
    """Whether any change after `now` would show in the change time. Some file systems count in seconds only."""
    tick = _TICK_NS if status.st_ctime_ns % 1_000_000_000 else _COARSE_TICK_NS
    return status.st_ctime_ns + tick < now


def _special_kind(mode: int) -> Kind:
    if stat.S_ISFIFO(mode):
        return "fifo"
    return "socket" if stat.S_ISSOCK(mode) else "device"


def _entry(name: str, kind: Kind, status: os.stat_result, content: str = "", size: int | None = None) -> Entry:
    mode = stat.S_IMODE(status.st_mode)
    size = status.st_size if size is None else size
    return Entry(stored_name(name), kind, mode, size, status.st_mtime_ns, content)
