"""A store that is damaged anywhere never makes a traceback, and is never made worse by looking at it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.trace.errors import StoreError
from workbench.trace.events import Event
from workbench.trace.places import state_folder, store_file
from workbench.trace.runs import to_json
from workbench.trace.store import Store

CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def good_file(tmp_path_factory: pytest.TempPathFactory, make_run: Callable[..., list[Event]]) -> Path:
    """A closed store with two runs. A path, because its bytes would fill the screen when a test fails."""
    folder = tmp_path_factory.mktemp("good")
    with Store.open(folder) as store:
        store.append_many(make_run("r1", 6))
        store.append_many(make_run("r2", 3))
    return store_file(folder)


@settings(CALM, max_examples=120)
@given(
    spots=st.lists(st.tuples(st.integers(0, 10**9), st.binary(min_size=1, max_size=40)), min_size=1, max_size=6),
    cut=st.one_of(st.none(), st.integers(0, 10**9)),
)
def test_damage_anywhere_is_reported_or_harmless(
    good_file: Path, tmp_path: Path, spots: list[tuple[int, bytes]], cut: int | None
) -> None:
    spoiled = bytearray(good_file.read_bytes())
    for place, junk in spots:
        begin = place % (len(spoiled) - len(junk))
        spoiled[begin : begin + len(junk)] = junk
    if cut is not None:
        del spoiled[cut % len(spoiled) :]
    path = state_folder(tmp_path) / "workbench.db"
    for leftover in path.parent.glob("workbench.db*"):
        leftover.unlink()
    path.write_bytes(spoiled)
    try:
        with Store.open(tmp_path, read_only=True) as store:
            for run in store.runs():
                store.rows(run.run_id)
                list(store.events(run.run_id))
            store.search("result")
            store.find("last")
    except StoreError as error:
        assert str(error)
    assert path.read_bytes() == bytes(spoiled)


def test_a_damaged_store_is_not_appended_to(
    good_file: Path, tmp_path: Path, make_run: Callable[..., list[Event]]
) -> None:
    path = state_folder(tmp_path) / "workbench.db"
    for bad in (good_file.read_bytes()[:-5_000], b"not a store", b"\0" * 8_192):
        path.write_bytes(bad)
        with pytest.raises(StoreError), Store.open(tmp_path) as store:
            store.append_many(make_run("r9", 1))
        assert path.read_bytes() == bad


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET gist = x'00'",
        "UPDATE events SET offset = 'soon'",
        "UPDATE events SET input_tokens = 'many'",
        "UPDATE runs SET run_id = x'00'",
        "UPDATE runs SET status = 'odd'",
        "UPDATE runs SET budget_usd = 'Infinity'",
        "UPDATE runs SET steps = 'x'",
        "UPDATE blobs SET size = 5",
    ],
)
def test_values_that_no_store_writes_are_reported(good_file: Path, tmp_path: Path, statement: str) -> None:
    path = state_folder(tmp_path) / "workbench.db"
    path.write_bytes(good_file.read_bytes())
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(statement.replace("SET run_id = x'00'", "SET run_id = x'00' WHERE key = 1"))
    with pytest.raises(StoreError, match="damaged"), Store.open(tmp_path, read_only=True) as store:
        for run in store.runs():
            to_json(run)
            store.rows(run.run_id)
            list(store.events(run.run_id))
        store.search("result")
