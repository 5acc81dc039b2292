"""What a draft lets through, the engine plays: it is not refused, does not fail, and does what the plan said."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.engine.scripted_world import Played, Stage, Turn, agent, comparable
from workbench.engine.replay_plan import ReplayPlan
from workbench.engine.replay_request import ReplayRequest
from workbench.trace.events import ModelRequest, RunFailed, ToolCall
from workbench.tui.replay_draft import SOURCES, ReplayDraft
from workbench.tui.replay_script import Entry, Place
from workbench.tui.replay_texts import EntryError

TEXTS = st.sampled_from(["", " ", "other words", "ünï\x1b", "\ud800"])
CALLS = st.lists(
    st.tuples(st.sampled_from(["read", "write", "delete", "fail"]), st.sampled_from("ab")), min_size=1, max_size=3
)
PROGRAMS = st.builds(
    lambda turns: [*turns, Turn("done")],
    st.lists(st.builds(Turn, calls=CALLS, thinks=st.booleans(), text=st.sampled_from(["", "ok"])), max_size=3),
)
relaxed = settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.too_slow])


def _call(data: st.DataObject) -> dict[str, object]:
    return {"name": data.draw(st.sampled_from("abz")), "said": data.draw(st.sampled_from(["", "x"]))}


def _text(data: st.DataObject, entry: Entry) -> str:
    if entry.place.part == "settings":
        return data.draw(st.sampled_from(["max_iterations = 9", "timeout = 50", "model.effort = null", ""]))
    return json.dumps(_call(data)) if entry.place.part == "call" else data.draw(TEXTS)


def _reply(data: st.DataObject) -> str:
    blocks: list[dict[str, object]] = [{"type": "text", "text": data.draw(TEXTS)}]
    for _ in range(data.draw(st.integers(0, 2))):
        blocks.append({"type": "tool_use", "name": "read", "input": _call(data)})
    return json.dumps(blocks)


def _changed(data: st.DataObject, draft: ReplayDraft) -> ReplayDraft:
    """The draft after one thing that the editor can do to it."""
    entry = data.draw(st.sampled_from([entry for entry in draft.entries() if not entry.fixed]))
    step = entry.place.step
    try:
        match data.draw(st.sampled_from(["text", "text", "text", "say", "reply", "mark", "switch", "fork", "revert"])):
            case "text":
                return draft.with_text(entry.place, _text(data, entry))
            case "say":
                return draft.with_text(Place("said", step), data.draw(TEXTS))
            case "reply" if step:
                return draft.with_text(Place("reply", step), _reply(data))
            case "mark" if entry.place.part == "result" and not entry.note:
                return draft.with_error_mark(entry.place, not entry.is_error)
            case "switch":
                model, tools = data.draw(st.sampled_from(SOURCES)), data.draw(st.sampled_from(SOURCES))
                return draft.with_model(model).with_tools(tools)
            case "fork":
                return draft.fork_moved(data.draw(st.integers(-4, 4)))
            case "revert":
                return draft.reverted(entry.place)
    except EntryError:
        pass
    return draft


def _edited(data: st.DataObject, run: Played, changes: int) -> ReplayDraft:
    draft = ReplayDraft.of(run.tape)
    for _ in range(changes):
        draft = _changed(data, draft)
    return draft


@relaxed
@given(PROGRAMS, st.data())
def test_a_draft_without_a_problem_is_played_as_it_says(program: Sequence[Turn], data: st.DataObject) -> None:
    stage = Stage(program)
    latest = stage.run(agent(max_iterations=12))
    for _ in range(data.draw(st.integers(1, 3))):
        draft = _edited(data, latest, data.draw(st.integers(1, 4)))
        plan = draft.plan(lambda usage: Decimal(1))
        if not isinstance(plan, ReplayPlan):
            assert plan.text
            return
        replay = stage.replay(latest, draft.request())
        if isinstance(replay.end, RunFailed):
            assert replay.end.error in ("divergence", "max_iterations"), replay.end
            return
        live = [event.data for event in replay.events if getattr(event.data, "origin", "") == "live"]
        assert plan.live_model or not any(isinstance(event, ModelRequest) for event in live)
        assert plan.live_tools or not any(isinstance(event, ToolCall) for event in live)
        assert plan.live_model == (plan.estimate_usd != 0)
        again = stage.replay(replay, ReplayRequest(replay.tape.run_id, model="tape", tools="tape"))
        assert [comparable(event) for event in again.events] == [comparable(event) for event in replay.events]
        latest = replay
