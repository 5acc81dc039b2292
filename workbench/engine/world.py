"""The World: all that a run needs from outside. Live, offline and replayed runs differ in it and nowhere else."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Protocol

from workbench.cost.usage import Usage
from workbench.definition.agent import AgentDefinition
from workbench.definition.secrets import Redactor
from workbench.jsontypes import JsonObject
from workbench.model.conversation import Model
from workbench.sandbox.sandbox import Sandbox
from workbench.tools.toolbox import NoticeSink, Toolbox
from workbench.trace.events import Event


class Clock(Protocol):
    """The time."""

    def now(self) -> datetime:
        """The wall time in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds of a clock that never goes back."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The wall time in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds of a clock that never goes back."""
        return time.monotonic()


class Workplace(Protocol):
    """Where a run's tools execute: the toolbox and, if a tool needs one, the sandbox."""

    @property
    def sandbox(self) -> Sandbox | None:
        """The sandbox, None when no declared server runs in one."""
        ...

    @property
    def toolbox(self) -> Toolbox:
        """The open toolbox."""
        ...

    async def renew(self) -> None:
        """Replace a lost sandbox, and with it the servers in it; the workspace's files stay.

        Raises:
            SandboxError: no new sandbox could be started.
            ToolboxError: a declared server could not be started in the new one.
        """
        ...


class Prices(Protocol):
    """What things cost in USD; None is an unknown price."""

    def cost(self, model: str, usage: Usage, at: datetime) -> Decimal | None:
        """The cost of a reply."""
        ...

    def worst_case(self, model: str, prompt_tokens: int, max_tokens: int, at: datetime) -> Decimal | None:
        """The most that a request can cost."""
        ...

    def runtime_cost(self, seconds: Decimal) -> Decimal:
        """The cost of that much running time."""
        ...


class Fuse(Protocol):
    """The spending limit of this sitting, shared by all runs."""

    def reserve(self, run_id: str, worst_case: Decimal) -> int:
        """Set the worst case of a request aside and give the reservation's number.

        Raises:
            FuseBlownError: the sitting's limit could be passed; nothing was set aside.
        """
        ...

    def settle(self, reservation: int, actual: Decimal | None) -> None:
        """Replace a reservation by what was spent; None leaves it at the worst case."""
        ...


@dataclass(frozen=True, slots=True)
class LiveText:
    """A piece of a reply as it streams: shown at once, stored only as part of the whole. `kind` as in `Delta`."""

    run_id: str
    step: int
    kind: str
    text: str


OpenWorkplace = Callable[[AgentDefinition, NoticeSink, str | None], AbstractAsyncContextManager[Workplace]]
"""Opens a place for the tools of a run, with the files of a snapshot if one is named."""


@dataclass(frozen=True, slots=True)
class Question:
    """A tool call that waits for the user's permission."""

    run_id: str
    step: int
    call_id: str
    tool: str
    server: str
    arguments: JsonObject


@dataclass(frozen=True, slots=True)
class Answer:
    """What the user says to a question. `always`: not to be asked about this tool again in this run."""

    granted: bool
    reason: str = ""
    always: bool = False


Ask = Callable[[Question], Awaitable[Answer]]
"""Asks the user; it may take as long as the user does, and is cancelled with the run."""


async def nobody_to_ask(question: Question) -> Answer:
    """The answer where no user is there: refused."""
    return Answer(
        False, "nobody is there to ask; run it where you can be asked, or set permission_policy: always_allow"
    )


@dataclass(frozen=True, slots=True)
class World:
    """What a run is given.

    `workplace` opens a place for tools, with the files of a snapshot if one is named. `record` makes an event durable
    before it returns; `show` is told of streaming text and must not block. `ask` asks the user for permission.
    """

    model: Model
    workplace: OpenWorkplace
    prices: Prices
    fuse: Fuse | None
    redactor: Redactor
    clock: Clock
    record: Callable[[Event], None]
    show: Callable[[LiveText], None]
    ask: Ask = nobody_to_ask
