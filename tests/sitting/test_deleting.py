"""Deleting a run takes the snapshots with it that no other run needs, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.engine.scripted_world import Played, Stage, Turn
from workbench.engine.replay_request import ForkPoint, ReplayRequest
from workbench.sandbox.snapshots import WorkspaceSnapshots
from workbench.sitting.deleting import delete_run
from workbench.trace.errors import RunNotFoundError, StoreError
from workbench.trace.events import ContainerState, Event, Notice, RunCompleted, ToolCall, ToolResult
from workbench.trace.places import state_folder
from workbench.trace.store import Store

PROGRAM = [Turn(calls=[("write", "a")]), Turn(calls=[("write", "b"), ("read", "a")]), Turn("done")]


class Place:
    """A store, and real snapshots for the ones that runs in memory named."""

    def __init__(self, folder: Path, stage: Stage) -> None:
        self.folder = folder
        self.stage = stage
        self.snapshots = WorkspaceSnapshots(state_folder(folder) / "snapshots")
        self._real: dict[str, str] = {}

    def store(self, run: Played, keep: int | None = None) -> None:
        """Store a run whose snapshots are real ones of the same files."""
        with Store.open(self.folder) as store:
            store.append_many([self._real_event(event) for event in run.events[:keep]])

    def names(self) -> set[str]:
        """The snapshots that are there."""
        return {mark.name for mark in (self.folder / ".workbench" / "snapshots" / "snapshots").iterdir()}

    def needed(self, *run_ids: str) -> set[str]:
        """The snapshots that the events of runs name, found by looking at every event."""
        with Store.open(self.folder, read_only=True) as store:
            return {name for run_id in run_ids for event in store.events(run_id) for name in named(event)}

    def _real_event(self, event: Event) -> Event:
        data = event.data
        if isinstance(data, ToolCall) and data.container is not None:
            state: ContainerState = replace(data.container, snapshot=self._taken(data.container.snapshot))
            return replace(event, data=replace(data, container=state))
        if isinstance(data, ToolResult | RunCompleted):
            return replace(event, data=replace(data, snapshot=self._taken(data.snapshot)))
        if isinstance(data, Notice) and data.data is not None and "workspace" in data.data:
            workspace = data.data["workspace"]
            taken = self._taken(workspace if isinstance(workspace, str) else None)
            return replace(event, data=replace(data, data={**data.data, "workspace": taken}))
        return event

    def _taken(self, name: str | None) -> str | None:
        if name is None:
            return None
        if name not in self._real:
            workspace = self.folder / name
            workspace.mkdir()
            for path, content in self.stage.outside.snapshots[name].items():
                (workspace / path).write_text(content)
            self._real[name] = self.snapshots.take(workspace).digest
        return self._real[name]


def named(event: Event) -> Sequence[str]:
    data = event.data
    if isinstance(data, ToolCall):
        names = [data.container.snapshot if data.container else None]
    elif isinstance(data, ToolResult | RunCompleted):
        names = [data.snapshot]
    elif isinstance(data, Notice):
        workspace = (data.data or {}).get("workspace")
        names = [workspace if isinstance(workspace, str) else None]
    else:
        names = []
    return [name for name in names if name is not None]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path, Stage(PROGRAM))


def test_the_store_tells_every_snapshot_that_an_event_names(place: Place) -> None:
    place.store(place.stage.run())
    with Store.open(place.folder, read_only=True) as store:
        assert store.snapshots() == place.needed("run-1") == place.names()
    assert len(place.names()) == 3


def test_children_of_a_deleted_parent_keep_their_snapshots(place: Place) -> None:
    parent = place.stage.run()
    place.store(parent)
    request = ReplayRequest("run-1", ForkPoint(2), model="tape", tools="tape")
    place.store(place.stage.replay(parent, request))
    delete_run(place.folder, "run-1", grace_seconds=0)
    assert place.names() == place.needed("run-2")
    with Store.open(place.folder, read_only=True) as store:
        assert [run.run_id for run in store.runs()] == ["run-2"]
    for name in place.names():
        assert place.snapshots.verify(name) == []
    collected = delete_run(place.folder, "run-2", grace_seconds=0)
    assert (collected.snapshots, place.names()) == (3, set())


def test_only_what_no_other_run_needs_goes(place: Place) -> None:
    first = place.stage.run()
    place.store(first)
    other = Stage([Turn(calls=[("write", "c")]), Turn("done")])
    second = other.run()
    place.stage.outside.snapshots.update(other.outside.snapshots)
    place.store(Played([replace(event, run_id="other") for event in second.events], second.end))
    needed = place.needed("other")
    assert needed & place.needed("run-1")  # both begin with the same files
    delete_run(place.folder, "run-1", grace_seconds=0)
    assert place.names() == needed


def test_what_was_just_taken_stays_for_a_while(place: Place) -> None:
    place.store(place.stage.run())
    before = place.names()
    assert delete_run(place.folder, "run-1").snapshots == 0
    assert place.names() == before


def test_what_runs_and_what_a_running_replay_begins_with_is_not_deleted(place: Place) -> None:
    parent = place.stage.run()
    place.store(parent)
    replay = place.stage.replay(parent, ReplayRequest("run-1", ForkPoint(1), model="tape", tools="tape"))
    place.store(replay, keep=3)
    before = place.names()
    with pytest.raises(StoreError, match="run run-2 is running"):
        delete_run(place.folder, "run-2", grace_seconds=0)
    with pytest.raises(StoreError, match="run run-2 is made from run run-1 just now"):
        delete_run(place.folder, "run-1", grace_seconds=0)
    with pytest.raises(RunNotFoundError):
        delete_run(place.folder, "run-9", grace_seconds=0)
    assert place.names() == before


def test_an_agent_without_snapshots_gets_no_folder_for_them(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        store.append_many(Stage([Turn("done")]).run().events)
    assert delete_run(tmp_path, "run-1").snapshots == 0
    assert not (tmp_path / ".workbench" / "snapshots").exists()
