"""Tools that the user is asked about before they are called."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from workbench.engine.replay_request import ReplayRequest
from workbench.engine.world import Answer, Question
from workbench.sitting.overrides import Overrides
from workbench.trace.events import Permission, ToolResult

if TYPE_CHECKING:
    from tests.engine.conftest import Agent


@pytest.fixture
def careful(agent: Agent) -> Agent:
    """The agent, which may not call its API unasked."""
    text = (agent.folder / "agent.yaml").read_text()
    agent.write("agent.yaml", text.replace("name: facts,", "name: facts, permission_policy: always_ask,"))
    return agent


class User:
    """Answers questions in turn, the last answer for ever."""

    def __init__(self, *answers: Answer, delay: float = 0.0) -> None:
        self.asked: list[Question] = []
        self._answers = answers
        self._delay = delay

    async def __call__(self, question: Question) -> Answer:
        self.asked.append(question)
        await asyncio.sleep(self._delay)
        return self._answers[min(len(self.asked), len(self._answers)) - 1]


async def test_a_call_waits_for_the_user_and_is_made_when_granted(careful: Agent) -> None:
    user = User(Answer(True))
    ran = await careful.run(ask=user)
    assert ran.answer.output == "Found: first fact"
    assert [question.arguments["path"] for question in user.asked] == ["/one", "/two"]
    assert sorted(permission.state for permission in ran.of(Permission)) == ["asked", "asked", "granted", "granted"]


async def test_the_model_is_told_that_the_user_refused_and_why(careful: Agent) -> None:
    ran = await careful.run(ask=User(Answer(False, "not on a Friday")))
    results = ran.of(ToolResult)
    assert all(result.is_error for result in results)
    assert "The user refused this call: not on a Friday" in str(results[0].content)
    assert [permission.reason for permission in ran.of(Permission) if permission.state == "refused"] == [
        "not on a Friday"
    ] * 2


async def test_always_is_asked_once(careful: Agent) -> None:
    user = User(Answer(True, always=True))
    ran = await careful.run(ask=user)
    assert len(user.asked) == 1
    assert [permission.state for permission in ran.of(Permission)] == ["asked", "granted", "granted"]


async def test_where_nobody_can_be_asked_the_call_is_refused(careful: Agent) -> None:
    ran = await careful.run()
    assert "nobody is there to ask" in str(ran.of(ToolResult)[0].content)


async def test_the_time_that_the_user_takes_is_neither_billed_nor_counted_for_the_timeout(careful: Agent) -> None:
    ran = await careful.run(ask=User(Answer(True), delay=1.2), overrides=Overrides(timeout=1))
    assert ran.answer.output == "Found: first fact"
    assert ran.answer.duration > 1.2
    assert float(ran.answer.costs.runtime_seconds) < ran.answer.duration - 1.0


async def test_a_run_can_be_cancelled_while_it_asks(careful: Agent) -> None:
    async def never(question: Question) -> Answer:
        await asyncio.Event().wait()
        raise AssertionError

    def cancel(run: object, event: object) -> None:
        if getattr(event, "type", "") == "permission":
            run.cancel()  # type: ignore[attr-defined]

    ran = await careful.run(ask=never, during=cancel)
    assert ran.failure.error == "cancelled"


async def test_what_was_granted_is_on_the_tape(careful: Agent) -> None:
    parent = await careful.run(ask=User(Answer(True)))
    replay = await careful.replay(ReplayRequest(parent.run_id, model="tape", tools="tape"))
    assert replay.types == parent.types
    assert set(replay.origins("permission")) == {"tape"}
