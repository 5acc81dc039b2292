"""A secret that a user puts into an edit goes no further than any other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.engine.replay_request import EditedResult, Edits, ForkPoint, ReplayRequest, Source
from workbench.jsontypes import JsonObject
from workbench.trace.events import ModelRequest

if TYPE_CHECKING:
    from tests.engine.conftest import Agent

SECRET = "zd-9f8e7d6c5b4a-secret"
TAPE: Source = "tape"


async def test_secrets_in_edits_are_neither_stored_nor_sent(agent: Agent) -> None:
    text = (agent.folder / "agent.yaml").read_text()
    agent.write(
        "agent.yaml", text.replace('example.com"}', 'example.com", headers: {Authorization: "${FACTS_TOKEN}"}}')
    )
    agent.write(
        "offline.yaml",
        (agent.folder / "offline.yaml")
        .read_text()
        .replace(
            "rules:", f"rules:\n  - {{when: {{results: {{tool: facts, contains: {SECRET}}}}}, reply: {{text: leaked}}}}"
        ),
    )
    environment = {"FACTS_TOKEN": SECRET}
    parent = await agent.run(environment=environment)
    said = f"the token is {SECRET}"
    blocks: list[JsonObject] = [
        {"type": "text", "text": said},
        {"type": "tool_use", "name": "facts", "input": {"method": "GET", "path": f"/{SECRET}"}},
    ]
    edits = Edits(
        system_prompt=said,
        input=said,
        replies={1: blocks},
        results={(1, 1): EditedResult([{"type": "text", "text": said}])},
        messages={1: said, 2: said},
    )
    replay = await agent.replay(ReplayRequest(parent.run_id, ForkPoint(2), edits), environment=environment)
    assert replay.answer.output != "leaked"
    assert SECRET not in repr(replay.events)
    database = agent.folder / ".workbench"
    assert not any(SECRET.encode() in path.read_bytes() for path in database.rglob("*") if path.is_file())
    asked = replay.of(ModelRequest)
    again = await agent.replay(
        ReplayRequest(replay.run_id, ForkPoint(1), model="tape_while_unchanged"), environment=environment
    )
    assert [request.digest for request in again.of(ModelRequest)] == [request.digest for request in asked]
    assert set(again.origins("model_request")) == {"tape"}
