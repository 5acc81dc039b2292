"""The folder of the agent that a command line names, for commands that need what lies in it and not the agent."""

from __future__ import annotations

from pathlib import Path

from workbench.trace.errors import StoreError


def agent_folder(path: Path) -> Path:
    """The folder: `path`, or where it lies if it is the agent.yaml itself.

    Raises:
        StoreError: there is no agent.yaml; nothing is to be stored in such a folder.
    """
    folder = path.parent if path.is_file() else path
    if not (folder / "agent.yaml").is_file():
        raise StoreError(f"there is no agent.yaml in {folder.absolute()}")
    return folder
