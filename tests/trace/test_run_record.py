"""A run as steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from workbench.trace.errors import SequenceError
from workbench.trace.events import ContainerState, Event, ModelResponse, RunCompleted, ToolCall, ToolResult
from workbench.trace.run_record import record_of

MakeRun = Callable[..., list[Event]]


def changed(events: list[Event], kind: type, **changes: Any) -> list[Event]:
    """The events with the data of one kind changed."""
    return [
        replace(event, data=replace(event.data, **changes)) if isinstance(event.data, kind) else event
        for event in events
    ]


def test_a_finished_run(make_run: MakeRun) -> None:
    run = record_of(make_run("r1", 3))
    assert (run.run_id, run.started.agent, run.duration) == ("r1", "support-triage", 4.5)
    assert isinstance(run.end, RunCompleted)
    assert [step.number for step in run.steps] == [1, 2, 3]
    step = run.steps[1]
    assert step.message == "Looking, 2"
    assert [record.call.tool for record in step.calls] == ["bash"]
    assert step.calls[0].result is not None
    assert step.origin == "live"
    assert run.parameters == {"max_tokens": 1024}


def test_a_run_that_goes_on(make_run: MakeRun) -> None:
    run = record_of(make_run("r1", 2)[:-2])
    assert run.end is None
    assert run.steps[1].calls[0].result is None


def test_results_belong_to_their_calls_in_whatever_order_they_came(make_run: MakeRun) -> None:
    events = make_run("r1", 1)
    call, result = events[5], events[6]
    assert isinstance(call.data, ToolCall)
    assert isinstance(result.data, ToolResult)
    second = replace(call, data=replace(call.data, call_id="t9", index=2))
    its_result = replace(result, data=replace(result.data, call_id="t9", exit_code=9))
    run = record_of([*events[:6], second, its_result, result])
    codes = [record.result.exit_code for record in run.steps[0].calls if record.result is not None]
    assert codes == [result.data.exit_code, 9]


def test_the_workspace_after_a_step_is_the_last_one_named(make_run: MakeRun) -> None:
    events = make_run("r1", 2)
    run = record_of(events)
    assert [step.snapshot for step in run.steps] == ["s1", "s1"]
    later = [
        replace(event, data=replace(event.data, snapshot="s2"))
        if isinstance(event.data, ToolResult) and event.step == 1
        else event
        for event in changed(events, ToolCall, container=ContainerState("/workspace"))
    ]
    assert [step.snapshot for step in record_of(later).steps] == ["s2", "s2"]


def test_a_step_is_from_tape_when_nothing_of_it_was_live(make_run: MakeRun) -> None:
    reply_only = changed(make_run("r1", 1), ModelResponse, origin="tape")
    assert not record_of(reply_only).steps[0].from_tape
    assert record_of(changed(reply_only, ToolResult, origin="tape")).steps[0].from_tape
    assert not record_of(changed(reply_only, ToolResult, origin="edited")).steps[0].from_tape


def test_events_without_a_beginning_are_no_run(make_run: MakeRun) -> None:
    with pytest.raises(SequenceError, match="begins with notice"):
        record_of(make_run("r1", 1)[1:])
    with pytest.raises(SequenceError, match="at least one"):
        record_of([])
