"""How two runs differ."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.trace.events import (
    Event,
    FailureState,
    FileChange,
    Message,
    ModelRequest,
    ModelResponse,
    RunCompleted,
    RunFailed,
    RunStarted,
    ToolCall,
    ToolResult,
)
from workbench.trace.run_diff import CompareWorkspaces, RunDiff, diff_runs
from workbench.trace.run_diff_json import diff_to_json
from workbench.trace.run_record import record_of

MakeRun = Callable[..., list[Event]]


def edited(events: list[Event], kind: type, step: int | None = None, **changes: Any) -> list[Event]:
    """The events with the data of one kind changed, at one step or all."""
    return [
        replace(event, data=replace(event.data, **changes))
        if isinstance(event.data, kind) and (step is None or event.step == step)
        else event
        for event in events
    ]


def without(events: list[Event], step: int) -> list[Event]:
    return [event for event in events if event.step != step]


def differ(left: list[Event], right: list[Event], workspaces: CompareWorkspaces = lambda one, other: None) -> RunDiff:
    diff = diff_runs(record_of(left), record_of(right), workspaces)
    json.dumps(diff_to_json(diff))
    return diff


def shown(diff: RunDiff) -> list[str]:
    """Each step as `left-right: what differs`."""
    return [
        f"{step.left.number if step.left else ''}-{step.right.number if step.right else ''}"
        + (f": {', '.join(step.parts)}" if step.parts else "")
        for step in diff.steps
    ]


def test_a_run_is_the_same_as_itself(make_run: MakeRun) -> None:
    diff = differ(make_run("r1", 4), make_run("r2", 4))
    assert diff.is_same
    assert diff.parting is None
    assert shown(diff) == ["1-1", "2-2", "3-3", "4-4"]
    assert diff_to_json(diff)["same"] is True


def test_times_tokens_costs_and_origins_are_no_difference(make_run: MakeRun) -> None:
    taped = make_run("r2", 3, parent_run_id="r1", fork_step=4)
    taped = edited(taped, ModelResponse, origin="tape", duration=0.0, cost_usd=None, request_id=None)
    taped = edited(taped, ToolResult, origin="tape", latency=0.0, call_id="other")
    taped = edited(taped, ToolCall, call_id="other")
    diff = differ(make_run("r1", 3), taped)
    assert diff.is_same
    assert all(step.right is not None and step.right.from_tape for step in diff.steps)


def test_the_tape_may_answer_for_whatever_answered_before(make_run: MakeRun) -> None:
    live = make_run("r1", 1, model_source="api")
    assert differ(live, make_run("r2", 1, model_source="tape")).is_same
    assert differ(live, make_run("r2", 1, model_source="offline")).settings[0].name == "model.source"


@pytest.mark.parametrize(
    ("kind", "changes", "part"),
    [
        (Message, {"text": "Looking elsewhere"}, "message"),
        (ModelResponse, {"stop_reason": "max_tokens"}, "stop reason"),
        (ToolCall, {"arguments": {"command": "cat other.txt"}, "digest": "e" * 32}, "tool calls"),
        (ToolResult, {"content": ({"type": "text", "text": "other"},)}, "results"),
        (ToolResult, {"is_error": True}, "results"),
        (ToolResult, {"changed": (FileChange("other.txt", "added", 3),)}, "files"),
    ],
)
def test_what_differs_is_named_where_it_differs(
    make_run: MakeRun, kind: type, changes: dict[str, Any], part: str
) -> None:
    diff = differ(make_run("r1", 3), edited(make_run("r2", 3), kind, step=3, **changes))
    assert shown(diff) == ["1-1", "2-2", f"3-3: {part}"]
    assert diff.parting is diff.steps[2]
    assert not diff.is_same


def test_a_step_that_one_run_lacks(make_run: MakeRun) -> None:
    left = make_run("r1", 4)
    assert shown(differ(left, without(left, 2))) == ["1-1", "2-", "3-3", "4-4"]
    assert shown(differ(without(left, 2), left)) == ["1-1", "-2", "3-3", "4-4"]


def test_steps_with_other_tools_in_one_place_stand_beside_each_other(make_run: MakeRun) -> None:
    right = edited(make_run("r2", 3), ToolCall, step=2, tool="read", digest="e" * 32)
    assert shown(differ(make_run("r1", 3), right)) == ["1-1", "2-2: tool calls", "3-3"]


def test_files_are_compared_by_content_where_snapshots_are_there(make_run: MakeRun) -> None:
    left = edited(make_run("r1", 1), ToolResult, snapshot="a")
    right = edited(make_run("r2", 1), ToolResult, snapshot="b")
    asked: list[tuple[str | None, str | None]] = []

    def compare(one: str | None, other: str | None) -> Sequence[FileChange]:
        asked.append((one, other))
        return [FileChange("notes.txt", "modified", 5), FileChange("untouched.txt", "modified", 5)]

    diff = differ(left, right, compare)
    assert diff.steps[0].files == ["notes.txt"]
    assert asked == [("a", "b")]
    assert differ(left, right, lambda one, other: []).is_same


def test_what_the_runs_were_given(make_run: MakeRun) -> None:
    plain = {
        "name": "a",
        "model": {"id": "one", "effort": None},
        "system_prompt": "Be brief.",
        "mcp_servers": [{"type": "bash"}],
    }
    other = {**plain, "model": {"id": "two", "effort": "low"}, "system_prompt": "Be kind.", "mcp_servers": []}
    right = make_run("r2", 1, definition=other, input="another ticket")
    right = edited(right, ModelRequest, parameters={"max_tokens": 4096}, tools=({"name": "read"},))
    diff = differ(make_run("r1", 1, definition=plain), right)
    assert diff.given == ["system prompt", "input", "settings", "tools"]
    assert {setting.name: (setting.left, setting.right) for setting in diff.settings} == {
        "model.id": ("one", "two"),
        "model.effort": (None, "low"),
        "mcp_servers": (None, []),
        "mcp_servers.0.type": ("bash", None),
        "request.max_tokens": (1024, 4096),
    }
    assert [(tool.name, tool.left) for tool in diff.tools] == [("read", None)]
    assert not diff.is_same
    assert diff.parting is None


def test_another_end_is_a_difference(make_run: MakeRun) -> None:
    left = make_run("r1", 2)
    end = left[-1].data
    assert isinstance(end, RunCompleted)
    failed = RunFailed("timeout", "It took longer.", FailureState(2, 12), 2, end.usage, end.costs, 9.0)
    diff = differ(left, [*left[:-1], replace(left[-1], data=failed)])
    assert diff.outcome_differs
    assert diff.parting is None
    assert not diff.is_same


@settings(
    deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture], max_examples=60
)
@given(st.lists(st.integers(1, 9), unique=True), st.lists(st.integers(1, 9), unique=True), st.data())
def test_every_step_is_told_once_and_in_order(
    make_run: MakeRun, dropped_left: list[int], dropped_right: list[int], data: st.DataObject
) -> None:
    left = right = make_run("r1", 9)
    for step in dropped_left:
        left = without(left, step)
    for step in dropped_right:
        right = without(right, step)
    touched = data.draw(st.integers(1, 9))
    right = edited(right, Message, touched, text="changed")
    diff = differ(left, right)
    for side, dropped in (("left", dropped_left), ("right", dropped_right)):
        told = [getattr(step, side).number for step in diff.steps if getattr(step, side) is not None]
        assert told == sorted(set(range(1, 10)) - set(dropped))
    assert diff.is_same == (sorted(dropped_left) == sorted(dropped_right) and touched in dropped_right)


def test_the_json_tells_words_calls_and_places(make_run: MakeRun) -> None:
    right = edited(make_run("r2", 2), Message, 2, text="Looking, twice")
    told: Any = diff_to_json(differ(make_run("r1", 2), right))
    assert told["parting"] == {"left": 2, "right": 2, "parts": ["message"]}
    assert told["steps"][1]["message"] == [["same", "Looking,"], ["removed", " 2"], ["added", " twice"]]
    assert "message" not in told["steps"][0]
    assert told["steps"][0]["costs"][0]["model_usd"] == "0.0003"
    assert told["left"]["run_id"] == "r1"
    assert isinstance(record_of(make_run("r1", 1)).started, RunStarted)
