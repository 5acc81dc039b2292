"""Events as rows of a timeline."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.trace.events import Egress, Event, Notice, Permission
from workbench.trace.gist import gist
from workbench.trace.rows import COLUMNS, EventRow, row_from_columns, row_of

CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@CALM
@given(drawn=st.data())
def test_a_row_comes_back_from_its_columns(drawn: st.DataObject, any_event: st.SearchStrategy[Event]) -> None:
    row = row_of(drawn.draw(any_event))
    columns = (*row[:9], None if row.cost is None else str(row.cost), row.origin, int(row.is_error), row.call_id)
    assert row_from_columns(columns) == row
    assert len(COLUMNS.split(", ")) == len(EventRow._fields)


def test_a_step_in_rows(make_run: Callable[..., list[Event]]) -> None:
    events = make_run()
    rows = [row_of(event) for event in events]
    assert [row.type for row in rows[:7]] == [
        *("run_started", "notice", "model_request", "model_response", "message", "tool_call", "tool_result"),
    ]
    response, call, result = rows[3], rows[5], rows[6]
    assert (response.latency, response.input_tokens, response.output_tokens) == (0.8, 1_100, 20)
    assert (response.cost, response.origin) == (Decimal("0.0003"), "live")
    assert (call.tool, call.gist, call.latency, call.cost) == ("bash", "bash cat ticket.txt", None, None)
    assert (result.tool, result.latency, result.is_error, result.origin) == ("bash", 0.05, False, "live")
    assert call.call_id == result.call_id
    assert call.call_id is not None
    assert rows[11].is_error
    assert [row.gist for row in rows] == [gist(event.data) for event in events]
    assert [(row.seq, row.step, row.offset) for row in rows] == [(e.seq, e.step, e.offset) for e in events]


def test_what_counts_as_an_error(make_run: Callable[..., list[Event]]) -> None:
    first = make_run()[0]

    def is_error(data: Any) -> bool:
        return row_of(Event(first.run_id, 1, 0, first.at, 0.0, data)).is_error

    assert is_error(Egress("h", 443, "refused", "policy"))
    assert not is_error(Egress("h", 443, "allowed", "policy"))
    assert is_error(Notice("server", "down", "error"))
    assert not is_error(Notice("server", "slow", "warning"))
    assert not is_error(Permission("bash", "bash", "refused"))


def test_a_hostile_name_of_a_tool_is_made_printable(make_run: Callable[..., list[Event]]) -> None:
    first = make_run()[0]
    row = row_of(Event(first.run_id, 1, 0, first.at, 0.0, Permission("\x1b[2J\ud800", "s", "asked")))
    assert row.tool == "␛[2J⟨U+D800⟩"
