"""Stores are found from anywhere near them."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.trace.errors import StoreError
from workbench.trace.places import find_stores, state_folder, store_file


def with_store(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    state_folder(folder)
    store_file(folder).touch()
    return folder


def with_agent(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "agent.yaml").touch()
    return folder


def test_the_state_folder_keeps_itself_out_of_version_control(tmp_path: Path) -> None:
    state = state_folder(tmp_path)
    assert state == tmp_path / ".workbench"
    assert (state / ".gitignore").read_text() == "*\n"
    (state / ".gitignore").write_text("mine\n")
    assert state_folder(tmp_path) == state
    assert (state / ".gitignore").read_text() == "mine\n"


def test_a_state_folder_that_cannot_be_made_is_explained(tmp_path: Path) -> None:
    (tmp_path / ".workbench").write_text("a file")
    with pytest.raises(StoreError, match="cannot create"):
        state_folder(tmp_path)
    with pytest.raises(StoreError, match="make the folder writable"):
        state_folder(tmp_path / "missing")


def test_the_agent_that_one_stands_in(tmp_path: Path) -> None:
    agent = with_store(with_agent(tmp_path / "agent"))
    with_store(tmp_path / "other")
    inside = agent / "inputs" / "deep"
    inside.mkdir(parents=True)
    assert find_stores(agent) == (agent,)
    assert find_stores(inside) == (agent,)


def test_an_agent_without_runs_has_no_store(tmp_path: Path) -> None:
    with_store(with_agent(tmp_path / "agent") / "nested")
    assert find_stores(tmp_path / "agent") == ()


def test_all_stores_below_a_folder_that_is_in_no_agent(tmp_path: Path) -> None:
    found = [with_store(tmp_path / name) for name in ("b", "a/x/y/z", "a")]
    with_store(tmp_path / "a/x/y/z/too-deep")
    for passed_over in ("node_modules/a", ".hidden", "venv/lib", "__pycache__"):
        with_store(tmp_path / passed_over)
    (tmp_path / "link").symlink_to(tmp_path / "a")
    assert find_stores(tmp_path) == tuple(sorted(found))


def test_a_folder_with_a_store_of_its_own_counts_too(tmp_path: Path) -> None:
    assert find_stores(with_store(tmp_path)) == (tmp_path,)


def test_nothing_is_found_where_nothing_is(tmp_path: Path) -> None:
    assert find_stores(tmp_path) == ()
    assert find_stores(tmp_path / "missing") == ()


def test_what_cannot_be_looked_at_holds_nothing(tmp_path: Path) -> None:
    assert find_stores(tmp_path / ("x" * 300)) == ()
