"""Agents in temporary folders, run through the same door as the commands: a sitting, its model answered offline."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from textwrap import dedent
from typing import TypeVar

import pytest

from workbench.engine.replay_request import ReplayRequest
from workbench.engine.run import Run
from workbench.engine.world import Ask, LiveText, nobody_to_ask
from workbench.sitting.overrides import Overrides
from workbench.sitting.sitting import Sitting
from workbench.trace.events import Event, RunCompleted, RunFailed, Trigger

T = TypeVar("T")

PROMPT = "You look things up and say what you found.\n"

HTTP_AGENT = """
    name: looker
    model: claude-haiku-4-5
    system_prompt: ./prompt.md
    mcp_servers:
      - {type: http, name: facts, url: "https://facts.example.com"}
"""

LOOK_UP = """
    version: 1
    pace: {first_token: 0, tokens_per_second: 0}
    rules:
      - when: {called: {facts: 0}}
        reply:
          text: I look it up.
          calls:
            - {tool: facts, arguments: {method: GET, path: /one}}
            - {tool: facts, arguments: {method: GET, path: /two}}
      - reply: {text: "Found: {{ results.facts[0].lines[-1] }}"}
    http:
      facts:
        - {request: GET /one, text: first fact}
        - {request: GET /two, status: 404, text: nothing here}
"""


@dataclass
class Ran:
    """What a run left: its events, the text that streamed, and how it ended."""

    folder: Path
    end: RunCompleted | RunFailed | None = None
    events: list[Event] = field(default_factory=list)
    live: list[LiveText] = field(default_factory=list)

    def of(self, kind: type[T]) -> list[T]:
        """The data of all events of one kind."""
        return [event.data for event in self.events if isinstance(event.data, kind)]

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self.events[0].run_id

    def origins(self, *types: str) -> list[str]:
        """Where the events of these types came from, in order."""
        return [getattr(event.data, "origin", "live") for event in self.events if event.type in types]

    @property
    def types(self) -> list[str]:
        """The types of all events, in order."""
        return [event.type for event in self.events]

    @property
    def failure(self) -> RunFailed:
        assert isinstance(self.end, RunFailed), self.end
        return self.end

    @property
    def answer(self) -> RunCompleted:
        assert isinstance(self.end, RunCompleted), self.end
        return self.end


@dataclass
class Agent:
    """An agent's folder, and runs of it."""

    folder: Path

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")

    async def run(
        self,
        text: str = "what is it?",
        *,
        during: Callable[[Run, Event], None] = lambda run, event: None,
        environment: Mapping[str, str] | None = None,
        overrides: Overrides | None = None,
        fuse_usd: Decimal | None = None,
        offline: bool = True,
        ask: Ask = nobody_to_ask,
    ) -> Ran:
        """Run the agent once; `during` is told of each event while the run goes on."""
        ran = Ran(self.folder)
        sitting = Sitting.open(
            self.folder, offline=offline, environment=environment or {}, overrides=overrides, fuse_usd=fuse_usd
        )
        running: list[Run] = []

        def show(event: Event) -> None:
            ran.events.append(event)
            during(running[0], event)

        async with sitting:
            running.append(sitting.new_run(text, show=show, live=ran.live.append, ask=ask))
            ran.end = await asyncio.wait_for(running[0].execute(), 60)
        return ran

    async def replay(
        self,
        request: ReplayRequest,
        *,
        trigger: Trigger | None = None,
        current: bool = False,
        environment: Mapping[str, str] | None = None,
    ) -> Ran:
        """Replay a stored run; with `current` as the agent is now, else as the run recorded it."""
        ran = Ran(self.folder)
        tape_only = request.model == "tape" and request.tools == "tape"
        given = environment or {}
        if current:
            sitting = Sitting.open(self.folder, offline=True, environment=given)
        else:
            sitting = Sitting.of_run(self.folder, request.parent_run_id, tape_only=tape_only, environment=given)
        async with sitting:
            definition = sitting.definition if current else None
            run = sitting.new_replay(request, show=ran.events.append, trigger=trigger, definition=definition)
            ran.end = await asyncio.wait_for(run.execute(), 60)
        return ran


@pytest.fixture
def agent(tmp_path: Path) -> Agent:
    """An agent with one REST API and a script that calls it twice at once."""
    made = Agent(tmp_path)
    made.write("prompt.md", PROMPT)
    made.write("agent.yaml", HTTP_AGENT)
    made.write("offline.yaml", LOOK_UP)
    return made
