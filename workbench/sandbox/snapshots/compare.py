"""What differs between two snapshots."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from workbench.sandbox.snapshots.names import shown_path
from workbench.sandbox.snapshots.trees import Entry
from workbench.trace.events import FileChange

Tree = Mapping[str, Entry]

_WITHOUT_CONTENT = ("unreadable", "omitted")


def changes_between(old: str | None, new: str | None, load: Callable[[str], Tree]) -> list[FileChange]:
    """All files that differ between two trees, by path; None is an empty tree. Equal folders are not looked into.

    Folders are told of, with a slash at the end, only where no file tells of the change: an empty one that came or
    went, one with other permissions. A new time alone is no change.

    Raises:
        CorruptSnapshotError: a tree cannot be loaded.
    """
    found: list[FileChange] = []
    waiting = [("", old, new)]
    while waiting:
        prefix, old_tree, new_tree = waiting.pop()
        before = load(old_tree) if old_tree else {}
        after = load(new_tree) if new_tree else {}
        if prefix and not before and not after and (old_tree is None or new_tree is None):
            found.append(_change(prefix, "added" if old_tree is None else "deleted", 0))
        for name in before.keys() | after.keys():
            one, other = before.get(name), after.get(name)
            if one == other:
                continue
            path = prefix + name
            found += _file_changes(path, one, other)
            old_folder, new_folder = _folder(one), _folder(other)
            if old_folder != new_folder:
                waiting.append((f"{path}/", old_folder, new_folder))
    return sorted(found, key=lambda change: change.path)


def _file_changes(path: str, one: Entry | None, other: Entry | None) -> list[FileChange]:
    if one is not None and other is not None and _is_folder(one) == _is_folder(other):
        if _is_folder(one):
            return [_change(f"{path}/", "modified", 0)] if one.mode != other.mode else []
        return [] if _essence(one) == _essence(other) else [_change(path, "modified", other.size)]
    found = []
    if one is not None and not _is_folder(one):
        found.append(_change(path, "deleted", None))
    if other is not None and not _is_folder(other):
        found.append(_change(path, "added", other.size))
    return found


def _essence(entry: Entry) -> tuple[object, ...]:
    """What of a file makes it another one; without its content, its time is all that tells."""
    time = entry.mtime_ns if entry.kind in _WITHOUT_CONTENT else None
    return (entry.kind, entry.mode, entry.size, entry.content, time)


def _is_folder(entry: Entry) -> bool:
    return entry.kind == "folder"


def _folder(entry: Entry | None) -> str | None:
    return entry.content if entry is not None and _is_folder(entry) else None


def _change(path: str, change: Literal["added", "modified", "deleted"], size: int | None) -> FileChange:
    return FileChange(shown_path(path), change, None if change == "deleted" else size)
