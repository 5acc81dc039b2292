"""Deletes a run, and the snapshots of workspaces that no remaining run needs."""

from __future__ import annotations

from pathlib import Path

from workbench.sandbox.snapshots import Collected, WorkspaceSnapshots
from workbench.trace.errors import StoreError
from workbench.trace.places import snapshots_folder
from workbench.trace.store import Store

GRACE_SECONDS = 60.0
"""Snapshots that were taken so recently stay: a run that goes on may not have recorded them yet."""


def delete_run(folder: Path, run_id: str, *, grace_seconds: float = GRACE_SECONDS) -> Collected:
    """Delete a run of the agent in `folder` and tell what was collected with it. Runs made from it stay.

    Raises:
        RunNotFoundError: there is no such run.
        StoreError: it is running, or a replay of it is; nothing was deleted.
    """
    with Store.open(folder) as store:
        for run in store.runs(None):
            if run.parent_run_id == run_id and run.status == "running":
                raise StoreError(f"run {run.run_id} is made from run {run_id} just now; wait until it has ended")
        store.delete_run(run_id)
        root = snapshots_folder(folder)
        if not root.is_dir():
            return Collected(0, 0, 0)
        return WorkspaceSnapshots(root).collect(store.snapshots(), grace_seconds)
