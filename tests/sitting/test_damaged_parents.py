"""A replay of a run whose store is damaged, foreign or not whole is refused, and the store is left as it is."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.engine.scripted_world import Stage, Turn
from workbench.cost.prices import PriceList
from workbench.engine.replay_request import ReplayRequest
from workbench.sitting.replays import plan_of
from workbench.sitting.sitting import Sitting
from workbench.trace.errors import StoreError
from workbench.trace.places import state_folder, store_file
from workbench.trace.store import Store

REQUEST = ReplayRequest("run-1", model="tape", tools="tape")
CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("good")
    with Store.open(folder) as store:
        store.append_many(Stage([Turn(calls=[("write", "a")]), Turn("done")]).run().events)
    return store_file(folder)


def replayed(folder: Path) -> None:
    """Ask for a replay in all ways in which one begins."""
    with Store.open(folder, read_only=True) as store:
        plan_of(store, folder, REQUEST, PriceList.load())
    Sitting.of_run(folder, "run-1", tape_only=True, environment={})


@pytest.fixture
def copied(good: Path, tmp_path: Path) -> Path:
    state_folder(tmp_path)
    return Path(shutil.copy(good, store_file(tmp_path)))


@settings(CALM, max_examples=80)
@given(st.lists(st.tuples(st.integers(0, 10**9), st.binary(min_size=1, max_size=40)), min_size=1, max_size=4))
def test_a_damaged_store_is_reported_or_harmless(copied: Path, good: Path, spots: list[tuple[int, bytes]]) -> None:
    spoiled = bytearray(good.read_bytes())
    for place, junk in spots:
        begin = place % (len(spoiled) - len(junk))
        spoiled[begin : begin + len(junk)] = junk
    for leftover in copied.parent.glob("workbench.db*"):
        leftover.unlink()
    copied.write_bytes(spoiled)
    try:
        replayed(copied.parents[1])
    except Exception as error:
        # a definition that is readable JSON and no definition any more is told as such
        assert type(error).__name__ in ("StoreError", "TapeError", "RunNotFoundError", "DefinitionError")
        assert str(error)
    assert copied.read_bytes() == bytes(spoiled)


def spoil(statement: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(statement)

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (spoil("DELETE FROM events WHERE seq = 4"), "does not follow event 3"),
        (spoil("DELETE FROM events WHERE seq = 1"), "does not begin with run_started|whole trace"),
        (spoil("UPDATE events SET step = 2 WHERE seq = 5"), "cannot stand where it does"),
        (spoil("UPDATE bodies SET data = '{}' WHERE id = 4"), "event 4 of run run-1 is damaged"),
        (spoil("UPDATE bodies SET data = '[' WHERE id = 4"), "event 4 of run run-1 is damaged"),
        (spoil("UPDATE events SET type = 'dream' WHERE seq = 4"), "unknown event type 'dream'"),
        (spoil("PRAGMA user_version = 99"), "newer"),
        (spoil("PRAGMA application_id = 7"), "not a run store|no run store|is not"),
    ],
)
def test_a_store_that_cannot_be_played_says_why(copied: Path, change: Callable[[Path], None], message: str) -> None:
    change(copied)
    before = copied.read_bytes()
    with pytest.raises(StoreError, match=message):
        replayed(copied.parents[1])
    assert copied.read_bytes() == before
