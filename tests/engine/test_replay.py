"""Replays of real runs of an agent with a scripted model and a scripted REST API, through the sitting."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from workbench.definition.settings import SettingError
from workbench.engine.fork import ReplayError
from workbench.engine.replay_request import EditedResult, Edits, ForkPoint, ReplayRequest, Source
from workbench.engine.rerun import hot_rerun, resume_request
from workbench.jsontypes import JsonObject, JsonValue
from workbench.sitting.overrides import Overrides
from workbench.sitting.sitting import Sitting
from workbench.trace.codec import event_to_json
from workbench.trace.errors import StoreError
from workbench.trace.events import ModelRequest, ModelResponse, RunStarted, ToolResult, Trigger
from workbench.trace.store import Store
from workbench.trace.tape import tape_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.engine.conftest import Agent, Ran

TAPE: Source = "tape"
TEXT: JsonObject = {"type": "text", "text": "x"}
UNCHANGED: Source = "tape_while_unchanged"


def result(text: str) -> EditedResult:
    return EditedResult([{"type": "text", "text": text}])


def only_tape(run: Ran) -> ReplayRequest:
    return ReplayRequest(run.run_id, model=TAPE, tools=TAPE)


async def test_a_tape_needs_neither_key_nor_script_nor_the_agent_s_files(agent: Agent) -> None:
    parent = await agent.run()
    for name in ("offline.yaml", "agent.yaml", "prompt.md"):
        (agent.folder / name).unlink()
    replay = await agent.replay(only_tape(parent))
    assert replay.types == parent.types
    assert replay.answer.output == parent.answer.output
    assert replay.answer.costs.total == 0
    assert set(replay.origins("model_request", "model_response", "message", "tool_call", "tool_result")) == {"tape"}


async def test_a_replay_is_a_run_of_its_own_that_names_its_parent(agent: Agent) -> None:
    parent = await agent.run()
    with Store.open(agent.folder, read_only=True) as store:
        before = [*store.events(parent.run_id)]
    edits = Edits(results={(1, 2): result("second fact")})
    replay = await agent.replay(ReplayRequest(parent.run_id, edits=edits))
    started = replay.of(RunStarted)[0]
    assert (started.parent_run_id, started.fork_step, started.fork_call) == (parent.run_id, 2, 0)
    assert started.trigger == Trigger("replay", parent.run_id)
    assert started.replay is not None
    assert started.replay["edits"]["results"]["1.2"]["content"][0]["text"] == "second fact"  # type: ignore[index,call-overload]
    with Store.open(agent.folder, read_only=True) as store:
        assert [*store.events(parent.run_id)] == before
        assert store.run(replay.run_id).parent_run_id == parent.run_id
        stored = [event_to_json(event) for event in store.events(replay.run_id)]
    assert stored == [event_to_json(event) for event in replay.events]


async def test_an_edited_result_is_what_the_model_goes_on_from(agent: Agent) -> None:
    parent = await agent.run()
    edits = Edits(results={(1, 1): result("the fact is edited")})
    replay = await agent.replay(ReplayRequest(parent.run_id, edits=edits))
    assert replay.origins("tool_result") == ["edited", "tape"]
    assert replay.origins("model_request") == ["tape", "live"]
    assert replay.answer.output == "Found: the fact is edited"
    live = replay.of(ModelRequest)[1]
    assert live.digest != parent.of(ModelRequest)[1].digest
    assert replay.answer.costs.model is not None
    assert parent.answer.costs.model is not None
    assert 0 < replay.answer.costs.model < parent.answer.costs.model


async def test_an_edited_answer_ends_the_run_and_costs_nothing(agent: Agent) -> None:
    parent = await agent.run()
    edits = Edits(replies={2: [{"type": "text", "text": "Something else."}]})
    replay = await agent.replay(ReplayRequest(parent.run_id, edits=edits))
    assert replay.answer.output == "Something else."
    assert replay.origins("model_response") == ["tape", "edited"]
    assert replay.answer.costs.total == 0


async def test_an_edited_reply_may_call_tools_in_another_way(agent: Agent) -> None:
    parent = await agent.run()
    call: JsonObject = {"type": "tool_use", "name": "facts", "input": {"method": "GET", "path": "/two"}}
    replay = await agent.replay(ReplayRequest(parent.run_id, edits=Edits(replies={1: [call]})))
    started = replay.of(RunStarted)[0]
    assert (started.fork_step, started.fork_call) == (1, 1)
    assert replay.origins("tool_call", "tool_result") == ["live", "live"]
    assert "404" in str(replay.of(ToolResult)[0].content)


async def test_the_user_can_say_more_after_the_answer(agent: Agent) -> None:
    parent = await agent.run()
    replay = await agent.replay(ReplayRequest(parent.run_id, edits=Edits(messages={2: "And the second?"})))
    assert replay.answer.steps == 3
    assert replay.origins("model_request") == ["tape", "tape", "live"]
    added = replay.of(ModelRequest)[2].messages_added
    assert added[-1] == {"role": "user", "content": [{"type": "text", "text": "And the second?"}]}


async def test_a_forced_prefix_under_another_prompt_says_that_it_is_one(agent: Agent) -> None:
    parent = await agent.run()
    request = ReplayRequest(parent.run_id, ForkPoint(2), Edits(system_prompt="Be brief."))
    replay = await agent.replay(request)
    assert replay.origins("model_request") == ["edited", "live"]
    assert replay.origins("model_response") == ["tape", "live"]
    first = replay.of(ModelRequest)[0]
    assert list(first.system or ()) == [{"type": "text", "text": "Be brief."}]
    assert first.digest != parent.of(ModelRequest)[0].digest


async def test_only_the_tape_and_another_question_is_a_divergence(agent: Agent) -> None:
    parent = await agent.run()
    request = ReplayRequest(parent.run_id, ForkPoint(1), Edits(input="something else"), model=TAPE, tools=TAPE)
    replay = await agent.replay(request)
    assert replay.failure.error == "divergence"
    assert "Step 1 asks the model what the tape" in replay.failure.message
    assert parent.of(ModelRequest)[0].digest[:12] in replay.failure.message


@pytest.mark.parametrize(
    ("edit", "model_requests", "results"),
    [
        ("nothing", ["tape", "tape"], ["tape", "tape"]),
        ("prompt", ["live", "live"], ["tape", "tape"]),
        ("limit", ["tape", "tape"], ["tape", "tape"]),
        ("tool", ["live", "live"], ["live", "live"]),
    ],
)
async def test_a_hot_rerun_asks_only_what_the_change_can_affect(
    agent: Agent, edit: str, model_requests: list[str], results: list[str]
) -> None:
    parent = await agent.run()
    text = (agent.folder / "agent.yaml").read_text()
    if edit == "prompt":
        agent.write("prompt.md", "You look things up. Be brief.\n")
    if edit == "limit":
        agent.write("agent.yaml", text + "max_iterations: 7\n")
    if edit == "tool":
        agent.write("agent.yaml", text.replace("name: facts,", "name: facts, description: Facts of the day,"))
    async with Sitting.open(agent.folder, offline=True, environment={}) as sitting:
        request = sitting.hot_rerun_request(parent.run_id)
        run = sitting.new_replay(request, definition=sitting.definition, trigger=Trigger("save", parent.run_id))
        await run.execute()
        replay = [*sitting.store.events(run.run_id)]
    origins = {
        kind: [event.data.origin for event in replay if event.type == kind]  # type: ignore[union-attr]
        for kind in ("model_request", "tool_result")
    }
    assert origins == {"model_request": model_requests, "tool_result": results}


def test_the_rule_of_the_hot_rerun_is_about_sections_of_the_definition() -> None:
    from tests.engine.scripted_world import Stage, Turn

    tape = Stage([Turn(calls=[("read", "a")]), Turn()]).run().tape
    same = dict(tape.started.definition)
    assert hot_rerun(tape, same).tools == UNCHANGED
    assert hot_rerun(tape, same, source_changed=True).tools == "live"
    assert hot_rerun(tape, {**same, "network": {"allow": ["example.com"], "deny": []}}).tools == "live"
    assert hot_rerun(tape, {**same, "system_prompt": "x", "timeout": 9.0}).tools == UNCHANGED


async def test_a_run_that_met_its_limit_goes_on_from_there(agent: Agent) -> None:
    agent.write("agent.yaml", (agent.folder / "agent.yaml").read_text() + "max_iterations: 1\n")
    parent = await agent.run()
    assert parent.failure.error == "max_iterations"
    request = ReplayRequest(parent.run_id, edits=Edits(settings={"max_iterations": 5}))
    replay = await agent.replay(request)
    assert replay.answer.output == "Found: first fact"
    assert replay.origins("model_request") == ["tape", "live"]


async def test_what_a_resumed_run_had_cost_counts_for_its_budget(agent: Agent) -> None:
    free = await agent.run()
    first, second = (request.worst_case_usd for request in free.of(ModelRequest))
    cost = free.of(ModelResponse)[0].cost_usd
    assert first is not None and second is not None and cost is not None
    budget = (max(first, second) + cost + second) / 2
    parent = await agent.run(overrides=Overrides(budget_usd=budget))
    assert (parent.failure.error, parent.failure.steps) == ("budget", 2)

    async def resumed(settings: dict[str, JsonValue]) -> Ran:
        with Store.open(agent.folder, read_only=True) as store:
            request = resume_request(tape_of(store.events(parent.run_id)))
        edits = Edits(settings=settings)
        return await agent.replay(replace(request, edits=edits), trigger=Trigger("resume", parent.run_id))

    again = await resumed({})
    assert again.failure.error == "budget"
    assert again.origins("model_request") == ["tape"]
    raised = await resumed({"budget.usd": 1})
    assert raised.answer.output == free.answer.output
    assert raised.origins("model_request") == ["tape", "live"]
    assert raised.answer.costs.model == raised.of(ModelResponse)[1].cost_usd


async def test_a_run_with_an_answer_cannot_be_resumed(agent: Agent) -> None:
    parent = await agent.run()
    with Store.open(agent.folder, read_only=True) as store, pytest.raises(ReplayError, match="has its answer"):
        resume_request(tape_of(store.events(parent.run_id)))


async def test_what_was_not_captured_cannot_be_gone_on_from(agent: Agent) -> None:
    agent.write(
        "agent.yaml",
        (agent.folder / "agent.yaml").read_text() + "observability: {capture_tool_calls: false}\n",
    )
    parent = await agent.run()
    assert (await agent.replay(only_tape(parent))).types == parent.types
    replay = await agent.replay(ReplayRequest(parent.run_id, ForkPoint(2)))
    assert replay.failure.error == "divergence"
    assert "capture_tool_calls" in replay.failure.message


@pytest.mark.parametrize(
    ("request_for", "said"),
    [
        (lambda run: ReplayRequest(run, ForkPoint(9)), "the run has 2 steps: fork at 1 to 3, not at 9"),
        (lambda run: ReplayRequest(run, ForkPoint(1, 3)), "step 1 made 2 tool calls"),
        (lambda run: ReplayRequest(run, edits=Edits(results={(2, 1): result("")})), "there is no result 2.1 to edit"),
        (lambda run: ReplayRequest(run, edits=Edits(replies={3: [TEXT]})), "there is no reply at step 3 to edit"),
        (lambda run: ReplayRequest(run, ForkPoint(1), Edits(replies={2: [TEXT]})), "would not be used"),
        (
            lambda run: ReplayRequest(run, ForkPoint(1), Edits(results={(1, 1): result("")}), tools="live"),
            "not be used",
        ),
    ],
)
async def test_what_a_tape_does_not_have_cannot_be_asked_of_it(agent: Agent, request_for: object, said: str) -> None:
    parent = await agent.run()
    with pytest.raises(ReplayError, match=said.replace("(", r"\(")):
        await agent.replay(request_for(parent.run_id))  # type: ignore[operator]


async def test_a_setting_that_does_not_exist_is_told_with_the_nearest(agent: Agent) -> None:
    parent = await agent.run()
    with pytest.raises(SettingError, match="did you mean max_iterations"):
        await agent.replay(ReplayRequest(parent.run_id, edits=Edits(settings={"max_iteration": 3})))
    with pytest.raises(SettingError, match="takes a whole number from 1, not 0"):
        await agent.replay(ReplayRequest(parent.run_id, edits=Edits(settings={"max_iterations": 0})))


async def test_a_replay_of_an_unknown_run_is_an_error(agent: Agent, tmp_path: Path) -> None:
    await agent.run()
    with pytest.raises(StoreError):
        await agent.replay(ReplayRequest("no-such-run"))
