"""Texts of files from the snapshots of an agent's workspaces, where they are on this machine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from workbench.cases.facts import Facts
from workbench.cases.schema import CheckPart
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


def with_texts(
    facts: Facts, checks: Iterable[CheckPart], folder: Path, kept: Mapping[str, str] = MappingProxyType({})
) -> Facts:
    """The facts with the texts of the files that `checks` name and the trace does not tell.

    They are taken from `kept`, by path, or else from the snapshot that the run left of the workspace.
    """
    texts = dict(facts.files.contents)
    for path in {check.file.path for check in checks if check.file is not None} - texts.keys():
        text = kept[path] if path in kept else file_text(folder, facts.files.snapshot, path)
        if text is not None:
            texts[path] = text
    return replace(facts, files=replace(facts.files, contents=texts))
