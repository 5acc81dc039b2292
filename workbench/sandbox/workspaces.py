"""Workspaces on the host: a fresh folder for each sandbox under the agent's `.workbench/workspaces/`.

    .workbench/workspaces/<id>/owner.json   the process that uses it
    .workbench/workspaces/<id>/files        what is /workspace inside

Nothing here follows a link that a tool planted in a workspace.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import subprocess
import time
from dataclasses import asdict
from pathlib import Path
from typing import Final

from workbench.sandbox.container import ToolUser
from workbench.sandbox.sandbox import SandboxError
from workbench.trace.owner import Owner, current_owner, is_alive
from workbench.trace.places import STATE_FOLDER, state_folder

_WORKSPACES: Final = "workspaces"
_OWNER: Final = "owner.json"
_FILES: Final = "files"
_UNFINISHED: Final = ".new-"
_LONGEST_USE: Final = 25 * 3600.0
"""Seconds after which a workspace of an unknown process is given up: no run lasts longer than a day."""
_DELETE_SECONDS: Final = 600


def new_workspace(folder: Path, user: ToolUser) -> Path:
    """An empty workspace for an agent in `folder`, owned by the tools' user; gives the folder of its files.

    Raises:
        SandboxError: it cannot be made.
        StoreError: the agent's state folder cannot be made.
    """
    workspaces = state_folder(folder) / _WORKSPACES
    name = secrets.token_hex(8)
    unfinished = workspaces / f"{_UNFINISHED}{name}"
    try:
        workspaces.mkdir(mode=0o700, exist_ok=True)
        unfinished.mkdir(mode=0o700)  # a tool can make a program setuid in there, which no other user may reach
        (unfinished / _OWNER).write_text(json.dumps(asdict(current_owner())), encoding="utf-8")
        (unfinished / _FILES).mkdir()
        give(unfinished / _FILES, user)
        unfinished.rename(workspaces / name)
    except OSError as error:
        raise SandboxError(f"No workspace could be made in {workspaces}: {error.strerror}.") from error
    return workspaces / name / _FILES


def keep_workspace(workspace: Path, user: ToolUser) -> Path:
    """A workspace that outlives its sandbox, made if it is not there yet; gives its absolute path.

    Raises:
        SandboxError: it cannot be made, or is no folder.
    """
    try:
        workspace.mkdir(parents=True, exist_ok=True)
        if workspace.stat().st_uid != user.uid:
            give(workspace, user)
    except OSError as error:
        raise SandboxError(f"The workspace {workspace} cannot be used: {error.strerror}.") from error
    return workspace.resolve()


def give(folder: Path, user: ToolUser) -> None:
    """Make a folder the tools' own, readable by all: the guest is another user without the right to read everything.

    Raises:
        OSError: it is another user's.
    """
    folder.chmod(0o755)
    if os.geteuid() == 0:
        os.chown(folder, user.uid, user.gid, follow_symlinks=False)


def discard_workspace(workspace: Path) -> None:
    """Delete a workspace that `new_workspace` made; others are left alone, and so is what cannot be deleted."""
    if workspace.name == _FILES and workspace.parent.parent.name == _WORKSPACES:
        delete_tree(workspace.parent)


def sweep_workspaces(folder: Path) -> int:
    """Delete the workspaces of an agent in `folder` whose process is gone; gives how many there were."""
    workspaces = folder / STATE_FOLDER / _WORKSPACES
    try:
        found = list(workspaces.iterdir())
    except OSError:
        return 0
    gone = [workspace for workspace in found if _is_abandoned(workspace)]
    for workspace in gone:
        delete_tree(workspace)
    return len(gone)


def _is_abandoned(workspace: Path) -> bool:
    try:
        age = time.time() - workspace.lstat().st_mtime
    except OSError:
        return False
    try:
        owner = Owner(**json.loads((workspace / _OWNER).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return age > _LONGEST_USE
    return is_gone(owner, age)


def is_gone(owner: Owner, age: float) -> bool:
    """Whether a process has ended; one of another boot, machine or container cannot be seen and is given a day."""
    if owner.place == current_owner().place:
        return not is_alive(owner)
    return age > _LONGEST_USE


def delete_tree(folder: Path) -> None:
    """Delete a folder with all that is in it, however deep, without following links; what resists stays.

    `rm` copes with trees that are nested too deep for Python's own `rmtree`, which a tool could make on purpose.
    """
    if os.geteuid() != 0:  # a folder without the right to write into it cannot be emptied, even by its owner
        _run(["chmod", "-R", "u+rwX", str(folder)])
    if not _run(["rm", "-rf", "--one-file-system", str(folder)]):
        with contextlib.suppress(OSError, RecursionError):
            shutil.rmtree(folder)


def _run(command: list[str]) -> bool:
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        done = subprocess.run(command, capture_output=True, timeout=_DELETE_SECONDS, check=False)
        return done.returncode == 0
    return False
