"""`workbench diff` on stored runs whose workspaces are there, and on a replay beside its parent."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.trace.conftest import story
from workbench.commands import diff
from workbench.sandbox.snapshots import WorkspaceSnapshots
from workbench.trace.events import Event, FileChange, ModelResponse, ToolResult
from workbench.trace.places import state_folder
from workbench.trace.store import Store

Compare = Callable[..., tuple[int, list[str]]]


def edited(events: Sequence[Event], kind: type, steps: Sequence[int] = (1, 2, 3), **changes: Any) -> list[Event]:
    return [
        replace(event, data=replace(event.data, **changes))
        if isinstance(event.data, kind) and event.step in steps
        else event
        for event in events
    ]


@pytest.fixture
def compare(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Compare:
    """Stores two runs and compares them: gives the exit code and the lines that were printed."""
    (tmp_path / "agent.yaml").write_text("name: support-triage\n")

    def stored_and_compared(left: list[Event], right: list[Event], *, show_all: bool = False) -> tuple[int, list[str]]:
        with Store.open(tmp_path) as store:
            store.append_many(left)
            store.append_many(right)
        names = [left[0].run_id, right[0].run_id]
        code = diff.run(Namespace(runs=names, agent=tmp_path, json=False, all=show_all))
        return code, capsys.readouterr().out.splitlines()

    return stored_and_compared


def taken(tmp_path: Path, text: str) -> str:
    """A snapshot of a workspace with one file."""
    workspace = tmp_path / "workspace"
    workspace.mkdir(exist_ok=True)
    (workspace / "notes.txt").write_text(text)
    return WorkspaceSnapshots(state_folder(tmp_path) / "snapshots").take(workspace).digest


def with_snapshot(run_id: str, digest: str) -> list[Event]:
    changed = (FileChange("notes.txt", "added", 20),)
    return edited(story(run_id, 1), ToolResult, snapshot=digest, changed=changed)


def test_a_file_that_differs_is_shown_as_a_diff(tmp_path: Path, compare: Compare) -> None:
    left, right = taken(tmp_path, "one\ntwo\nthree\n"), taken(tmp_path, "one\n2\nthree\n")
    code, said = compare(with_snapshot("r1", left), with_snapshot("r2", right))
    assert code == 1
    assert "They part at step 1: files." in said
    at = said.index("  file  notes.txt")
    assert said[at + 1 : at + 6] == ["    @@ -1,3 +1,3 @@", "     one", "    -two", "    +2", "     three"]


def test_the_same_files_in_another_snapshot_are_the_same(tmp_path: Path, compare: Compare) -> None:
    left = taken(tmp_path, "one\n")
    taken(tmp_path, "another\n")
    right = taken(tmp_path, "one\n")
    code, said = compare(with_snapshot("r1", left), with_snapshot("r2", right))
    assert (code, said[3]) == (0, "The same in all that they were given, said and did.")


def test_without_their_snapshots_files_are_compared_by_the_trace(tmp_path: Path, compare: Compare) -> None:
    left = edited(story("r1", 1), ToolResult, snapshot="gone", changed=(FileChange("a.txt", "added", 1),))
    right = edited(story("r2", 1), ToolResult, snapshot="lost", changed=(FileChange("a.txt", "added", 2),))
    code, said = compare(left, right)
    assert code == 1
    assert "    changed otherwise; the snapshots to compare are not there" in said


def test_a_replay_beside_its_parent(compare: Compare) -> None:
    replay = story("r2", 3, parent_run_id="r1", fork_step=3)
    replay = edited(edited(replay, ModelResponse, (1, 2), origin="tape"), ToolResult, (1, 2), origin="tape")
    edit = ({"type": "text", "text": "result 3 edited"},)
    replay = edited(replay, ToolResult, (3,), content=edit, origin="edited")
    code, said = compare(story("r1", 3), replay)
    assert code == 1
    assert said[1].endswith("a replay of left from step 3")
    assert "steps 1 to 2  the same  ▣ right from tape" in said
    assert any(line.startswith("steps from tape") and line.rstrip().endswith("+2") for line in said)
    assert "  result 1  edited in right" in said


def test_long_texts_are_cut_unless_everything_is_asked_for(compare: Compare) -> None:
    long = ({"type": "text", "text": "\n".join(f"line {number}" for number in range(500))},)
    left, right = story("r1", 1), edited(story("r2", 1), ToolResult, content=long)
    _, said = compare(left, right)
    assert "    … 440 more lines; --all shows them" in said
    assert "    + line 499" not in said


def test_everything_of_a_long_text(compare: Compare) -> None:
    long = ({"type": "text", "text": "\n".join(f"line {number}" for number in range(500))},)
    _, said = compare(story("r1", 1), edited(story("r2", 1), ToolResult, content=long), show_all=True)
    assert "    + line 499" in said


def test_a_run_without_an_end(compare: Compare) -> None:
    code, said = compare(story("r1", 2), story("r2", 2)[:-1])
    assert code == 1
    assert said[3] == "They end otherwise."
    assert any(line.split() == ["outcome", "completed", "no", "end"] for line in said)
