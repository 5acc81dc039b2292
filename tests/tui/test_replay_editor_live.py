"""The replay editor over real runs: what it asks for is what is replayed, and what it tells beforehand comes true."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.engine.conftest import HTTP_AGENT, LOOK_UP, PROMPT, Agent
from tests.tui.test_replay_editor import Host, go, type_text, until
from workbench.engine.replay_plan import Pricing, ReplayPlan
from workbench.sitting.sitting import Sitting
from workbench.trace.events import ModelRequest, RunStarted, ToolCall
from workbench.trace.store import Store
from workbench.trace.tape import Tape, tape_of
from workbench.tui.replay_draft import ReplayDraft
from workbench.tui.replay_script import Place


@pytest.fixture
def agent(tmp_path: Path) -> Agent:
    made = Agent(tmp_path)
    made.write("prompt.md", PROMPT)
    made.write("agent.yaml", HTTP_AGENT)
    made.write("offline.yaml", LOOK_UP)
    return made


def tape_in(folder: Path, run_id: str) -> Tape:
    with Store.open(folder, read_only=True) as store:
        return tape_of(store.events(run_id))


async def test_an_edited_result_is_replayed_as_it_was_shown(agent: Agent) -> None:
    parent = await agent.run()
    tape = tape_in(agent.folder, parent.run_id)
    host = Host(tape)
    async with host.run_test(size=(100, 30)) as pilot:
        go(host, Place("result", 1, 1))
        await pilot.press("enter")
        await until(pilot, lambda: host.editing)
        await type_text(pilot, host, host.area.text.replace("first fact", "a better fact"))
        await until(pilot, lambda: "1 of 2 steps" in host.summary)
        await pilot.press("ctrl+r")
        await until(pilot, lambda: bool(host.requested))
    replay = await agent.replay(host.requested[0])
    assert replay.answer.output == "Found: a better fact"
    assert replay.origins("model_request") == ["tape", "live"]
    assert replay.origins("tool_result") == ["edited", "tape"]


async def test_an_unedited_run_is_replayed_from_its_tape(agent: Agent) -> None:
    parent = await agent.run()
    draft = ReplayDraft.of(tape_in(agent.folder, parent.run_id))
    replay = await agent.replay(draft.request())
    assert replay.types == parent.types
    assert replay.answer.costs.total == 0


def _pricing(sitting: Sitting, draft: ReplayDraft) -> Pricing:
    now = datetime.now(UTC)
    return lambda usage: sitting.prices.cost(draft.model_id, usage, now)


async def test_what_the_draft_plans_is_what_the_sitting_plans_and_what_happens(agent: Agent) -> None:
    parent = await agent.run()
    draft = ReplayDraft.of(tape_in(agent.folder, parent.run_id))
    drafts = [
        draft,
        draft.with_text(Place("system_prompt"), "Be brief."),
        draft.with_text(Place("settings"), "model = claude-sonnet-4-6"),
        draft.with_text(Place("call", 1, 2), '{"method": "GET", "path": "/one"}'),
        draft.with_text(Place("said", 2), "And more?"),
        draft.with_text(Place("block", 2, 1), "Something else."),
    ]
    for made in drafts:
        async with Sitting.open(agent.folder, offline=True, environment={}) as sitting:
            plan = made.plan(_pricing(sitting, made))
            assert isinstance(plan, ReplayPlan)
            assert str(plan) == str(sitting.plan(made.request()))
        replay = await agent.replay(made.request())
        assert replay.answer
        assert plan.live_model == ("live" in replay.origins("model_request"))
        started = replay.of(RunStarted)[0]
        assert (started.fork_step, started.fork_call) == (made.fork.step, made.fork.call)
        live = [call for call in replay.of(ToolCall) if call.origin == "live"]
        assert plan.live_tools >= bool(live)
        again = ReplayDraft.of(tape_in(agent.folder, replay.run_id))
        assert (await agent.replay(again.request())).of(ModelRequest)[-1].origin == "tape"
