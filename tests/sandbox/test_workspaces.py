from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from workbench.sandbox.container import ToolUser
from workbench.sandbox.sandbox import SandboxError
from workbench.sandbox.workspaces import (
    delete_tree,
    discard_workspace,
    is_gone,
    keep_workspace,
    new_workspace,
    sweep_workspaces,
)
from workbench.trace.owner import Owner, current_owner

USER = ToolUser.current()


@pytest.fixture
def dead() -> Owner:
    """A process of this machine that has ended."""
    done = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    return replace(current_owner(), pid=int(done.stdout))


def owned_by(owner: Owner, workspace: Path) -> Path:
    (workspace.parent / "owner.json").write_text(json.dumps(asdict(owner)))
    return workspace


def test_a_new_workspace_is_empty_and_the_tools_own(tmp_path: Path) -> None:
    one, two = new_workspace(tmp_path, USER), new_workspace(tmp_path, USER)
    assert one != two
    assert list(one.iterdir()) == []
    assert (one.stat().st_uid, one.stat().st_mode & 0o777) == (USER.uid, 0o755)
    assert one.is_relative_to(tmp_path / ".workbench" / "workspaces")


def test_a_strict_umask_does_not_lock_the_guest_out(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        assert new_workspace(tmp_path, USER).stat().st_mode & 0o777 == 0o755
    finally:
        os.umask(before)


def test_a_workspace_of_ours_is_not_swept(tmp_path: Path) -> None:
    workspace = new_workspace(tmp_path, USER)
    assert sweep_workspaces(tmp_path) == 0
    assert workspace.exists()


def test_a_workspace_whose_process_is_gone_is_swept(tmp_path: Path, dead: Owner) -> None:
    kept = new_workspace(tmp_path, USER)
    abandoned = owned_by(dead, new_workspace(tmp_path, USER))
    (abandoned / "file").write_text("x")
    assert sweep_workspaces(tmp_path) == 1
    assert not abandoned.parent.exists()
    assert kept.exists()


def test_what_cannot_be_judged_is_given_a_day(tmp_path: Path) -> None:
    elsewhere = replace(current_owner(), place="another boot")
    assert not is_gone(elsewhere, age=3600)
    assert is_gone(elsewhere, age=26 * 3600)
    assert not is_gone(current_owner(), age=1e9)
    unfinished = tmp_path / ".workbench" / "workspaces" / ".new-1"
    unfinished.mkdir(parents=True)
    assert sweep_workspaces(tmp_path) == 0
    os.utime(unfinished, (time.time() - 26 * 3600,) * 2)
    assert sweep_workspaces(tmp_path) == 1


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"pid": 1}', "null"])
def test_a_broken_owner_file_is_no_reason_to_delete_a_young_workspace(tmp_path: Path, content: str) -> None:
    workspace = new_workspace(tmp_path, USER)
    (workspace.parent / "owner.json").write_text(content)
    assert sweep_workspaces(tmp_path) == 0


def test_nothing_to_sweep_is_no_error(tmp_path: Path) -> None:
    assert sweep_workspaces(tmp_path / "nothing") == 0


def test_links_are_deleted_and_never_followed(tmp_path: Path, dead: Owner) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("still here")
    workspace = owned_by(dead, new_workspace(tmp_path, USER))
    (workspace / "link").symlink_to(precious)
    (workspace / "loop").symlink_to(".")
    sweep_workspaces(tmp_path)
    assert (precious / "file").read_text() == "still here"
    assert not workspace.exists()


def test_trees_that_resist_are_deleted(tmp_path: Path) -> None:
    """Too deep for recursion and for a path's length, and without the right to write."""
    folder = tmp_path / "tree"
    folder.mkdir()
    here = os.open(folder, os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("deep", dir_fd=here)
        below = os.open("deep", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    locked = folder / "locked"
    locked.mkdir()
    (locked / "file").write_text("x")
    locked.chmod(0)
    delete_tree(folder)
    assert not folder.exists()


def test_only_own_workspaces_are_discarded(tmp_path: Path) -> None:
    workspace = new_workspace(tmp_path, USER)
    kept = keep_workspace(tmp_path / "storage" / "files", USER)
    discard_workspace(workspace)
    discard_workspace(kept)
    discard_workspace(tmp_path)
    assert not workspace.parent.exists()
    assert kept.exists()


def test_a_kept_workspace_is_made_and_used_again(tmp_path: Path) -> None:
    kept = keep_workspace(tmp_path / "a" / "storage", USER)
    (kept / "file").write_text("x")
    assert keep_workspace(tmp_path / "a" / "storage", USER) == kept
    assert kept.stat().st_uid == USER.uid


def test_a_file_in_the_way_is_told(tmp_path: Path) -> None:
    (tmp_path / "storage").write_text("")
    with pytest.raises(SandboxError, match="storage"):
        keep_workspace(tmp_path / "storage", USER)
    (tmp_path / ".workbench").mkdir()
    (tmp_path / ".workbench" / "workspaces").write_text("")
    with pytest.raises(SandboxError, match="workspaces"):
        new_workspace(tmp_path, USER)
