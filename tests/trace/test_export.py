"""A trace leaves the store as lines and comes back as the same events."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.trace.errors import RunNotFoundError, TraceFormatError
from workbench.trace.events import Event
from workbench.trace.export import export_jsonl, import_jsonl
from workbench.trace.store import Store

CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

MakeRun = Callable[..., list[Event]]


@pytest.fixture
def lines(store: Store, make_run: MakeRun) -> list[str]:
    store.append_many(make_run("r1", 2))
    return list(export_jsonl(store, "r1"))


def test_what_was_exported_is_what_happened(lines: list[str], make_run: MakeRun) -> None:
    assert list(import_jsonl(lines)) == make_run("r1", 2)
    assert all("\n" not in line and line.isascii() for line in lines)
    assert "$blob" not in "".join(lines)


def test_a_trace_plays_in_another_store(lines: list[str], store: Store, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    with Store.open(tmp_path / "elsewhere") as other:
        other.append_many(import_jsonl(lines))
        assert list(other.events("r1")) == list(store.events("r1"))
        assert list(export_jsonl(other, "r1")) == lines


def test_several_runs_and_empty_lines_in_one_file(lines: list[str], make_run: MakeRun) -> None:
    mixed = [line for one in lines for line in (one + "\n", "", one.replace('"r1"', '"r2"'))]
    events = list(import_jsonl(mixed))
    assert [event for event in events if event.run_id == "r1"] == make_run("r1", 2)
    assert len([event for event in events if event.run_id == "r2"]) == len(lines)


def test_a_run_without_an_end_can_be_imported(lines: list[str]) -> None:
    assert len(list(import_jsonl(lines[:-3]))) == len(lines) - 3


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda lines: [*lines[:2], "{"], "line 3: not JSON"),
        (lambda lines: [lines[0], "", "[]"], "line 3: event: input should be"),
        (lambda lines: lines[1:], "line 1: run r1 begins with event 2"),
        (lambda lines: [*lines[:3], *lines[4:]], "line 4: event 5 of run r1 does not follow event 3"),
        (lambda lines: [*lines[:3], lines[2]], "line 4: event 3 of run r1 does not follow event 3"),
        (lambda lines: [*lines, lines[-1]], "has ended"),
        (lambda lines: [lines[0].replace("run_started", "run_begun")], "line 1: unknown event type 'run_begun'"),
        (lambda lines: [lines[0], "[" * 100_000], "line 2: nested too deeply"),
        (lambda _lines: [], "line 1: there is no event in it"),
        (lambda _lines: ["", ""], "line 2: there is no event in it"),
    ],
)
def test_a_trace_that_is_broken_says_in_which_line(
    lines: list[str], change: Callable[[list[str]], list[str]], said: str
) -> None:
    with pytest.raises(TraceFormatError) as caught:
        list(import_jsonl(change(lines)))
    assert said in str(caught.value)


@CALM
@given(drawn=st.data())
def test_no_line_makes_a_traceback(drawn: st.DataObject, any_json: st.SearchStrategy[object]) -> None:
    value = drawn.draw(st.one_of(any_json, st.fixed_dictionaries({"run_id": st.just("r"), "data": any_json})))
    with pytest.raises(TraceFormatError):
        list(import_jsonl([json.dumps(value)]))


def test_a_run_that_is_not_there(store: Store) -> None:
    with pytest.raises(RunNotFoundError):
        next(export_jsonl(store, "none"))
