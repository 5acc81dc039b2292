"""The store keeps every event, and gives it back in every form that views need."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.trace.errors import RunNotFoundError, SequenceError, StoreError
from workbench.trace.events import Event, EventData, Message, Notice, RunStarted
from workbench.trace.places import store_file
from workbench.trace.rows import row_of
from workbench.trace.runs import summarise
from workbench.trace.store import Store

CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])

MakeRun = Callable[..., list[Event]]


def sql(store: Store, query: str) -> list[tuple[Any, ...]]:
    """What the store's file holds, asked from outside."""
    with closing(sqlite3.connect(store.path)) as plain:
        return plain.execute(query).fetchall()


def test_events_come_back_whole_and_in_order(store: Store, make_run: MakeRun) -> None:
    events = make_run("r1", 3)
    for event in events:
        store.append(event)
    assert list(store.events("r1")) == events
    assert list(store.events("r1", after=5, limit=4)) == events[5:9]
    assert list(store.events("r1", after=len(events))) == []
    assert list(store.events("r1", limit=0)) == []
    assert list(store.events("r1", types=["message"])) == [e for e in events if e.type == "message"]
    assert list(store.events("r1", types=["message"], limit=2))[-1].step == 2
    assert list(store.events("r1", types=[])) == []


@settings(CALM, max_examples=25)
@given(drawn=st.data())
def test_any_event_comes_back(
    store: Store, drawn: st.DataObject, make_run: MakeRun, any_data: dict[str, st.SearchStrategy[EventData]]
) -> None:
    middle = [name for name in any_data if not name.startswith("run_")]
    data = drawn.draw(st.lists(st.sampled_from(middle).flatmap(lambda name: any_data[name]), max_size=4))
    started = drawn.draw(any_data["run_started"])
    run_id = f"run-{len(store.runs(None))}"
    template = make_run(run_id, 1)[0]
    events = [replace(template, seq=seq, data=item) for seq, item in enumerate([started, *data], start=1)]
    store.append_many(events)
    assert list(store.events(run_id)) == events
    assert list(store.rows(run_id)) == [row_of(event) for event in events]
    assert store.run(run_id) == summarise(events)


def test_a_summary_is_what_its_events_say_at_every_moment(store: Store, make_run: MakeRun) -> None:
    events = make_run("r1", 3, parent_run_id="r0", fork_step=1)
    for count, event in enumerate(events, start=1):
        store.append(event)
        assert store.run("r1") == summarise(events[:count]) == summarise(store.events("r1"))


def test_runs_are_listed_newest_first(store: Store, make_run: MakeRun) -> None:
    for number in range(5):
        events = make_run(f"r{number}", 1, agent="odd" if number % 2 else "even")
        store.append_many(replace(event, at=event.at + timedelta(minutes=number)) for event in events)
    assert [run.run_id for run in store.runs()] == ["r4", "r3", "r2", "r1", "r0"]
    assert [run.run_id for run in store.runs(2)] == ["r4", "r3"]
    assert [run.run_id for run in store.runs(None, agent="odd")] == ["r3", "r1"]
    assert [store.find(text) for text in ("last", "r2", "0")] == ["r4", "r2", "r0"]


def test_rows_in_windows(store: Store, make_run: MakeRun) -> None:
    events = make_run("r1", 5)
    store.append_many(events)
    rows = [row_of(event) for event in events]
    assert list(store.rows("r1")) == rows
    assert list(store.rows("r1", limit=3)) == rows[:3]
    assert list(store.rows("r1", after=len(rows) - 2)) == rows[-2:]
    assert list(store.rows("r1", after=4, limit=2)) == rows[4:6]
    assert list(store.rows("r1", after=len(rows))) == []


def test_a_long_run_is_read_in_pages_without_a_seam(store: Store, make_run: MakeRun) -> None:
    first = make_run("r1", 1)[0]
    count = 5_200
    events = [first, *(replace(first, seq=seq, data=Message(str(seq))) for seq in range(2, count + 1))]
    store.append_many(events)
    assert [row.seq for row in store.rows("r1")] == list(range(1, count + 1))
    assert [event.seq for event in store.events("r1")] == list(range(1, count + 1))
    assert [event.seq for event in store.events("r1", after=150, limit=450)] == list(range(151, 601))
    assert [row.seq for row in store.rows("r1", limit=5_001)] == list(range(1, 5_002))


@pytest.mark.parametrize("seq", [1, 2, 4])
def test_a_gap_or_a_repetition_is_refused_and_changes_nothing(store: Store, make_run: MakeRun, seq: int) -> None:
    events = make_run("r1", 1)
    store.append_many(events[:2])
    with pytest.raises(SequenceError):
        store.append(replace(events[2], seq=seq))
    assert list(store.events("r1")) == events[:2]
    store.append(events[2])


def test_nothing_follows_the_end_and_nothing_comes_before_the_beginning(store: Store, make_run: MakeRun) -> None:
    events = make_run("r1", 1)
    with pytest.raises(SequenceError, match="begins with event 2"):
        store.append(events[1])
    assert store.runs() == []
    store.append_many(events)
    with pytest.raises(SequenceError, match="has ended"):
        store.append(replace(events[1], seq=len(events) + 1))
    with pytest.raises(SequenceError):
        store.append(events[0])


def test_many_events_are_stored_all_or_none(store: Store, make_run: MakeRun) -> None:
    events = make_run("r1", 2)
    with pytest.raises(SequenceError):
        store.append_many([*events[:4], events[6]])
    with pytest.raises(ValueError, match="JSON"):
        store.append_many([*events[:3], replace(events[3], data=Notice("server", "x", data={"n": float("nan")}))])
    assert store.runs() == []
    assert [sql(store, f"SELECT count(*) FROM {table}") for table in ("events", "bodies", "blobs")] == [[(0,)]] * 3
    store.append_many(events)


def test_a_message_is_stored_once_however_often_it_appears(store: Store, make_run: MakeRun) -> None:
    store.append_many(make_run("r1", 3))
    # the prompt, three results that are in the next request too, and the first request's own
    assert sql(store, "SELECT count(*) FROM blobs") == [(5,)]
    store.append_many(make_run("r2", 3))
    assert sql(store, "SELECT count(*) FROM blobs") == [(5,)]
    assert sql(store, "SELECT count(*) FROM bodies WHERE data LIKE '%result 1 result 1%'") == [(0,)]


def test_twice_the_steps_is_twice_the_size(store: Store, make_run: MakeRun) -> None:
    def size(steps: int) -> int:
        store.append_many(make_run(f"r{steps}", steps))
        pooled = sql(store, "SELECT sum(length(content)) FROM blobs")[0][0]
        inline = sql(store, "SELECT sum(length(data)) FROM bodies")[0][0]
        return int(pooled + inline)

    first = size(20)
    second = size(40) - first
    assert 1.9 < second / first < 2.1


def test_deleting_a_run_deletes_what_only_it_had(store: Store, make_run: MakeRun) -> None:
    store.append_many(make_run("r1", 2))
    store.append_many(make_run("r2", 2, parent_run_id="r1", input="only r2 " * 100))
    store.append_many(make_run("r3", 40))
    large = sql(store, "PRAGMA page_count")
    store.delete_run("r2")
    assert sql(store, "SELECT count(*) FROM blobs WHERE id NOT IN (SELECT blob FROM blob_uses)") == [(0,)]
    assert [run.run_id for run in store.runs()] == ["r3", "r1"]
    assert list(store.events("r1")) == make_run("r1", 2)
    store.delete_run("r3")
    assert sql(store, "PRAGMA page_count") < large
    store.delete_run("r1")
    for table in ("runs", "events", "bodies", "blobs", "blob_uses"):
        assert sql(store, f"SELECT count(*) FROM {table}") == [(0,)], table
    store.append_many(make_run("r1", 1))


def test_a_running_run_is_not_deleted(store: Store, make_run: MakeRun) -> None:
    store.append_many(make_run("r1", 2)[:-1])
    with pytest.raises(StoreError, match="r1 is running"):
        store.delete_run("r1")
    assert len(list(store.events("r1"))) == 11 + 1


def test_a_run_that_is_not_there(store: Store) -> None:
    for ask in (store.run, store.rows, store.delete_run, lambda run_id: list(store.events(run_id))):
        with pytest.raises(RunNotFoundError, match="there is no run nope in"):
            ask("nope")


def test_looking_makes_no_store(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no runs yet"):
        Store.open(tmp_path, read_only=True)
    assert list(tmp_path.iterdir()) == []


def test_a_store_for_reading_reads_and_does_not_write(tmp_path: Path, make_run: MakeRun) -> None:
    with Store.open(tmp_path) as store:
        store.append_many(make_run("r1", 1))
    before = store_file(tmp_path).read_bytes()
    with Store.open(tmp_path, read_only=True) as store:
        assert list(store.events("r1")) == make_run("r1", 1)
        assert store.search("invoice")
        with pytest.raises(StoreError, match="for reading only"):
            store.append_many(make_run("r2", 1))
        with pytest.raises(StoreError, match="for reading only"):
            store.delete_run("r1")
    assert store_file(tmp_path).read_bytes() == before


def test_a_reader_sees_what_a_writer_adds(store: Store, tmp_path: Path, make_run: MakeRun) -> None:
    events = make_run("r1", 1)
    store.append(events[0])
    with Store.open(tmp_path, read_only=True) as reader:
        for event in events[1:]:
            assert reader.rows("r1", after=event.seq - 1) == []
            store.append(event)
            assert list(reader.rows("r1", after=event.seq - 1)) == [row_of(event)]
        assert reader.run("r1") == store.run("r1")


def test_threads_share_a_store(store: Store, make_run: MakeRun) -> None:
    first = make_run("r1", 1)[0]
    store.append(first)
    seen: list[int] = []
    done = threading.Event()
    failures: list[Exception] = []

    def watch() -> None:
        try:
            while not (done.is_set() and len(seen) == 200):
                seen.extend(row.seq for row in store.rows("r1", after=len(seen)))
                store.run("r1")
                done.wait(0.002)
        except Exception as error:
            failures.append(error)

    watcher = threading.Thread(target=watch)
    watcher.start()
    for seq in range(2, 201):
        store.append(replace(first, seq=seq, data=Message(str(seq))))
    done.set()
    watcher.join(10)
    assert failures == []
    assert seen == list(range(1, 201))


def test_damaged_events_are_reported_and_not_guessed(store: Store, make_run: MakeRun) -> None:
    store.append_many(make_run("r1", 1))
    with closing(sqlite3.connect(store.path)) as plain:
        for data in ("{", "[]", '{"text": 1}', '{"$blob": 99}', "[" * 5_000):
            plain.execute("UPDATE bodies SET data = ? WHERE id = 5", (data,))
            plain.commit()
            with pytest.raises(StoreError, match="damaged"):
                list(store.events("r1"))
    assert len(store.rows("r1")) == 8


def test_the_prompt_of_a_run_is_pooled_too(store: Store, make_run: MakeRun) -> None:
    store.append_many(make_run("r1", 1))
    started = next(store.events("r1")).data
    assert isinstance(started, RunStarted)
    assert started.definition["system_prompt"] == "Be brief. " * 100
    assert sql(store, "SELECT length(data) < 800 FROM bodies WHERE id = 1") == [(1,)]
