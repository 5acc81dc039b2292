"""`workbench diff`: two runs step by step, and where they part first."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.commands.diff_text import DiffText
from workbench.commands.exit_codes import DONE, FAILED, USAGE
from workbench.commands.found_runs import store_with
from workbench.commands.problems import print_error
from workbench.trace.errors import StoreError
from workbench.trace.events import FileChange
from workbench.trace.places import snapshots_folder
from workbench.trace.run_diff import diff_runs
from workbench.trace.run_diff_json import diff_to_json
from workbench.trace.run_record import RunRecord, record_of

if TYPE_CHECKING:
    from workbench.sandbox.snapshots import FileDiff, WorkspaceSnapshots


def run(options: argparse.Namespace) -> int:
    """Print the difference; the exit code is 0 when the runs are the same and 1 when they differ."""
    try:
        (left, left_folder), (right, right_folder) = (_read(name, options.agent) for name in options.runs)
    except StoreError as error:
        print_error(error)
        return USAGE
    files = SnapshotFiles(left_folder if left_folder == right_folder else None)
    diff = diff_runs(left, right, files.differing)
    if options.json:
        print(json.dumps(diff_to_json(diff)))
    else:
        DiffText(sys.stdout, files.diff, show_all=options.all).write(diff)
    return DONE if diff.is_same else FAILED


def _read(name: str, start: Path) -> tuple[RunRecord, Path]:
    """The run that `name` means, and the folder of its agent."""
    with store_with(name, start) as (store, run_id):
        return record_of(store.events(run_id)), store.folder


class SnapshotFiles:
    """The files of both runs' workspaces, as far as their snapshots are still there."""

    def __init__(self, folder: Path | None) -> None:
        """`folder` is that of the agent of both runs, None when they are runs of two."""
        self._snapshots: WorkspaceSnapshots | None = None
        if folder is not None and snapshots_folder(folder).is_dir():
            from workbench.sandbox.snapshots import WorkspaceSnapshots

            self._snapshots = WorkspaceSnapshots(snapshots_folder(folder))

    def differing(self, left: str | None, right: str | None) -> Sequence[FileChange] | None:
        """The files that differ between two workspaces, None when a snapshot is no longer there."""
        if self._snapshots is None or left is None or right is None:
            return None
        from workbench.sandbox.snapshots import SnapshotError

        try:
            return self._snapshots.changes(left, right)
        except SnapshotError:
            return None

    def diff(self, left: str | None, right: str | None, path: str) -> FileDiff | None:
        """How a file differs between two workspaces, None when it cannot be told."""
        if self._snapshots is None or left is None or right is None:
            return None
        from workbench.sandbox.snapshots import SnapshotError

        try:
            return self._snapshots.file_diff(left, right, path)
        except SnapshotError:
            return None
