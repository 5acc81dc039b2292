"""The run loop: what is recorded, how runs end, what they may spend."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from workbench.cost.prices import PriceList
from workbench.engine.run import Run
from workbench.sitting.overrides import Overrides
from workbench.sitting.sitting import Sitting
from workbench.trace.codec import event_to_json
from workbench.trace.events import (
    Event,
    Message,
    ModelRequest,
    ModelResponse,
    Notice,
    Reasoning,
    RunStarted,
    ToolCall,
    ToolResult,
)
from workbench.trace.store import Store

if TYPE_CHECKING:
    from tests.engine.conftest import Agent

MICRODOLLAR = Decimal("0.000001")

TALK = """
    version: 1
    pace: {first_token: 0, tokens_per_second: 0}
    rules:
"""


async def test_a_run_records_each_thing_that_happened_in_order(agent: Agent) -> None:
    ran = await agent.run()
    assert ran.types == [
        "run_started",
        "model_request",
        "model_response",
        "message",
        "tool_call",
        "tool_call",
        "tool_result",
        "tool_result",
        "model_request",
        "model_response",
        "message",
        "run_completed",
    ]
    assert [event.seq for event in ran.events] == list(range(1, 13))
    assert [event.step for event in ran.events] == [0, *[1] * 7, *[2] * 4]
    assert ran.answer.output == "Found: first fact"
    assert ran.answer.steps == 2


async def test_every_event_is_stored_before_it_is_shown(agent: Agent) -> None:
    stored: list[bool] = []

    def look(run: Run, event: Event) -> None:
        with Store.open(agent.folder, read_only=True) as store:
            stored.append(event_to_json([*store.events(run.run_id)][-1]) == event_to_json(event))

    await agent.run(during=look)
    assert stored == [True] * 12


async def test_costs_are_the_sum_of_the_replies_and_the_runtime(agent: Agent) -> None:
    ran = await agent.run()
    prices = PriceList.load()
    at = ran.events[0].at
    replies = [prices.cost(reply.model, reply.usage, at) or Decimal(0) for reply in ran.of(ModelResponse)]
    costs = ran.answer.costs
    assert [reply.cost_usd for reply in ran.of(ModelResponse)] == replies
    assert costs.model == sum(replies)
    assert costs.runtime == prices.runtime_cost(costs.runtime_seconds)
    assert costs.total is not None
    assert abs(costs.total - (sum(replies) + costs.runtime)) < MICRODOLLAR
    assert costs.total > 0


async def test_parallel_calls_are_recorded_before_any_is_made_and_answered_in_order(agent: Agent) -> None:
    ran = await agent.run()
    first, second = ran.of(ToolCall)
    assert (first.index, second.index) == (1, 2)
    results = {result.call_id: result for result in ran.of(ToolResult)}
    assert not results[first.call_id].is_error
    assert results[second.call_id].is_error
    answered = ran.of(ModelRequest)[1].messages_added[-1]["content"]
    assert isinstance(answered, list)
    assert [block["tool_use_id"] for block in answered] == [first.call_id, second.call_id]


async def test_a_request_is_recorded_as_what_it_adds(agent: Agent) -> None:
    first, second = (await agent.run()).of(ModelRequest)
    assert (first.messages_kept, len(first.messages_added), first.message_count) == (0, 1, 1)
    assert (second.messages_kept, len(second.messages_added), second.message_count) == (1, 2, 3)
    assert first.tools is not None
    assert first.system is not None
    assert second.tools is None
    assert second.system is None
    assert first.digest != second.digest


async def test_the_same_run_has_the_same_digests(agent: Agent) -> None:
    first, second = await agent.run(), await agent.run()
    assert [r.digest for r in first.of(ModelRequest)] == [r.digest for r in second.of(ModelRequest)]
    assert first.of(RunStarted)[0].digest == second.of(RunStarted)[0].digest
    assert {r.digest for r in first.of(ToolResult)} == {r.digest for r in second.of(ToolResult)}


async def test_text_streams_and_is_stored_whole(agent: Agent) -> None:
    agent.write(
        "offline.yaml",
        TALK.replace("tokens_per_second: 0", "tokens_per_second: 4000")
        + '      - reply: {text: "'
        + "word " * 200
        + '"}\n',
    )
    ran = await agent.run()
    streamed = "".join(piece.text for piece in ran.live if piece.kind == "text")
    assert len(ran.live) > 1
    assert [message.text for message in ran.of(Message)] == [streamed]


@pytest.mark.parametrize(
    ("reply", "error", "says"),
    [
        ("{text: cut, stop_reason: max_tokens}", "max_tokens", "model.max_tokens"),
        ("{text: full, stop_reason: model_context_window_exceeded}", "context_window", "larger window"),
        ("{text: no, refusal: {category: cyber, explanation: not that}}", "refusal", "not that"),
    ],
)
async def test_a_reply_that_was_cut_short_fails_the_run(agent: Agent, reply: str, error: str, says: str) -> None:
    agent.write("offline.yaml", TALK + f"      - reply: {reply}\n")
    ran = await agent.run()
    assert ran.failure.error == error
    assert says in ran.failure.message
    assert ran.failure.costs.model is not None
    assert ran.failure.costs.model > 0


async def test_tool_calls_of_a_cut_reply_are_not_made(agent: Agent) -> None:
    agent.write(
        "offline.yaml",
        TALK + "      - reply: {calls: {tool: facts, arguments: {method: GET, path: /one}}, stop_reason: max_tokens}\n",
    )
    ran = await agent.run()
    assert ran.failure.error == "max_tokens"
    assert not ran.of(ToolCall)


async def test_a_paused_reply_is_continued_in_one_message(agent: Agent) -> None:
    agent.write(
        "offline.yaml",
        TALK
        + """
      - when: {paused: true}
        reply: {text: and done.}
      - reply: {text: "Working, ", stop_reason: pause_turn}
    """,
    )
    ran = await agent.run()
    assert [message.text for message in ran.of(Message)] == ["Working, ", "and done."]
    continued = ran.of(ModelRequest)[1]
    assert [message["role"] for message in continued.messages_added] == ["assistant"]


async def test_errors_are_retried_and_told(agent: Agent) -> None:
    agent.write("offline.yaml", TALK + "      - {error: {status: 529, times: 1}, reply: {text: after all}}\n")
    ran = await agent.run()
    assert ran.answer.output == "after all"
    assert [notice.kind for notice in ran.of(Notice)] == ["retry"]


async def test_a_stream_that_breaks_is_asked_once_more(agent: Agent) -> None:
    agent.write(
        "offline.yaml", TALK + "      - {error: {cut: true, after: 3, times: 1}, reply: {text: whole answer}}\n"
    )
    ran = await agent.run()
    assert ran.answer.output == "whole answer"
    assert any(piece.kind == "reset" for piece in ran.live)


async def test_an_error_that_stays_fails_the_run(agent: Agent) -> None:
    agent.write("offline.yaml", TALK + "      - error: {status: 401}\n")
    ran = await agent.run()
    assert ran.failure.error == "model_error"
    assert isinstance(ran.failure.details, dict)
    assert ran.failure.details["status"] == 401


async def test_max_iterations(agent: Agent) -> None:
    agent.write("agent.yaml", (agent.folder / "agent.yaml").read_text() + "max_iterations: 3\n")
    agent.write(
        "offline.yaml",
        TALK
        + """
      - reply: {calls: {tool: facts, arguments: {method: GET, path: /one}}}
    http:
      facts:
        - {request: GET /one, text: again}
    """,
    )
    ran = await agent.run()
    assert ran.failure.error == "max_iterations"
    assert ran.failure.steps == 3


async def test_the_timeout_ends_a_run_that_hangs(agent: Agent) -> None:
    agent.write("offline.yaml", TALK + "      - {error: {hang: true}}\n")
    ran = await agent.run(overrides=Overrides(timeout=1))
    assert ran.failure.error == "timeout"


async def test_cancelling_ends_the_run_with_what_there_was(agent: Agent) -> None:
    agent.write("offline.yaml", TALK + "      - {error: {hang: true}}\n")

    def cancel(run: Run, event: Event) -> None:
        if isinstance(event.data, ModelRequest):
            run.cancel()

    ran = await agent.run(during=cancel)
    assert ran.failure.error == "cancelled"
    assert ran.failure.state.step == 1
    assert ran.events[-1].type == "run_failed"


@pytest.mark.parametrize("at", ["run_started", "run_completed", "every event"])
async def test_cancelling_at_the_very_beginning_or_end_leaves_no_run_without_an_end(agent: Agent, at: str) -> None:
    def cancel(run: Run, event: Event) -> None:
        if at in (event.type, "every event"):
            run.cancel()

    ran = await agent.run(during=cancel)
    assert ran.events[-1].type == ("run_completed" if at == "run_completed" else "run_failed")
    if at != "run_completed":
        assert ran.failure.error == "cancelled"
        assert not ran.of(ModelResponse)


async def test_a_cancelled_task_leaves_its_run_with_an_end(agent: Agent) -> None:
    async with Sitting.open(agent.folder, offline=True, environment={}) as sitting:
        events: list[Event] = []
        task: asyncio.Task[object] | None = None

        def show(event: Event) -> None:
            events.append(event)
            if task is not None:
                task.cancel()

        task = asyncio.create_task(sitting.new_run("go", show=show).execute())
        with pytest.raises(asyncio.CancelledError):
            await task
    assert [event.type for event in events] == ["run_started", "run_failed"]


async def test_no_request_is_sent_that_could_pass_the_budget(agent: Agent) -> None:
    ran = await agent.run(overrides=Overrides(budget_usd=Decimal("0.0001")))
    assert ran.failure.error == "budget"
    assert not ran.of(ModelRequest)
    assert ran.failure.costs.model == 0


async def test_no_request_is_sent_that_could_pass_the_fuse(agent: Agent) -> None:
    ran = await agent.run(fuse_usd=Decimal("0.0001"))
    assert ran.failure.error == "fuse"
    assert not ran.of(ModelRequest)


async def test_an_unknown_price_is_unknown_and_never_nothing(agent: Agent) -> None:
    ran = await agent.run(overrides=Overrides(model="my-own-model"))
    assert ran.answer.costs.model is None
    assert ran.answer.costs.total is None
    assert [reply.cost_usd for reply in ran.of(ModelResponse)] == [None, None]
    assert any("not known" in notice.text for notice in ran.of(Notice))


async def test_what_is_not_captured_is_not_recorded(agent: Agent) -> None:
    text = (agent.folder / "agent.yaml").read_text()
    agent.write("agent.yaml", text + "observability: {capture_tool_calls: false, capture_reasoning: false}\n")
    script = (
        (agent.folder / "offline.yaml")
        .read_text()
        .replace("text: I look it up.", "thinking: a private thought\n      text: I look it up.")
    )
    agent.write("offline.yaml", script)
    ran = await agent.run()
    with Store.open(agent.folder, read_only=True) as store:
        stored = json.dumps([str(event) for event in store.events(ran.events[0].run_id)])
    assert "a private thought" not in stored
    assert "first fact" not in stored.replace("Found: first fact", "")
    assert [reasoning.text for reasoning in ran.of(Reasoning)] == [None]
    assert all(call.arguments is None and call.arguments_bytes > 0 for call in ran.of(ToolCall))
    assert all(result.content is None and result.content_bytes > 0 for result in ran.of(ToolResult))


async def test_reasoning_is_recorded_where_it_is_captured(agent: Agent) -> None:
    text = (agent.folder / "agent.yaml").read_text()
    agent.write("agent.yaml", text + "observability: {capture_reasoning: true}\n")
    agent.write("offline.yaml", TALK + "      - reply: {thinking: let me see, text: done}\n")
    assert [reasoning.text for reasoning in (await agent.run()).of(Reasoning)] == ["let me see"]


async def test_editing_the_prompt_changes_the_answer(agent: Agent) -> None:
    agent.write(
        "offline.yaml",
        TALK + "      - {when: {system: in French}, reply: {text: bonjour}}\n      - {reply: {text: hello}}\n",
    )
    before = await agent.run()
    agent.write("prompt.md", "Answer in French.\n")
    after = await agent.run()
    assert (before.answer.output, after.answer.output) == ("hello", "bonjour")
    assert before.of(RunStarted)[0].digest != after.of(RunStarted)[0].digest


async def test_a_run_can_be_read_again_as_it_was(agent: Agent) -> None:
    ran = await agent.run()
    with Store.open(agent.folder, read_only=True) as store:
        again = list(store.events(ran.events[0].run_id))
    assert [event_to_json(event) for event in again] == [event_to_json(event) for event in ran.events]
