"""What a run did, as checks ask for it: a fold over its events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from workbench.cases.workspace_files import FilesFold, WorkspaceFiles
from workbench.cost.usage import Usage
from workbench.jsontypes import JsonObject
from workbench.trace.events import (
    Event,
    ModelRequest,
    ModelResponse,
    RunCompleted,
    RunFailed,
    RunStarted,
    ToolCall,
    ToolResult,
)

Pricing = Callable[[str, Usage, datetime], Decimal | None]
"""The cost in USD of a reply of this model with this usage at this time; None where the price is unknown."""


@dataclass(frozen=True, slots=True)
class Called:
    """A tool call, named `step.index`. `arguments` is None where they were not captured."""

    step: int
    index: int
    tool: str
    arguments: JsonObject | None


@dataclass(frozen=True, slots=True)
class Facts:
    """A run that has ended.

    `output` is None when it failed; then `error` names the kind of failure and `message` tells it. `cost_usd` is None
    where a price is unknown. `seconds` is how long it took.
    """

    run_id: str
    output: str | None
    error: str | None
    message: str
    steps: int
    calls: Sequence[Called]
    files: WorkspaceFiles
    cost_usd: Decimal | None
    seconds: float

    @property
    def end(self) -> str:
        """How it ended, in words."""
        return "completed" if self.error is None else f"failed with {self.error}: {self.message}"


def facts_of(events: Iterable[Event]) -> Facts:
    """The facts of a run that has ended.

    Raises:
        ValueError: the events have no beginning or no end.
    """
    calls: list[Called] = []
    files = FilesFold()
    started = end = None
    for event in events:
        data = event.data
        files.add(data)
        if isinstance(data, RunStarted):
            started = event
        elif isinstance(data, ToolCall):
            calls.append(Called(event.step, data.index, data.tool, data.arguments))
        elif isinstance(data, RunCompleted | RunFailed):
            end = data
    if started is None or end is None:
        raise ValueError("a run's facts are known when it has ended")
    failed = end if isinstance(end, RunFailed) else None
    return Facts(
        run_id=started.run_id,
        output=end.output if isinstance(end, RunCompleted) else None,
        error=failed.error if failed else None,
        message=failed.message if failed else "",
        steps=end.steps,
        calls=tuple(calls),
        files=files.files(),
        cost_usd=end.costs.total,
        seconds=end.duration,
    )


def as_recorded(facts: Facts, tape: Sequence[Event], pricing: Pricing) -> Facts:
    """The facts of a run that was played from `tape`, with the cost and the time that the tape tells.

    Playing costs nothing and takes no time, so a check of either would hold whatever it says. What was recorded counts:
    every reply at its price, and the running time. Where the tape was itself in part played from another, its replies
    and tools still tell how long they took.
    """
    return replace(facts, cost_usd=_recorded_cost(tape, pricing), seconds=_recorded_seconds(tape))


def _recorded_cost(tape: Sequence[Event], pricing: Pricing) -> Decimal | None:
    model, costs = "", [_end(tape).costs.runtime]
    for event in tape:
        if isinstance(event.data, ModelRequest):
            model = event.data.model
        elif isinstance(event.data, ModelResponse):
            cost = pricing(model, event.data.usage, event.at)
            if cost is None:
                return None
            costs.append(cost)
    return sum(costs, Decimal(0))


def _recorded_seconds(tape: Sequence[Event]) -> float:
    replies = sum(event.data.duration for event in tape if isinstance(event.data, ModelResponse))
    slowest: dict[int, float] = {}
    for event in tape:
        if isinstance(event.data, ToolResult):
            slowest[event.step] = max(slowest.get(event.step, 0.0), event.data.latency)
    return max(_end(tape).duration, replies + sum(slowest.values()))


def _end(tape: Sequence[Event]) -> RunCompleted | RunFailed:
    end = tape[-1].data
    if not isinstance(end, RunCompleted | RunFailed):
        raise ValueError("a tape that is tested has an end")
    return end
