"""Finding what was said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from workbench.trace.errors import RunNotFoundError
from workbench.trace.events import Event, Message, ModelResponse
from workbench.trace.store import Store

MakeRun = Callable[..., list[Event]]


@pytest.fixture
def filled(store: Store, make_run: MakeRun) -> Store:
    """Two runs, `old` and a day later `new`."""
    old = make_run("old", 2)
    store.append_many(old)
    store.append_many(replace(event, at=event.at + timedelta(days=1)) for event in make_run("new", 3))
    return store


def found(store: Store, text: str, **options: object) -> list[tuple[str, int, str]]:
    return [(hit.run_id, hit.seq, hit.type) for hit in store.search(text, **options)]  # type: ignore[arg-type]


def test_newest_run_first_and_in_order_within_a_run(filled: Store) -> None:
    assert found(filled, "Looking, 2") == [("new", 10, "message"), ("old", 10, "message")]


def test_case_does_not_matter(filled: Store) -> None:
    assert found(filled, "LOOKING, 2") == found(filled, "looking, 2")
    assert len(found(filled, "straße")) == 0
    assert found(filled, "MY INVOICE") == [("new", 1, "run_started"), ("old", 1, "run_started")]


def test_text_in_pooled_contents_is_found_where_it_was_said(filled: Store) -> None:
    assert found(filled, "result 2 result 2", run_id="old") == [("old", 12, "tool_result")]


def test_requests_and_replies_are_searched_when_asked_for(filled: Store) -> None:
    types = ["model_request", "model_response"]
    assert found(filled, "result 1 result 1", run_id="old", types=types) == [("old", 8, "model_request")]
    assert found(filled, "Looking, 2", run_id="old", types=types) == [("old", 9, "model_response")]


def test_the_names_of_fields_are_not_what_was_said(filled: Store) -> None:
    assert found(filled, "arguments_bytes") == []
    assert found(filled, "run_completed") == []
    assert found(filled, "$blob") == []


def test_quotes_breaks_and_odd_characters_are_found(store: Store, make_run: MakeRun) -> None:
    events = make_run("r", 1)
    said = 'He said "no"\nand C:\\temp\tand \ud800 and ÄRGER and \x1b[31m'
    events[4] = replace(events[4], data=Message(said))
    store.append_many(events)
    for text in ('said "NO"\nand', "c:\\TEMP\tand", "\ud800", "ärger", "\x1b[31"):
        assert found(store, text) == [("r", 5, "message")], text


def test_a_hit_shows_its_place_safely(store: Store, make_run: MakeRun) -> None:
    events = make_run("r", 1)
    events[4] = replace(events[4], data=Message("a " * 500 + "\x1b[2J needle \u202e" + "b " * 500))
    store.append_many(events)
    (hit,) = store.search("NEEDLE")
    assert hit.excerpt.startswith("…")
    assert "␛[2J needle ⟨U+202E⟩" in hit.excerpt
    assert len(hit.excerpt) <= 170
    assert (hit.seq, hit.step) == (5, 1)


def test_the_gist_is_searched_too(filled: Store) -> None:
    """A gist joins what the data holds apart."""
    assert found(filled, "bash cat ticket", run_id="old") == [("old", 6, "tool_call"), ("old", 11, "tool_call")]


def test_as_many_as_wanted(filled: Store) -> None:
    assert len(found(filled, "result", limit=3)) == 3
    assert found(filled, "") == []
    assert found(filled, "nothing of the kind") == []


def test_a_run_that_is_not_there(filled: Store) -> None:
    with pytest.raises(RunNotFoundError):
        filled.search("x", run_id="none")


def test_the_reply_is_not_found_twice(filled: Store) -> None:
    hits = filled.search("Looking, 1", run_id="old")
    assert [hit.type for hit in hits] == ["message"]
    assert isinstance(next(filled.events("old", types=["model_response"])).data, ModelResponse)
