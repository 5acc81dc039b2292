"""Every kind of edit, in combination, and over several generations of replays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tests.engine.scripted_world import Played, Stage, Turn, comparable
from workbench.engine.fork import ReplayError
from workbench.engine.replay_request import EditedResult, Edits, ForkPoint, ReplayRequest, Source, asked_for
from workbench.engine.rerun import resume_request
from workbench.jsontypes import JsonObject
from workbench.trace.events import ModelRequest, RunCompleted, RunFailed, ToolCall, ToolResult, Trigger

TAPE: Source = "tape"


def text(said: str) -> JsonObject:
    return {"type": "text", "text": said}


def shown(run: Played) -> list[object]:
    return [comparable(event) for event in run.events]


def of(run: Played, kind: type) -> list[Any]:
    return [event.data for event in run.events if isinstance(event.data, kind)]


def only_tape(run: Played, fork: ForkPoint | None = None) -> ReplayRequest:
    return ReplayRequest(run.tape.run_id, fork, model=TAPE, tools=TAPE)


def two_looks() -> Stage:
    return Stage([Turn(calls=[("read", "a"), ("read", "b")]), Turn(calls=[("write", "c")]), Turn("done")])


@pytest.mark.parametrize("step", [0, 1, 2, 3])
def test_what_the_user_added_is_part_of_the_tape_of_the_replay(step: int) -> None:
    stage = two_looks()
    parent = stage.run()
    replay = stage.replay(parent, ReplayRequest("run-1", edits=Edits(messages={step: "look again"})))
    again = stage.replay(replay, only_tape(replay))
    assert shown(again) == shown(replay)
    once_more = stage.replay(again, only_tape(again))
    assert shown(once_more) == shown(replay)


@pytest.mark.parametrize("step", [0, 1, 2])
def test_a_fork_behind_what_the_user_added_sends_it_again(step: int) -> None:
    stage = two_looks()
    parent = stage.run()
    replay = stage.replay(parent, ReplayRequest("run-1", edits=Edits(messages={step: "look again"})))
    asked = stage.outside.requests.copy()
    again = stage.replay(replay, ReplayRequest("run-2", ForkPoint(3), model="live", tools="live"))
    assert [request.digest for request in of(again, ModelRequest)] == [
        request.digest for request in of(replay, ModelRequest)
    ]
    repeated = stage.outside.requests - asked
    assert all(asked[request] for request in repeated)


def test_a_replay_that_was_killed_goes_on_with_all_its_edits() -> None:
    edits = Edits(
        system_prompt="do it well",
        input="go on",
        results={(1, 2): EditedResult([text("other")], is_error=True)},
        messages={0: "be quick", 1: "look again"},
    )
    request = ReplayRequest("run-1", ForkPoint(2), edits, model="live", tools="live")
    whole_stage = two_looks()
    whole = whole_stage.replay(whole_stage.run(), request)
    assert isinstance(whole.end, RunCompleted)
    for boundary in range(1, len(whole.events)):
        stage = two_looks()
        parent = stage.run()
        killed = stage.replay(parent, request, kill_after=boundary)
        asked = resume_request(killed.tape)
        told = parent if asked.parent_run_id == "run-1" else killed
        resumed = stage.replay(told, asked, trigger=Trigger("resume", "run-2"))
        assert isinstance(resumed.end, RunCompleted)
        assert resumed.end.output == whole.end.output, boundary
        assert resumed.files == whole.files


def test_a_replay_that_was_killed_on_its_tape_is_asked_for_again() -> None:
    stage = two_looks()
    parent = stage.run()
    request = ReplayRequest(
        "run-1",
        ForkPoint(3),
        Edits(
            settings={"max_iterations": 5},
            replies={1: _with_text(parent, 1, "x")},
            results={(2, 1): EditedResult([text("y")], is_error=True)},
            messages={2: "z"},
        ),
        model="tape_while_unchanged",
        tools="live",
    )
    whole = stage.replay(parent, request)
    lives = next(number for number, event in enumerate(whole.events) if _is_live(event.data))
    for boundary in range(1, len(whole.events)):
        killed = stage.replay(parent, request, kill_after=boundary)
        asked = resume_request(killed.tape)
        if boundary <= lives:
            assert asked == request
        else:
            live: Source = "live"
            run_id = killed.tape.run_id
            assert asked == ReplayRequest(run_id, ForkPoint(len(killed.tape.turns) + 1), model=live, tools=live)


def _is_live(data: object) -> bool:
    return isinstance(data, ModelRequest | ToolCall) and data.origin == "live"


def test_a_replay_that_diverged_is_resumed_live_from_there() -> None:
    stage = two_looks()
    parent = stage.run()
    diverged = stage.replay(parent, ReplayRequest("run-1", ForkPoint(2), Edits(input="other"), TAPE, TAPE))
    assert isinstance(diverged.end, RunFailed)
    assert diverged.end.error == "divergence"
    asked = resume_request(diverged.tape)
    assert (asked.parent_run_id, asked.model) == ("run-2", "live")
    assert isinstance(stage.replay(diverged, asked, trigger=Trigger("resume", "run-2")).end, RunCompleted)


@pytest.mark.parametrize("replay", [{}, {"edits": {}}, {"edits": {"replies": {"x": []}}, "fork": [1, 0]}, {"fork": 1}])
def test_what_a_replay_recorded_and_cannot_be_read_is_told(replay: JsonObject) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        asked_for(replay)


def test_an_edit_of_what_the_user_had_added_takes_its_place() -> None:
    stage = two_looks()
    parent = stage.run()
    replay = stage.replay(parent, ReplayRequest("run-1", edits=Edits(messages={1: "look again"})))
    other = stage.replay(replay, ReplayRequest("run-2", edits=Edits(messages={1: "look elsewhere"})))
    asked = of(other, ModelRequest)[1].messages_added[-1]["content"]
    assert [block["text"] for block in asked if block["type"] == "text"] == ["look elsewhere"]


def test_a_result_can_be_written_for_an_edited_call_and_then_no_tool_is_asked() -> None:
    stage = two_looks()
    parent = stage.run()
    blocks = _calls_with(parent, 1, 2, {"name": "z", "said": "other"})
    edits = Edits(replies={1: blocks}, results={(1, 2): EditedResult([text("by hand")])})
    calls = stage.outside.calls.copy()
    replay = stage.replay(parent, ReplayRequest("run-1", edits=edits))
    assert (replay.tape.started.fork_step, replay.tape.started.fork_call) == (2, 0)
    assert [(call.arguments["name"], call.origin) for call in of(replay, ToolCall)][:2] == [
        ("a", "tape"),
        ("z", "edited"),
    ]
    assert [result.content for result in of(replay, ToolResult)][1] == [text("by hand")]
    assert (stage.outside.calls - calls).total() == 1  # that of the next step
    again = stage.replay(replay, only_tape(replay))
    assert shown(again) == shown(replay)
    assert {call.origin for call in of(again, ToolCall)} == {"tape"}


def test_what_a_parent_had_edited_is_the_tape_s_for_its_replays() -> None:
    stage = two_looks()
    parent = stage.run()
    replay = stage.replay(parent, ReplayRequest("run-1", edits=Edits(results={(1, 1): EditedResult([text("x")])})))
    again = stage.replay(replay, ReplayRequest("run-2", ForkPoint(1, 2), tools="live"))
    assert [result.origin for result in of(again, ToolResult)][:2] == ["tape", "live"]


@pytest.mark.parametrize(
    ("blocks", "said"),
    [
        ([], "step 1.* empty"),
        ([{"type": "text", "text": " \n"}], "step 1.* empty"),
        ([{"type": "text"}, {"type": "text", "text": "x"}], 'step 1.*"text"'),
        ([{"type": "tool_use", "input": {}}], "step 1.*name"),
        ([{"type": "tool_use", "name": "read", "input": "x"}], "step 1.*input"),
        ([{"text": "no type"}], "step 1.*type"),
        (
            [{"type": "tool_use", "id": "a", "name": "read", "input": {"name": n, "said": ""}} for n in "xy"],
            "step 1.*same id",
        ),
    ],
)
def test_a_reply_that_no_model_could_be_sent_is_refused(blocks: Sequence[JsonObject], said: str) -> None:
    stage = two_looks()
    parent = stage.run()
    with pytest.raises(ReplayError, match=said):
        stage.replay(parent, ReplayRequest("run-1", edits=Edits(replies={1: blocks})))


def test_an_edited_call_keeps_the_results_of_those_beside_it() -> None:
    stage = two_looks()
    parent = stage.run()
    blocks = _calls_with(parent, 1, 2, {"name": "z", "said": "other"})
    calls = stage.outside.calls.copy()
    replay = stage.replay(parent, ReplayRequest("run-1", edits=Edits(replies={1: blocks})))
    assert [result.origin for result in of(replay, ToolResult)][:2] == ["tape", "live"]
    assert isinstance(replay.end, RunCompleted)
    assert (stage.outside.calls - calls).total() == 2  # the edited one, and the one of the next step


def test_a_call_can_be_added_to_a_reply() -> None:
    stage = two_looks()
    parent = stage.run()
    call: JsonObject = {"type": "tool_use", "name": "read", "input": {"name": "z", "said": ""}}
    for step, before in ((1, 2), (3, 0)):
        reply = parent.tape.turns[step - 1].reply
        assert reply is not None and reply.content is not None
        edits = Edits(replies={step: [*reply.content, call]})
        replay = stage.replay(parent, ReplayRequest("run-1", edits=edits))
        assert isinstance(replay.end, RunCompleted)
        assert (replay.tape.started.fork_step, replay.tape.started.fork_call) == (step, before + 1)
        made = [event.data for event in replay.events if event.step == step and isinstance(event.data, ToolResult)]
        assert [result.origin for result in made] == [*["tape"] * before, "live"]
        assert shown(stage.replay(replay, only_tape(replay))) == shown(replay)


def test_taking_a_call_out_of_a_reply_leaves_the_others() -> None:
    stage = two_looks()
    parent = stage.run()
    reply = parent.tape.turns[0].reply
    assert reply is not None and reply.content is not None
    blocks = [block for block in reply.content if block.get("type") != "tool_use"] + [
        next(block for block in reply.content if block.get("type") == "tool_use")
    ]
    replay = stage.replay(parent, ReplayRequest("run-1", edits=Edits(replies={1: blocks})))
    assert next(result.origin for result in of(replay, ToolResult)) == "tape"
    assert isinstance(replay.end, RunCompleted)


def test_blank_texts_are_not_sent() -> None:
    stage = two_looks()
    parent = stage.run()
    edits = Edits(
        replies={1: [*_with_text(parent, 1, "\n"), text(" ")]},
        results={(1, 1): EditedResult([text(" ")]), (2, 1): EditedResult([])},
        messages={2: "  "},
    )
    replay = stage.replay(parent, ReplayRequest("run-1", ForkPoint(3), edits))
    assert isinstance(replay.end, RunCompleted)
    sent = [
        block for request in of(replay, ModelRequest) for said in request.messages_added for block in said["content"]
    ]
    texts = [block.get("text", "x") for block in sent] + [str(block.get("content", "x")) for block in sent]
    assert all(said.strip() for said in texts)
    with pytest.raises(ReplayError, match="the edited input is empty"):
        stage.replay(parent, ReplayRequest("run-1", edits=Edits(input=" ")))


@pytest.mark.parametrize(
    "said", ["", "ünï \U0001f468\u200d\U0001f469", "\ud800 lone", "\x00\x1b[2J\u202e", "x" * 2_000_000]
)
def test_any_text_can_be_put_anywhere(said: str) -> None:
    stage = two_looks()
    parent = stage.run()
    edits = Edits(
        system_prompt=said,
        input=said or "x",
        replies={1: _with_text(parent, 1, said or "x")},
        results={(2, 1): EditedResult([text(said)] if said else [])},
        messages={2: said},
    )
    request = ReplayRequest("run-1", ForkPoint(3), edits)
    replay = stage.replay(parent, request)
    assert isinstance(replay.end, RunCompleted)
    again = stage.replay(replay, only_tape(replay))
    assert shown(again) == shown(replay)


def test_generations_of_edits_add_up() -> None:
    stage = two_looks()
    latest = stage.run()
    changes: list[tuple[Edits, ForkPoint | None]] = [
        (Edits(results={(1, 1): EditedResult([text("first")])}), None),
        (Edits(results={(2, 1): EditedResult([text("second")])}), None),
        (Edits(messages={2: "third"}), None),
        (Edits(settings={"max_iterations": 9}), None),
        (Edits(system_prompt="fourth"), ForkPoint(3)),
        (Edits(input="fifth"), ForkPoint(2, 1)),
    ]
    for edits, fork in changes:
        latest = stage.replay(latest, ReplayRequest(latest.tape.run_id, fork, edits))
        assert isinstance(latest.end, RunCompleted), latest.end
        assert shown(stage.replay(latest, only_tape(latest))) == shown(latest)
    assert latest.tape.started.input == "fifth"
    assert latest.tape.started.definition["system_prompt"] == "fourth"
    assert next(result.content for result in of(latest, ToolResult)) == [text("first")]


def _calls_with(parent: Played, step: int, index: int, arguments: JsonObject) -> list[JsonObject]:
    reply = parent.tape.turns[step - 1].reply
    assert reply is not None and reply.content is not None
    blocks = list(reply.content)
    positions = [position for position, block in enumerate(blocks) if block.get("type") == "tool_use"]
    blocks[positions[index - 1]] = {**blocks[positions[index - 1]], "input": arguments}
    return blocks


def _with_text(parent: Played, step: int, said: str) -> list[JsonObject]:
    reply = parent.tape.turns[step - 1].reply
    assert reply is not None and reply.content is not None
    return [{**block, "text": said} if block.get("type") == "text" else block for block in reply.content]
