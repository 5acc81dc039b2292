"""Asks the user before a tool is called, where agent.yaml says `permission_policy: always_ask`."""

from __future__ import annotations

import asyncio
from typing import Literal

from workbench.definition.agent import AgentDefinition, WebSearchServer
from workbench.engine.recorder import Recorder
from workbench.engine.world import Answer, Ask, Question
from workbench.jsontypes import JsonObject
from workbench.trace.events import Permission


class Deadline:
    """The run's timeout, which stands still while the user is asked."""

    def __init__(self, timeout: asyncio.Timeout) -> None:
        self._timeout = timeout
        self._left: float | None = None

    def pause(self) -> None:
        """Stop counting."""
        when = self._timeout.when()
        if when is not None and not self._timeout.expired():
            self._left = max(0.0, when - asyncio.get_running_loop().time())
            self._timeout.reschedule(None)

    def go_on(self) -> None:
        """Count what was left when it was paused."""
        if self._left is not None and not self._timeout.expired():
            self._timeout.reschedule(asyncio.get_running_loop().time() + self._left)
            self._left = None


class Permissions:
    """The questions of one run. The time that the user takes is not the run's: `waited` adds it up, in seconds."""

    def __init__(self, definition: AgentDefinition, ask: Ask, record: Recorder, run_id: str) -> None:
        self._asking = frozenset(
            server.name
            for server in definition.servers
            if not isinstance(server, WebSearchServer) and server.permission_policy == "always_ask"
        )
        self._ask = ask
        self._record = record
        self._run_id = run_id
        self._always: set[str] = set()
        self._one = asyncio.Lock()
        self._open = False
        self._since = 0.0
        self._waited = 0.0
        self.deadline: Deadline | None = None

    @property
    def waited(self) -> float:
        """Seconds in which a question was open."""
        return self._waited + (self._record.offset - self._since if self._open else 0.0)

    async def refusal(self, tool: str, server: str, call_id: str, arguments: JsonObject) -> str | None:
        """Why the call may not be made, None if it may; the user is asked where the agent says so, one at a time."""
        if server not in self._asking:
            return None
        step = self._record.step
        async with self._one:
            if tool in self._always:
                self._record(Permission(tool, server, "granted", "always in this run"), step=step)
                return None
            self._record(Permission(tool, server, "asked"), step=step)
            answer = await self._answered(Question(self._run_id, step, call_id, tool, server, arguments))
            if answer.always and answer.granted:
                self._always.add(tool)
            state: Literal["granted", "refused"] = "granted" if answer.granted else "refused"
            self._record(Permission(tool, server, state, answer.reason), step=step)
        return None if answer.granted else answer.reason or "no reason was given"

    async def _answered(self, question: Question) -> Answer:
        self._since = self._record.offset
        self._open = True
        if self.deadline is not None:
            self.deadline.pause()
        try:
            return await self._ask(question)
        finally:
            self._open = False
            self._waited += self._record.offset - self._since
            if self.deadline is not None:
                self.deadline.go_on()
