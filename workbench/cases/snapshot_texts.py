"""Texts of files from the snapshots of an agent's workspaces, where they are on this machine."""

from __future__ import annotations

from pathlib import Path

from workbench.trace.places import snapshots_folder

MOST_BYTES = 1 << 20
"""A file that is longer is not read."""


def is_there(folder: Path, snapshot: str | None) -> bool:
    """Whether a snapshot of the agent in `folder` is on this machine, and whole."""
    root = snapshots_folder(folder)
    if snapshot is None or not root.is_dir():
        return False
    from workbench.sandbox.snapshots import WorkspaceSnapshots

    return not WorkspaceSnapshots(root).verify(snapshot)


def file_text(folder: Path, snapshot: str | None, path: str) -> str | None:
    """The text of a file in a snapshot of the agent in `folder`.

    None where the snapshot is not there, or the file is not in it, is too long or no UTF-8 text.
    """
    root = snapshots_folder(folder)
    if snapshot is None or not root.is_dir():
        return None
    from workbench.sandbox.snapshots import SnapshotError, WorkspaceSnapshots

    try:
        return WorkspaceSnapshots(root).read_file(snapshot, path, MOST_BYTES).decode("utf-8")
    except (SnapshotError, UnicodeDecodeError, OSError):
        return None
