"""What holds for every replay of every run: it is the tape up to the fork, and only what was asked for differs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.engine.scripted_world import Played, Stage, Turn, agent, comparable
from workbench.definition.agent import AgentDefinition, Thinking
from workbench.definition.document import with_document
from workbench.engine.replay_request import EditedResult, Edits, ForkPoint, ReplayRequest, Source
from workbench.engine.rerun import resume_request
from workbench.trace.events import ModelRequest, ModelResponse, Notice, RunCompleted, ToolCall, ToolResult, Trigger

ACTIONS = ("read", "write", "write", "delete", "fail", "fetch", "removed", "elsewhere")
calls = st.lists(st.tuples(st.sampled_from(ACTIONS), st.sampled_from("abc")), min_size=1, max_size=3)
busy_turns = st.builds(
    Turn, text=st.sampled_from(["", "ok", "ünï"]), calls=calls, thinks=st.booleans(), retries=st.integers(0, 1)
)
paused_turns = st.builds(Turn, text=st.just("wait"), stop=st.just("pause_turn"))
answers = st.builds(Turn, text=st.just("done"), thinks=st.booleans(), stop=st.sampled_from([None, None, "odd_reason"]))
failures = st.sampled_from(
    [Turn(breaks=True), Turn(stop="refusal"), Turn(stop="max_tokens"), Turn(retries=2, breaks=True)]
)
programs = st.builds(
    lambda turns, last: [*turns, last],
    st.lists(busy_turns | busy_turns | paused_turns, max_size=4),
    answers | answers | failures,
)
agents = st.builds(
    lambda calls, thinking, most: agent(tool_calls=calls, reasoning=thinking, max_iterations=most),
    st.sampled_from([True, True, True, False]),
    st.booleans(),
    st.sampled_from([8, 8, 8, 2]),
)
relaxed = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])


def fork_points(run: Played) -> Sequence[ForkPoint]:
    points = [ForkPoint(len(run.tape.turns) + 1)]
    for turn in run.tape.turns:
        points += [ForkPoint(turn.step, call) for call in range(len(turn.calls) + 1)]
    return points


def shown(run: Played) -> list[object]:
    return [comparable(event) for event in run.events]


@relaxed
@given(programs, agents)
def test_played_from_its_tape_a_run_is_itself_at_every_fork_point(program: Sequence[Turn], definition: object) -> None:
    stage = Stage(program)
    parent = stage.run(definition)  # type: ignore[arg-type]
    before = (Counter(stage.outside.requests), Counter(stage.outside.calls), stage.outside.sandboxes)
    for fork in fork_points(parent):
        replay = stage.replay(parent, ReplayRequest("run-1", fork, model="tape", tools="tape"))
        assert shown(replay) == shown(parent)
    assert before == (stage.outside.requests, stage.outside.calls, stage.outside.sandboxes)


@relaxed
@given(programs, agents)
def test_where_nothing_differs_nothing_is_asked_again(program: Sequence[Turn], definition: object) -> None:
    stage = Stage(program)
    parent = stage.run(definition)  # type: ignore[arg-type]
    if not isinstance(parent.end, RunCompleted):
        return
    before = (Counter(stage.outside.requests), Counter(stage.outside.calls))
    for fork in fork_points(parent):
        source: Source = "tape_while_unchanged"
        replay = stage.replay(parent, ReplayRequest("run-1", fork, model=source, tools=source))
        assert shown(replay) == shown(parent)
    assert before == (stage.outside.requests, stage.outside.calls)


@relaxed
@given(programs)
def test_a_replay_of_a_replay_of_a_replay_is_still_the_run(program: Sequence[Turn]) -> None:
    stage = Stage(program)
    parent = latest = stage.run()
    for fork in fork_points(parent)[:3]:
        latest = stage.replay(latest, ReplayRequest(latest.tape.run_id, fork, model="tape", tools="tape"))
        assert shown(latest) == shown(parent)


@relaxed
@given(programs, st.data())
def test_a_live_fork_asks_only_from_there_on_and_finds_the_files_as_they_were(
    program: Sequence[Turn], data: st.DataObject
) -> None:
    stage = Stage(program)
    parent = stage.run()
    fork = data.draw(st.sampled_from(fork_points(parent)))
    stage.outside.requests.clear()
    replay = stage.replay(parent, ReplayRequest("run-1", fork, model="live", tools="live"))
    assert _given(replay) == _given(parent)
    assert replay.files == parent.files
    asked = [turn for turn in parent.tape.turns if turn.request is not None]
    unasked = sum(ForkPoint(turn.step) < fork and turn.reply is not None for turn in asked)
    assert stage.outside.requests.total() == len(asked) - unasked


@relaxed
@given(programs, st.data())
def test_an_edit_changes_nothing_before_it(program: Sequence[Turn], data: st.DataObject) -> None:
    stage = Stage(program)
    parent = stage.run()
    places = [
        (turn.step, index + 1) for turn in parent.tape.turns for index, one in enumerate(turn.calls) if one.result
    ]
    if not places:
        return
    place = data.draw(st.sampled_from(places))
    edits = Edits(results={place: EditedResult([{"type": "text", "text": "another world"}])})
    events_before = list(parent.events)
    replay = stage.replay(parent, ReplayRequest("run-1", None, edits, tools="tape_while_unchanged"))
    edited = next(index for index, event in enumerate(replay.events) if getattr(event.data, "origin", "") == "edited")
    assert shown(replay)[:edited] == shown(parent)[:edited]
    result = replay.events[edited].data
    assert isinstance(result, ToolResult)
    assert result.content == [{"type": "text", "text": "another world"}]
    assert parent.events == events_before
    later = [event for event in replay.events[edited:] if event.type == "model_request"]
    if later:
        assert later[0].data.origin == "live"  # type: ignore[union-attr]


@relaxed
@given(programs, st.booleans())
def test_a_run_that_was_killed_anywhere_ends_as_if_it_had_not_been(program: Sequence[Turn], thinking: bool) -> None:
    """Only what was under way at that moment, and nobody knows how far it got, is done again."""
    definition = agent(reasoning=thinking)
    whole_stage = Stage(program)
    whole = whole_stage.run(definition)
    for boundary in range(1, len(whole.events)):
        stage = Stage(program)
        killed = stage.run(definition, kill_after=boundary)
        assert killed.end is None
        asked, called = stage.outside.requests.total(), stage.outside.calls.total()
        under_way = (asked - _count(killed, ModelResponse), called - _count(killed, ToolResult))
        resumed = stage.replay(killed, resume_request(killed.tape), trigger=Trigger("resume", "run-1"))
        assert type(resumed.end) is type(whole.end)
        assert _said(resumed) == _said(whole)
        assert resumed.files == whole.files
        assert stage.outside.requests.total() == whole_stage.outside.requests.total() + under_way[0]
        assert stage.outside.calls.total() == whole_stage.outside.calls.total() + under_way[1]


def _count(run: Played, kind: type) -> int:
    return sum(isinstance(event.data, kind) for event in run.events)


def _said(run: Played) -> object:
    return getattr(run.end, "output", None) or getattr(run.end, "message", None)


def _given(run: Played) -> Sequence[object]:
    """What the tools gave, turn by turn: calls of one turn may be answered in another order."""
    results = [event for event in run.events if isinstance(event.data, ToolResult)]
    return sorted((event.step, event.data.call_id, str(event.data.content)) for event in results)  # type: ignore[union-attr]


def test_the_calls_of_a_turn_can_be_forked_between() -> None:
    stage = Stage([Turn(calls=[("write", "a"), ("write", "b"), ("read", "c")]), Turn()])
    parent = stage.run()
    replay = stage.replay(parent, ReplayRequest("run-1", ForkPoint(1, 2), model="live", tools="live"))
    origins = [
        (event.type, event.data.origin) for event in replay.events if isinstance(event.data, ToolCall | ToolResult)
    ]
    assert origins == [
        ("tool_call", "tape"),
        ("tool_call", "live"),
        ("tool_call", "live"),
        ("tool_result", "tape"),
        ("tool_result", "live"),
        ("tool_result", "live"),
    ]


def thinking_agent(*, captured: bool) -> AgentDefinition:
    definition = agent(reasoning=captured)
    settings = replace(definition.model, thinking=Thinking("enabled", 2000))
    return with_document(replace(definition, model=settings), None, None)


def test_thinking_that_was_captured_is_sent_again_as_it_was() -> None:
    stage = Stage([Turn(calls=[("read", "a")], thinks=True), Turn()])
    parent = stage.run(thinking_agent(captured=True))
    replay = stage.replay(parent, ReplayRequest("run-1", ForkPoint(2), model="live", tools="live"))
    asked = [event.data for event in replay.events if isinstance(event.data, ModelRequest)][-1]
    assert asked.messages_added[0]["content"][0]["type"] == "thinking"  # type: ignore[index,call-overload]
    assert asked.parameters["thinking"] == {"type": "enabled", "budget_tokens": 2000}


def test_thinking_is_left_out_where_what_was_said_before_it_changed() -> None:
    stage = Stage([Turn(calls=[("read", "a")], thinks=True), Turn()])
    parent = stage.run(thinking_agent(captured=True))
    edits = Edits(system_prompt="do it otherwise")
    replay = stage.replay(parent, ReplayRequest("run-1", ForkPoint(2), edits, model="live", tools="live"))
    asked = [event.data for event in replay.events if isinstance(event.data, ModelRequest)][-1]
    assert all(block["type"] != "thinking" for block in asked.messages_added[0]["content"])  # type: ignore[union-attr,index,call-overload]
    assert asked.parameters["thinking"] == {"type": "disabled"}


def test_without_captured_thinking_the_model_goes_on_without_it_and_says_so() -> None:
    stage = Stage([Turn(calls=[("read", "a")], thinks=True), Turn()])
    parent = stage.run(thinking_agent(captured=False))
    replay = stage.replay(parent, ReplayRequest("run-1", ForkPoint(2), model="live", tools="live"))
    notices = [event.data.text for event in replay.events if isinstance(event.data, Notice)]
    assert any("goes on without thinking" in text for text in notices)
    asked = [event.data for event in replay.events if isinstance(event.data, ModelRequest)][-1]
    assert asked.parameters["thinking"] == {"type": "disabled"}
    assert isinstance(replay.end, RunCompleted)


@relaxed
@given(programs, st.data())
def test_what_a_user_said_after_a_step_is_said_again_in_every_later_replay(
    program: Sequence[Turn], data: st.DataObject
) -> None:
    stage = Stage(program)
    parent = stage.run()
    step = data.draw(st.integers(0, len(parent.tape.turns)))
    latest = first = stage.replay(parent, ReplayRequest("run-1", edits=Edits(messages={step: "And then?"})))
    for _ in range(2):
        latest = stage.replay(latest, ReplayRequest(latest.tape.run_id, model="tape", tools="tape"))
        assert shown(latest) == shown(first)
        assert latest.tape.said == {step: "And then?"}
