"""Going on with a replay that was cut off, through the sitting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.engine.replay_request import Edits, ForkPoint, ReplayRequest
from workbench.engine.run import Run
from workbench.sitting.sitting import Sitting
from workbench.trace.events import Event, ModelRequest, ModelResponse, RunFailed, RunStarted, Trigger

if TYPE_CHECKING:
    from tests.engine.conftest import Agent


async def test_the_agent_is_that_of_the_replay_and_not_that_of_its_parent(agent: Agent) -> None:
    parent = await agent.run()
    agent.write("prompt.md", "Say it in French.\n")
    request = ReplayRequest(parent.run_id, ForkPoint(2), Edits(messages={1: "please"}))
    cancelling: list[Run] = []

    def cancel(event: Event) -> None:
        cancelling[0].cancel()

    async with Sitting.open(agent.folder, offline=True, environment={}) as sitting:
        run = sitting.new_replay(request, show=cancel, definition=sitting.definition)
        cancelling.append(run)
        cut = await run.execute()
    assert isinstance(cut, RunFailed)

    async with Sitting.of_run(agent.folder, run.run_id, offline=True, environment={}) as sitting:
        asked = sitting.resume_request(run.run_id)
        assert asked == request
        events: list[Event] = []
        resumed = sitting.new_replay(asked, show=events.append, trigger=Trigger("resume", run.run_id))
        await resumed.execute()
    started = events[0].data
    assert isinstance(started, RunStarted)
    assert started.definition["system_prompt"] == "Say it in French.\n"
    assert (started.parent_run_id, started.trigger) == (parent.run_id, Trigger("resume", run.run_id))
    requests = [event.data for event in events if isinstance(event.data, ModelRequest)]
    assert [request.origin for request in requests] == ["edited", "live"]
    assert requests[1].messages_added[-1]["content"][-1] == {"type": "text", "text": "please"}  # type: ignore[index]


async def test_what_a_replay_had_cost_is_counted_once_over_two_resumes(agent: Agent) -> None:
    whole = await agent.run()
    first_cost = whole.of(ModelResponse)[0].cost_usd

    async def cut_after(replies: int, request: ReplayRequest, trigger: Trigger | None = None) -> Run:
        running: list[Run] = []
        seen = 0

        def cancel(event: Event) -> None:
            nonlocal seen
            seen += isinstance(event.data, ModelResponse) and event.data.origin == "live"
            if seen == replies:
                running[0].cancel()

        async with Sitting.open(agent.folder, offline=True, environment={}) as sitting:
            running.append(sitting.new_replay(request, show=cancel, trigger=trigger))
            assert isinstance(await running[0].execute(), RunFailed)
        return running[0]

    lived = await cut_after(1, ReplayRequest(whole.run_id, ForkPoint(1), model="live", tools="live"))
    async with Sitting.open(agent.folder, offline=True, environment={}) as sitting:
        on_tape = sitting.resume_request(lived.run_id)
    assert on_tape.parent_run_id == lived.run_id
    cut = await cut_after(0, on_tape, Trigger("resume", lived.run_id))
    async with Sitting.open(agent.folder, offline=True, environment={}) as sitting:
        again = sitting.resume_request(cut.run_id)
        assert again == on_tape
        events: list[Event] = []
        await sitting.new_replay(again, show=events.append, trigger=Trigger("resume", cut.run_id)).execute()
    started = events[0].data
    assert isinstance(started, RunStarted) and started.replay is not None
    lived_cost = float(str(started.replay["spent_before_usd"]))
    assert first_cost is not None
    assert abs(lived_cost - float(first_cost)) < 1e-5
