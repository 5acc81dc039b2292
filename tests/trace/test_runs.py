"""The summary of a run is a fold over its events."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.cost.usage import Usage
from workbench.trace.errors import SequenceError
from workbench.trace.events import (
    Costs,
    Event,
    EventData,
    FailureState,
    Message,
    ModelResponse,
    RunFailed,
    RunStarted,
    ToolResult,
)
from workbench.trace.runs import COLUMNS, advance, from_columns, summarise, to_json

CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

MakeRun = Callable[..., list[Event]]


def test_a_finished_run(make_run: MakeRun) -> None:
    events = make_run("r1", 4, parent_run_id="r0", fork_step=2)
    summary = summarise(events)
    assert (summary.run_id, summary.agent, summary.digest) == ("r1", "support-triage", "d" * 32)
    assert (summary.status, summary.error, summary.ended) == ("completed", None, True)
    assert (summary.trigger, summary.input_gist) == ("webhook", "My invoice is wrong")
    assert (summary.model, summary.model_source, summary.endpoint) == ("claude-haiku-4-5", "offline", None)
    assert (summary.parent_run_id, summary.fork_step, summary.budget_usd) == ("r0", 2, Decimal("0.50"))
    assert (summary.events, summary.steps, summary.tool_calls, summary.tool_errors) == (23, 4, 4, 2)
    assert summary.usage == Usage(400, 80, 4_000)
    assert summary.costs == Costs(Decimal("0.0012"), Decimal("0.00002"), Decimal("0.00122"), Decimal(1))
    assert (summary.duration, summary.outcome_gist) == (4.5, "The ticket is about billing.")
    assert (summary.started_at, summary.last_at) == (events[0].at, events[-1].at)


def test_a_run_that_goes_on_counts_what_was_billed_so_far(make_run: MakeRun) -> None:
    summary = summarise(make_run("r1", 3)[:-1])
    assert (summary.status, summary.ended, summary.costs, summary.outcome_gist) == ("running", False, None, None)
    assert summary.usage == Usage(300, 60, 3_000)
    assert summary.model_usd == Decimal("0.0009")
    assert (summary.steps, summary.duration) == (3, 0.17)


@pytest.mark.parametrize(("origin", "counted"), [("live", 2), ("tape", 1), ("edited", 1)])
def test_only_live_replies_are_billed(make_run: MakeRun, origin: Any, counted: int) -> None:
    events = make_run("r1", 2)[:-1]
    reply = events[3].data
    assert isinstance(reply, ModelResponse)
    summary = summarise([*events[:3], replace(events[3], data=replace(reply, origin=origin)), *events[4:]])
    assert summary.usage.output_tokens == counted * 20
    assert summary.model_usd == counted * Decimal("0.0003")


def test_one_unknown_price_makes_the_cost_unknown(make_run: MakeRun) -> None:
    events = make_run("r1", 3)[:-1]
    reply = events[3].data
    assert isinstance(reply, ModelResponse)
    summary = summarise([*events[:3], replace(events[3], data=replace(reply, cost_usd=None)), *events[4:]])
    assert summary.model_usd is None
    assert summary.usage.output_tokens == 60


def test_a_failed_run(make_run: MakeRun) -> None:
    events = make_run("r1", 1)
    costs = Costs(None, Decimal("0.1"), None, Decimal("4500.000"))
    failed = RunFailed("timeout", "It took\nlonger.", FailureState(1, 7), 1, Usage(1, 2), costs, 600.0)
    summary = summarise([*events[:-1], replace(events[-1], data=failed)])
    assert (summary.status, summary.error, summary.ended) == ("failed", "timeout", True)
    assert (summary.model_usd, summary.costs, summary.usage) == (None, costs, Usage(1, 2))
    assert summary.outcome_gist == "timeout: It took longer."


@settings(CALM, max_examples=30)
@given(drawn=st.data())
def test_a_summary_comes_back_from_its_columns(
    drawn: st.DataObject, make_run: MakeRun, any_data: dict[str, st.SearchStrategy[EventData]]
) -> None:
    events = make_run("r1", 1)
    events[0] = replace(events[0], data=drawn.draw(any_data["run_started"]))
    events[-1] = replace(events[-1], data=drawn.draw(st.one_of(any_data["run_completed"], any_data["run_failed"])))
    for count in (1, 4, len(events)):
        summary = summarise(events[:count])
        values = to_json(summary)
        assert set(values) == set(COLUMNS)
        assert from_columns([values[name] for name in COLUMNS]) == summary
        json.dumps(values).encode("ascii")


def test_as_json_money_is_text_and_times_are_utc(make_run: MakeRun) -> None:
    values = to_json(summarise(make_run("r1", 1)))
    assert values["started_at"] == "2026-11-22T09:30:00.133456Z"
    assert (values["model_usd"], values["runtime_usd"], values["total_usd"]) == ("0.0003", "0.00002", "0.00032")
    assert (values["status"], values["input_tokens"]) == ("completed", 100)


def test_text_of_the_user_is_made_printable(make_run: MakeRun) -> None:
    summary = summarise(
        make_run("r1", 1, agent="\x1b]0;evil\x07", model="m\nx", endpoint="http://\u202e", digest="\ud800")
    )
    assert (summary.agent, summary.model, summary.endpoint) == ("␛]0;evil␇", "m x", "http://⟨U+202E⟩")
    assert summary.digest == "⟨U+D800⟩"


def test_events_must_follow_one_another(make_run: MakeRun) -> None:
    events = make_run("r1", 2)
    whole, part = summarise(events), summarise(events[:3])
    for before, event, said in (
        (None, events[1], "begins with event 2"),
        (None, replace(events[1], seq=1), "begins with event 1, notice"),
        (part, events[2], "event 3 .* does not follow event 3"),
        (part, events[4], "event 5 .* does not follow event 3"),
        (part, replace(events[3], run_id="other"), "does not follow"),
        (part, replace(events[0], seq=4), "already started"),
        (whole, replace(events[4], seq=whole.events + 1), "has ended"),
    ):
        with pytest.raises(SequenceError, match=said):
            advance(before, event)
    with pytest.raises(SequenceError, match="at least one"):
        summarise([])


def test_what_counts_does_not_depend_on_other_events(make_run: MakeRun) -> None:
    events = make_run("r1", 2)
    kinds = [type(event.data) for event in events]
    summary = summarise(events)
    assert summary.tool_errors == sum(isinstance(e.data, ToolResult) and e.data.is_error for e in events)
    assert kinds[0] is RunStarted
    assert Message in kinds
