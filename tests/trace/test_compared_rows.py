"""What of a run is put beside other runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.trace.compared_rows import ComparedRow, ComparedRows, compared_text
from workbench.trace.events import Event, ModelResponse, Notice, Reasoning

MakeRun = Callable[..., list[Event]]


def rows_of(events: list[Event]) -> list[ComparedRow]:
    rows = ComparedRows()
    rows.take(events)
    return rows.rows


def with_data(event: Event, **changes: Any) -> Event:
    data: Any = event.data
    return replace(event, data=replace(data, **changes))


def test_requests_replies_and_notices_are_no_rows(make_run: MakeRun) -> None:
    rows = rows_of(make_run("r1", 2))
    assert [row.type for row in rows] == [
        "run_started",
        *("message", "tool_call", "tool_result") * 2,
        "run_completed",
    ]
    assert [row.step for row in rows] == [0, 1, 1, 1, 2, 2, 2, 2]


def test_warnings_are_rows_and_retries_are_not(make_run: MakeRun) -> None:
    notice = make_run("r1", 1)[1]
    rows = rows_of(
        [
            replace(notice, data=Notice("limit", "near", "warning")),
            replace(notice, data=Notice("retry", "again", "warning")),
        ]
    )
    assert [row.text for row in rows] == ["near"]


def test_the_first_row_of_a_step_carries_what_the_reply_took(make_run: MakeRun) -> None:
    message, call, result = rows_of(make_run("r1", 1))[1:4]
    assert (message.latency, message.cost) == (0.8, Decimal("0.0003"))
    assert (call.latency, call.cost) == (None, None)
    assert (result.latency, result.cost) == (0.05, None)


def test_results_stand_after_their_calls_whenever_they_come(make_run: MakeRun) -> None:
    events = make_run("r1", 1)
    call, result = events[5], events[6]
    second = with_data(call, call_id="t9", index=2, tool="read")
    late = with_data(result, call_id="t9", tool="read")
    rows = ComparedRows()
    assert rows.take([*events[:6], second, late]) == 0
    assert [row.tool for row in rows.rows[2:]] == ["bash", "read", "read"]
    assert rows.take([result]) == 3
    assert [(row.type, row.tool) for row in rows.rows[2:]] == [
        ("tool_call", "bash"),
        ("tool_result", "bash"),
        ("tool_call", "read"),
        ("tool_result", "read"),
    ]
    assert rows.keys == [row.key for row in rows.rows]


def test_the_same_said_is_the_same_whatever_it_took(make_run: MakeRun) -> None:
    live = make_run("r1", 2)
    taped = [
        with_data(event, origin="tape", duration=0.0, cost_usd=None) if isinstance(event.data, ModelResponse) else event
        for event in make_run("r2", 2)
    ]
    assert [row.key for row in rows_of(live)] == [row.key for row in rows_of(taped)]


def test_a_long_text_that_differs_at_its_end_differs(make_run: MakeRun) -> None:
    message = make_run("r1", 1)[4]
    one, other = (rows_of([with_data(message, text="word " * 500 + end)])[0] for end in ("a", "b"))
    assert one.text == other.text
    assert one.exact != other.exact


def test_the_whole_text_of_a_row(make_run: MakeRun) -> None:
    events = make_run("r1", 1)
    assert compared_text(events[0]) == "My invoice is wrong"
    assert compared_text(events[5]) == "command: cat ticket.txt"
    assert compared_text(events[6]).startswith("result 1 result 1")
    assert compared_text(events[-1]) == "The ticket is about billing."
    assert compared_text(replace(events[4], data=Reasoning(None, 1.0))) == "(not captured)"


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(1, 23), max_size=6))
def test_events_in_portions_give_the_same_rows(make_run: MakeRun, cuts: list[int]) -> None:
    events = make_run("r1", 4)
    rows = ComparedRows()
    begin = 0
    for cut in sorted({*cuts, len(events)}):
        rows.take(events[begin:cut])
        begin = cut
    assert rows.rows == rows_of(events)
