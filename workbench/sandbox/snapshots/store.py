"""The snapshots of an agent's workspaces: take, restore, compare, collect.

    <root>/content/ab/cdef...     contents of files
    <root>/trees/ab/cdef...       listings of folders and of long files' parts, compressed
    <root>/snapshots/abcdef...    a mark for each snapshot
    <root>/tmp, <root>/lock       for writing

Contents are kept as they are: compressing them (zlib, level 1: 40 to 140 MB/s) would cost many times what hashing and
writing them does. All calls block. Any number of threads and processes may use one folder at once.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from workbench.sandbox.sandbox import WorkspaceSnapshot
from workbench.sandbox.snapshots.collect import Collected, Collection, Marks
from workbench.sandbox.snapshots.compare import changes_between
from workbench.sandbox.snapshots.content import content_of
from workbench.sandbox.snapshots.file_diff import FileDiff, unified_diff
from workbench.sandbox.snapshots.names import shown_path, stored_path
from workbench.sandbox.snapshots.objects import CorruptSnapshotError, ObjectStore, SnapshotError, is_digest
from workbench.sandbox.snapshots.restore import Owner, Restoration
from workbench.sandbox.snapshots.scan import Scan, SeenFolder, SnapshotLimits
from workbench.sandbox.snapshots.trees import CHUNK, Entry, load_tree
from workbench.trace.events import FileChange

_OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_MOST_TREE_BYTES = 16 << 20
_MOST_READ = 64 << 20
_MOST_DIFF = 1 << 20
_MOST_CHANGES = 1000
_REMEMBERED = 16
_GRACE_SECONDS = 3600.0


class WorkspaceSnapshots:
    """A store of snapshots in the folder `root`, which is made if it is not there.

    It remembers what it saw of the workspaces that it took last, so that taking one again reads only what changed.
    """

    def __init__(self, root: Path, limits: SnapshotLimits | None = None) -> None:
        self._root = root
        self._limits = limits or SnapshotLimits()
        self._contents = ObjectStore(root / "content", compressed=False, max_bytes=CHUNK)
        self._trees = ObjectStore(root / "trees", compressed=True, max_bytes=_MOST_TREE_BYTES)
        self._marks = Marks(root)
        self._guard = threading.Lock()
        self._last: dict[Path, str] = {}
        self._seen: dict[Path, SeenFolder] = {}

    def take(self, workspace: Path, base: str | None = None) -> WorkspaceSnapshot:
        """Record a workspace as it is now.

        `changed` is what differs from `base`; without one from the snapshot of this workspace that was last taken or
        restored by this object; nothing if there is none. At most 1,000 changes are listed. Links are recorded, never
        followed; pipes, sockets and devices by name only. Hard links become files of their own, and owners and
        extended attributes are not recorded.

        Raises:
            SnapshotError: the workspace cannot be read at all, or the store cannot be written.
        """
        with self._guard:
            known = self._seen.get(workspace)
            base = base or self._last.get(workspace)
        with self._marks.locked():
            if known is not None and not self._marks.renew(known.entry.content):
                known = None  # what it names may have been collected
            with self._opened(workspace) as root:
                try:
                    seen, notes = Scan(root, self._contents, self._trees, self._limits).run(known)
                except OSError as error:
                    raise SnapshotError(f"the workspace {workspace} cannot be read: {error.strerror}") from error
            digest = seen.entry.content
            self._marks.set(digest)
            if base is not None and not self._has(base):
                notes = (*notes, f"what changed is not known: the snapshot before, {base[:12]}, is no longer there")
                base = None
            changed = self._changes(base or digest, digest)
        self._remember(workspace, digest, seen)
        if len(changed) > _MOST_CHANGES:
            notes = (*notes, f"{len(changed)} files changed, the first {_MOST_CHANGES} are listed")
        return WorkspaceSnapshot(digest, changed[:_MOST_CHANGES], notes)

    def restore(self, digest: str, into: Path, owner: tuple[int, int] | None = None) -> None:
        """Make the empty folder `into` what a workspace was, `owner` (uid, gid) owning all of it.

        Permissions, links, times and holes are as they were, but no file runs with its owner's rights (setuid), and
        what was recorded by name only is missing. When it fails, `into` is left half full.

        Raises:
            CorruptSnapshotError: the snapshot is damaged or not there.
            SnapshotError: the folder is not empty, or cannot be written.
        """
        self._check(digest)
        into.mkdir(exist_ok=True)
        with self._marks.locked(), self._opened(into) as root:
            with os.scandir(root) as items:
                is_empty = next(items, None) is None
            if not is_empty:
                raise SnapshotError(f"the snapshot cannot be restored into {into}: it is not empty")
            chosen = None if owner is None else Owner(*owner)
            Restoration(root, self._contents, self._trees, self._limits, chosen).run(digest)
        with self._guard:
            self._last[into] = digest
            self._seen.pop(into, None)

    def forget(self, workspace: Path) -> None:
        """Remember nothing of a workspace any more, because it is gone."""
        with self._guard:
            self._last.pop(workspace, None)
            self._seen.pop(workspace, None)

    def changes(self, old: str | None, new: str) -> Sequence[FileChange]:
        """All files that differ between two snapshots, by path; every file of `new` when `old` is None.

        Raises:
            CorruptSnapshotError: a snapshot is damaged or not there.
        """
        for digest in (old, new):
            if digest is not None:
                self._check(digest)
        with self._marks.locked():
            return self._changes(old, new)

    def read_file(self, digest: str, path: str, most: int = _MOST_READ) -> bytes:
        """The content of a file in a snapshot; `path` is as changes tell it.

        Raises:
            CorruptSnapshotError: the snapshot is damaged or not there.
            SnapshotError: there is no such file, it is no regular one, or it is longer than `most` bytes.
        """
        with self._marks.locked():
            entry = self._find(digest, path)
            if entry is None:
                raise SnapshotError(f"{path} is not in the snapshot {digest[:12]}")
            if entry.kind not in ("file", "chunks"):
                what = f"a link to {shown_path(entry.content)}" if entry.kind == "link" else entry.kind
                raise SnapshotError(f"{path} has no content in the snapshot {digest[:12]}: it is {what}")
            if entry.size > most:
                raise SnapshotError(
                    f"{path} is {entry.size} bytes long, more than {most}: restore the snapshot to read it"
                )
            return self._read(entry)

    def file_diff(self, old: str | None, new: str | None, path: str) -> FileDiff:
        """How a file differs between two snapshots; None is a snapshot without files.

        Raises:
            CorruptSnapshotError: a snapshot is damaged or not there.
            SnapshotError: the file is in neither snapshot.
        """
        with self._marks.locked():
            one = self._find(old, path) if old else None
            other = self._find(new, path) if new else None
            if one is None and other is None:
                raise SnapshotError(f"{path} is in neither snapshot")
            shown = [entry for entry in (one, other) if entry is not None]
            if any(entry.kind not in ("file", "chunks") for entry in shown):
                return FileDiff(path, "", f"before {_described(one)}, after {_described(other)}")
            if any(entry.size > _MOST_DIFF for entry in shown):
                return FileDiff(path, "", f"too long to compare: before {_described(one)}, after {_described(other)}")
            contents = [None if entry is None else self._read(entry) for entry in (one, other)]
        diff = unified_diff(path, *contents)
        if one is not None and other is not None and one.mode != other.mode:
            mode = f"mode {one.mode:o} before, {other.mode:o} after"
            return FileDiff(path, diff.text, f"{diff.note}; {mode}" if diff.note else mode)
        return diff

    def verify(self, digest: str) -> Sequence[str]:
        """What is wrong with a snapshot, nothing if every part of it is there and whole. Changes nothing."""
        problems: list[str] = []
        checked: set[str] = set()
        waiting = [digest]
        with self._marks.locked():
            while waiting:
                tree = waiting.pop()
                if tree in checked:
                    continue
                checked.add(tree)
                try:
                    self._check(tree)
                    entries = load_tree(self._trees, tree)
                except CorruptSnapshotError as error:
                    problems.append(str(error))
                    continue
                waiting += [entry.content for entry in entries.values() if entry.kind == "folder"]
                files = [entry for entry in entries.values() if entry.kind in ("file", "chunks")]
                problems += [problem for entry in files if (problem := self._problem(entry, checked))]
        return problems

    def collect(self, live: Iterable[str], grace_seconds: float = _GRACE_SECONDS) -> Collected:
        """Remove all objects that neither a `live` snapshot needs nor one taken within the last `grace_seconds`.

        The grace is for snapshots that are taken but not yet recorded anywhere. Others may take and restore meanwhile.
        """
        tmp = self._root / "tmp"
        for file in tmp.iterdir():
            with contextlib.suppress(FileNotFoundError):
                if time.time() - file.stat().st_mtime > max(grace_seconds, 60.0):
                    file.unlink()  # left by a process that was killed
        return Collection(self._marks, self._contents, self._trees, grace_seconds).run(live)

    @contextlib.contextmanager
    def _opened(self, folder: Path) -> Iterator[int]:
        try:
            fd = os.open(folder, _OPEN_FOLDER)
        except OSError as error:
            raise SnapshotError(f"the workspace {folder} cannot be opened: {error.strerror}") from error
        try:
            yield fd
        finally:
            os.close(fd)

    def _remember(self, workspace: Path, digest: str, seen: SeenFolder) -> None:
        with self._guard:
            self._last[workspace] = digest
            self._seen.pop(workspace, None)
            self._seen[workspace] = seen
            while len(self._seen) > _REMEMBERED:
                self._seen.pop(next(iter(self._seen)))

    def _changes(self, old: str | None, new: str) -> list[FileChange]:
        if old == new:
            return []
        return changes_between(old, new, lambda digest: load_tree(self._trees, digest))

    def _has(self, digest: str) -> bool:
        return is_digest(digest) and Path(self._trees.path(digest)).exists()

    def _check(self, digest: str) -> None:
        if not self._has(digest):
            raise CorruptSnapshotError(f"there is no snapshot {digest[:64]} in {self._root}")

    def _find(self, digest: str, path: str) -> Entry | None:
        self._check(digest)
        *folders, name = stored_path(path).split("/")
        for folder in folders:
            entry = load_tree(self._trees, digest).get(folder)
            if entry is None or entry.kind != "folder":
                return None
            digest = entry.content
        return load_tree(self._trees, digest).get(name)

    def _read(self, entry: Entry) -> bytes:
        pieces = content_of(entry, self._contents, self._trees)
        return b"".join(bytes(piece) if isinstance(piece, int) else piece for piece in pieces)

    def _problem(self, entry: Entry, checked: set[str]) -> str | None:
        if entry.content in checked:
            return None
        checked.add(entry.content)
        try:
            for _ in content_of(entry, self._contents, self._trees):
                pass
        except CorruptSnapshotError as error:
            return str(error)
        return None


def _described(entry: Entry | None) -> str:
    if entry is None:
        return "nothing"
    if entry.kind == "link":
        return f"a link to {shown_path(entry.content)}"
    return f"a file of {entry.size} bytes" if entry.kind in ("file", "chunks") else entry.kind
