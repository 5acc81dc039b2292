from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

import pytest

from workbench.sandbox import sweep as sweep_module
from workbench.sandbox.daemon import DaemonError
from workbench.sandbox.docker_engine import DockerEngine
from workbench.sandbox.ownership import OWNER_LABEL, owner_labels, owner_of
from workbench.sandbox.sweep import is_abandoned, sweep
from workbench.trace.owner import Owner, current_owner

NOW = 1_800_000_000.0
DEAD = replace(current_owner(), started="1")
ELSEWHERE = replace(current_owner(), place="another machine")


def container(owner: Owner | None, state: str = "running", age: float = 10.0, name: str = "c") -> dict[str, Any]:
    labels = {} if owner is None else {OWNER_LABEL: json.dumps(asdict(owner))}
    return {"Id": name, "Labels": labels, "State": state, "Created": NOW - age}


class FakeEngine:
    """Lists what `listings` holds, one listing a call and the last one for ever; remembers what was removed."""

    def __init__(self, *listings: Sequence[Mapping[str, Any]], stubborn: bool = False) -> None:
        self.listings = list(listings)
        self.removed: list[str] = []
        self.stubborn = stubborn

    async def list(self, _: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        return self.listings.pop(0) if len(self.listings) > 1 else self.listings[0]

    async def remove(self, name: str) -> None:
        if self.stubborn:
            raise DaemonError("it cannot be removed")
        self.removed.append(name)


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep_module, "_PAUSE_SECONDS", 0.0)


async def swept(engine: FakeEngine, folder: Path | None = None) -> int:
    return await sweep(cast(DockerEngine, engine), folder)


def test_labels_name_this_process() -> None:
    assert owner_of(owner_labels("a")) == current_owner()
    assert owner_of({}) is None
    assert owner_of({OWNER_LABEL: "{"}) is None
    assert owner_of({OWNER_LABEL: '{"pid": 1}'}) is None


def test_only_what_surely_has_no_process_is_abandoned() -> None:
    assert is_abandoned(container(DEAD), NOW)
    assert not is_abandoned(container(current_owner()), NOW)
    assert not is_abandoned(container(replace(current_owner(), pid=1, started="")), NOW)
    assert not is_abandoned(container(ELSEWHERE), NOW)
    assert is_abandoned(container(ELSEWHERE, age=26 * 3600), NOW)
    assert not is_abandoned(container(None), NOW)


async def test_what_ends_by_itself_is_not_touched() -> None:
    engine = FakeEngine([container(DEAD)], [container(DEAD, "removing")], [])
    assert await swept(engine) == 1
    assert engine.removed == []


async def test_what_does_not_end_is_removed() -> None:
    engine = FakeEngine([container(DEAD, name="hung"), container(current_owner(), name="ours")])
    assert await swept(engine) == 1
    assert engine.removed == ["hung"]


async def test_what_is_not_running_is_removed_at_once() -> None:
    engine = FakeEngine([container(DEAD, "created", name="c"), container(DEAD, "exited", name="e")], [])
    assert await swept(engine) == 2
    assert sorted(engine.removed) == ["c", "e"]


async def test_what_cannot_be_removed_does_not_stop_the_program() -> None:
    assert await swept(FakeEngine([container(DEAD, "exited")], stubborn=True)) == 0


async def test_workspaces_go_too(tmp_path: Path) -> None:
    workspace = tmp_path / ".workbench" / "workspaces" / "w"
    workspace.mkdir(parents=True)
    (workspace / "owner.json").write_text(json.dumps(asdict(DEAD)))
    assert await swept(FakeEngine([]), tmp_path) == 1
    assert not workspace.exists()
