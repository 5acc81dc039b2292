"""What a plan says is what the replay then does."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.engine.scripted_world import Played, Stage, Turn
from workbench.engine.replay_plan import plan_replay
from workbench.engine.replay_request import EditedResult, Edits, ForkPoint, ReplayRequest, Source
from workbench.jsontypes import JsonObject
from workbench.trace.events import ModelRequest, RunCompleted, ToolCall

CENT = Decimal("0.01")
SAID: JsonObject = {"type": "text", "text": "enough"}
PROGRAM = [Turn(calls=[("read", "a"), ("read", "b")]), Turn(calls=[("write", "c")]), Turn("done")]


def live(run: Played, kind: type) -> list[Any]:
    return [event.data for event in run.events if isinstance(event.data, kind) and event.data.origin == "live"]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("edits", "fork", "estimate", "ends_after"),
    [
        (Edits(), None, 0, 3),
        (Edits(replies={1: [SAID]}), None, 0, 1),
        (Edits(replies={3: [SAID]}), None, 0, 3),
        (Edits(replies={1: [SAID]}), ForkPoint(3), 0, 1),
        (Edits(replies={1: [SAID]}, messages={1: "go on"}), None, 2, None),
        (Edits(messages={3: "and more?"}), None, 1, None),
        (Edits(results={(1, 1): EditedResult([SAID])}), None, 2, None),
        (Edits(input="else"), None, 3, None),
        (Edits(replies={3: [{"type": "tool_use", "name": "read", "input": {"name": "z", "said": ""}}]}), None, 1, None),
    ],
)
def test_what_is_asked_live_is_estimated_and_what_ends_the_run_is_known(
    edits: Edits, fork: ForkPoint | None, estimate: int, ends_after: int | None
) -> None:
    stage = Stage(PROGRAM)
    parent = stage.run()
    request = ReplayRequest("run-1", fork, edits, tools="live")
    plan = plan_replay(parent.tape, request, lambda usage: CENT)
    assert (plan.estimate_usd, plan.ends_after) == (estimate * CENT, ends_after)
    replay = stage.replay(parent, request)
    assert isinstance(replay.end, RunCompleted)
    assert plan.live_model == bool(live(replay, ModelRequest))
    assert plan.live_tools >= bool(live(replay, ToolCall))
    assert plan.live_tools == (ends_after is None)
    if ends_after is not None:
        assert replay.end.steps == ends_after


def test_what_a_user_no_longer_says_ends_the_run_before() -> None:
    stage = Stage(PROGRAM)
    longer = stage.replay(stage.run(), ReplayRequest("run-1", edits=Edits(messages={3: "and more?"})))
    request = ReplayRequest("run-2", edits=Edits(messages={3: ""}))
    plan = plan_replay(longer.tape, request, lambda usage: CENT)
    assert (plan.ends_after, plan.live_model, plan.taped_steps, plan.steps) == (3, False, 3, 4)
    shorter = stage.replay(longer, request)
    assert isinstance(shorter.end, RunCompleted)
    assert shorter.end.steps == 3


SOURCES: Sequence[Source] = ("live", "tape_while_unchanged", "tape")
_TURNS = st.builds(
    Turn, calls=st.lists(st.tuples(st.sampled_from(["read", "write", "fail"]), st.sampled_from("ab")), max_size=2)
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_TURNS, max_size=3), st.data())
def test_a_plan_that_says_nothing_is_asked_live_keeps_its_word(turns: Sequence[Turn], data: st.DataObject) -> None:
    stage = Stage([*turns, Turn("done")])
    parent = stage.run()
    tape = parent.tape
    steps = st.integers(1, len(tape.turns))
    places = [(turn.step, index) for turn in tape.turns for index in range(1, len(turn.calls) + 1)]
    edits = Edits(
        replies={step: [SAID] for step in data.draw(st.sets(steps, max_size=1))},
        messages=dict.fromkeys(data.draw(st.sets(steps, max_size=1)), "go on"),
        results={place: EditedResult([SAID]) for place in data.draw(st.sets(st.sampled_from(places), max_size=1))}
        if places
        else {},
    )
    model, tools = data.draw(st.sampled_from(SOURCES)), data.draw(st.sampled_from(SOURCES))
    request = ReplayRequest("run-1", None, edits, model, tools)
    try:
        plan = plan_replay(tape, request, lambda usage: CENT)
    except ValueError:
        return
    replay = stage.replay(parent, request)
    asked = live(replay, ModelRequest)
    if not plan.live_model:
        assert not asked
        assert plan.estimate_usd == 0
    taped = sum(isinstance(event.data, ModelRequest) and event.data.origin != "live" for event in replay.events)
    assert taped >= plan.taped_steps or isinstance(replay.end, type(None)) or replay.end.steps <= plan.taped_steps
    if not plan.live_tools:
        assert not live(replay, ToolCall)
