"""A run on one line: what a list of runs shows.

A summary is a fold over the run's events: it is made from `run_started`, taken one event further by each event that is
appended, and could be made anew from the events at any time. There is nothing in it that the events do not say, but for
one thing: whether the process that ran it is still there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, get_args

from workbench.cost.usage import Usage
from workbench.jsontypes import JsonValue
from workbench.trace.codec import money_to_text, time_from_text, time_to_text
from workbench.trace.errors import SequenceError
from workbench.trace.events import (
    Costs,
    Event,
    ModelResponse,
    ModelSource,
    RunCompleted,
    RunFailed,
    RunStarted,
    ToolCall,
    ToolResult,
)
from workbench.trace.gist import gist
from workbench.trace.terminal import one_line

Status = Literal["running", "completed", "failed", "interrupted"]
"""How a run stands; interrupted: it has no end, and the process that ran it is gone."""

_NO_USAGE = Usage()


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A run on one line.

    `events` is the number of events, which is the last seq. While the run has no end, `usage` and `model_usd` (USD,
    None when a price is unknown) add up the replies so far that were billed, which those from a tape are not,
    `duration` is the offset of the last event in seconds, and `costs` is None; after it they are those of its last
    event. `error` is the kind of failure, `outcome_gist` the beginning of the output or of the failure's message. All
    text is one line that is safe to print.
    """

    run_id: str
    agent: str
    digest: str
    started_at: datetime
    trigger: str
    input_gist: str
    model: str
    model_source: ModelSource
    endpoint: str | None
    budget_usd: Decimal | None
    parent_run_id: str | None
    fork_step: int | None
    last_at: datetime
    status: Status = "running"
    error: str | None = None
    outcome_gist: str | None = None
    events: int = 1
    steps: int = 0
    tool_calls: int = 0
    tool_errors: int = 0
    duration: float = 0.0
    usage: Usage = _NO_USAGE
    model_usd: Decimal | None = Decimal(0)
    costs: Costs | None = None

    @property
    def ended(self) -> bool:
        """Whether the run has its last event."""
        return self.status in ("completed", "failed")


def summarise(events: Iterable[Event]) -> RunSummary:
    """The summary of a run, from all its events in order.

    Raises:
        SequenceError: they are not the events of one run from the first on.
    """
    summary: RunSummary | None = None
    for event in events:
        summary = advance(summary, event)
    if summary is None:
        raise SequenceError("a run has at least one event")
    return summary


def advance(summary: RunSummary | None, event: Event) -> RunSummary:
    """The summary after one more event; None stands for a run that has none yet.

    Raises:
        SequenceError: the event is not the one that comes next.
    """
    if summary is None:
        return _begun(event)
    if summary.ended:
        raise SequenceError(f"run {event.run_id} has ended; nothing can follow event {summary.events}")
    if event.seq != summary.events + 1 or event.run_id != summary.run_id:
        raise SequenceError(f"event {event.seq} of run {event.run_id} does not follow event {summary.events}")
    if isinstance(event.data, RunStarted):
        raise SequenceError(f"run {event.run_id} has already started; event {event.seq} starts it again")
    moved = replace(
        summary,
        events=event.seq,
        steps=max(summary.steps, event.step),
        duration=float(event.offset),
        last_at=event.at,
    )
    return _counted(moved, event)


def _begun(event: Event) -> RunSummary:
    data = event.data
    if event.seq != 1 or not isinstance(data, RunStarted):
        raise SequenceError(f"run {event.run_id} begins with event {event.seq}, {event.type}; expected 1, run_started")
    return RunSummary(
        run_id=event.run_id,
        agent=one_line(data.agent),
        digest=one_line(data.digest),
        started_at=event.at,
        trigger=one_line(data.trigger.kind),
        input_gist=gist(data),
        model=one_line(data.model),
        model_source=data.model_source,
        endpoint=None if data.endpoint is None else one_line(data.endpoint),
        budget_usd=data.budget_usd,
        parent_run_id=None if data.parent_run_id is None else one_line(data.parent_run_id),
        fork_step=data.fork_step,
        last_at=event.at,
        duration=float(event.offset),
    )


def _counted(summary: RunSummary, event: Event) -> RunSummary:
    data = event.data
    match data:
        case ModelResponse() if data.origin == "live":
            unknown = summary.model_usd is None or data.cost_usd is None
            spent = None if unknown else (summary.model_usd or Decimal(0)) + (data.cost_usd or Decimal(0))
            return replace(summary, usage=summary.usage + data.usage, model_usd=spent)
        case ToolCall():
            return replace(summary, tool_calls=summary.tool_calls + 1)
        case ToolResult() if data.is_error:
            return replace(summary, tool_errors=summary.tool_errors + 1)
        case RunCompleted():
            return replace(_ended(summary, data), status="completed", outcome_gist=gist(data))
        case RunFailed():
            return replace(_ended(summary, data), status="failed", error=one_line(data.error), outcome_gist=gist(data))
        case _:
            return summary


def _ended(summary: RunSummary, end: RunCompleted | RunFailed) -> RunSummary:
    return replace(
        summary,
        steps=end.steps,
        usage=end.usage,
        model_usd=end.costs.model,
        costs=end.costs,
        duration=float(end.duration),
    )


COLUMNS: Sequence[str] = (
    *("run_id", "agent", "digest", "started_at", "trigger", "input_gist", "model", "model_source", "endpoint"),
    *("budget_usd", "parent_run_id", "fork_step", "last_at", "status", "error", "outcome_gist"),
    *("events", "steps", "tool_calls", "tool_errors", "duration"),
    *("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens"),
    *("thinking_tokens", "web_searches", "model_usd", "runtime_usd", "total_usd", "runtime_seconds"),
)
"""The columns of the table `runs` that hold a summary."""

_SAME: Sequence[str] = (
    *("run_id", "agent", "digest", "trigger", "input_gist", "model", "model_source", "endpoint", "parent_run_id"),
    *("fork_step", "status", "error", "outcome_gist", "events", "steps", "tool_calls", "tool_errors", "duration"),
)
_USAGE: Sequence[str] = tuple(field.name for field in fields(Usage))
_KINDS: dict[str, Any] = {
    **dict.fromkeys(("run_id", "agent", "digest", "trigger", "input_gist", "model", "model_source", "status"), str),
    **dict.fromkeys(("endpoint", "parent_run_id", "error", "outcome_gist"), str | None),
    **dict.fromkeys(("events", "steps", "tool_calls", "tool_errors", *_USAGE), int),
    "fork_step": int | None,
    "duration": float | int,
}


def to_json(summary: RunSummary) -> dict[str, JsonValue]:
    """The summary as a flat JSON object: times as ISO 8601 in UTC, money as strings, tokens by kind.

    The names are those of `COLUMNS`; the store keeps exactly these values.
    """
    costs = summary.costs
    values: dict[str, JsonValue] = {name: getattr(summary, name) for name in _SAME}
    values |= {name: getattr(summary.usage, name) for name in _USAGE}
    values |= {
        "started_at": time_to_text(summary.started_at),
        "last_at": time_to_text(summary.last_at),
        "budget_usd": _money(summary.budget_usd),
        "model_usd": _money(summary.model_usd),
        "runtime_usd": _money(costs.runtime) if costs else None,
        "total_usd": _money(costs.total) if costs else None,
        "runtime_seconds": _money(costs.runtime_seconds) if costs else None,
    }
    return values


def from_columns(values: Sequence[Any]) -> RunSummary:
    """The summary that a selection of `COLUMNS`, in their order, gave.

    Raises:
        ValueError, TypeError, ArithmeticError: it holds what the program cannot have written.
    """
    row = dict(zip(COLUMNS, values, strict=True))
    for name, kind in _KINDS.items():
        if not isinstance(row[name], kind):
            raise TypeError(f"{name} is no {kind}")
    if row["status"] not in get_args(Status):
        raise ValueError(f"the status {row['status']!r}")
    return RunSummary(
        **{name: row[name] for name in _SAME},
        started_at=time_from_text(row["started_at"]),
        last_at=time_from_text(row["last_at"]),
        budget_usd=_amount(row["budget_usd"]),
        usage=Usage(**{name: row[name] for name in _USAGE}),
        model_usd=_amount(row["model_usd"]),
        costs=_costs(row),
    )


def _costs(row: dict[str, Any]) -> Costs | None:
    if row["runtime_usd"] is None:
        return None
    model, total = _amount(row["model_usd"]), _amount(row["total_usd"])
    return Costs(model, _finite(row["runtime_usd"]), total, _finite(row["runtime_seconds"]))


def _money(amount: Decimal | None) -> str | None:
    return None if amount is None else money_to_text(amount)


def _amount(text: str | None) -> Decimal | None:
    return None if text is None else _finite(text)


def _finite(text: str) -> Decimal:
    amount = Decimal(text)
    if not amount.is_finite():
        raise ValueError(f"the amount {text}")
    return amount
