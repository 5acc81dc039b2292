"""Snapshots of workspaces: content-addressed, taken after each tool call that changed something.

A workspace belongs to programs that may be hostile and may be changing it at this very moment. It is read by
descriptors, name by name, without ever following a link; what vanishes, changes or cannot be read is noted and never
ends a snapshot. An unchanged folder costs nothing to store, an unchanged file is not read.
"""

from workbench.sandbox.snapshots.collect import Collected
from workbench.sandbox.snapshots.file_diff import FileDiff
from workbench.sandbox.snapshots.objects import CorruptSnapshotError, SnapshotError
from workbench.sandbox.snapshots.scan import SnapshotLimits
from workbench.sandbox.snapshots.store import WorkspaceSnapshots

__all__ = ["Collected", "CorruptSnapshotError", "FileDiff", "SnapshotError", "SnapshotLimits", "WorkspaceSnapshots"]
