"""The files that an agent keeps between its runs, as a snapshot that other runs can start from."""

from __future__ import annotations

from workbench.definition.agent import AgentDefinition
from workbench.sitting.workplace import storage_of


def stored_workspace(definition: AgentDefinition) -> str | None:
    """A snapshot of the workspace as it is now; None when the agent keeps none, or has none yet. Blocks.

    Raises:
        SandboxError: it could not be recorded.
        StoreError: the agent's state folder cannot be made.
    """
    from workbench.sandbox.snapshots import WorkspaceSnapshots
    from workbench.trace.places import snapshots_folder, state_folder

    storage = storage_of(definition)
    if not definition.persistent or not storage.is_dir():
        return None
    state_folder(definition.folder)
    return WorkspaceSnapshots(snapshots_folder(definition.folder)).take(storage).digest
