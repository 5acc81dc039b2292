"""A run as one HTML page that can be sent to a colleague: what it was given, did, cost and answered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from workbench.cost.amounts import usd
from workbench.cost.usage import Usage
from workbench.export.bars import Bars, bars_of
from workbench.export.clipping import Clipped, clipped
from workbench.export.event_text import body_of
from workbench.export.page import render, shown
from workbench.trace.events import Costs, Event, RunCompleted, RunFailed, RunStarted
from workbench.trace.rows import EventRow, row_of
from workbench.trace.runs import RunSummary, summarise

BODIES_BYTES = 1_200_000
"""What the contents of all events may take; an event's row takes about 400 bytes more."""

MOST_EVENTS = 4_000
"""A page with more events would be slow to open; of a longer run it has the first and the last half of so many."""

_SOURCES = {"offline": "OFFLINE SCRIPT", "endpoint": "an endpoint", "api": "the API", "tape": "a tape"}


@dataclass(frozen=True, slots=True)
class Entry:
    """An event on the page: its row, and what it holds."""

    row: EventRow
    body: Clipped
    wall_time: str


@dataclass(frozen=True, slots=True)
class StepEntries:
    """The events of one step; step 0 is what came before the first request to the model."""

    number: int
    entries: Sequence[Entry]


def run_page(events: Sequence[Event]) -> str:
    """The page of a run, from all its events in order.

    Raises:
        SequenceError: they are not the events of one run from the first on.
    """
    summary = summarise(events)
    started, end = events[0].data, events[-1].data
    kept, left_out = _kept(events)
    return render(
        "run.html.j2",
        summary=summary,
        started=started,
        source=_SOURCES[summary.model_source],
        facts=_facts(summary, started),
        costs=_cost_rows(summary.usage, summary.costs, summary.model_usd),
        failure=end if isinstance(end, RunFailed) else None,
        output=end.output if isinstance(end, RunCompleted) else None,
        steps=_steps(kept),
        left_out=left_out,
        bars=_bars(events),
    )


def _kept(events: Sequence[Event]) -> tuple[Sequence[Event], int]:
    if len(events) <= MOST_EVENTS:
        return events, 0
    half = MOST_EVENTS // 2
    return [*events[:half], *events[-half:]], len(events) - MOST_EVENTS


def _steps(events: Sequence[Event]) -> Sequence[StepEntries]:
    bodies = clipped([shown(body_of(event.data)) for event in events], BODIES_BYTES)
    found: dict[int, list[Entry]] = {}
    for event, body in zip(events, bodies, strict=True):
        entry = Entry(row_of(event), body, f"{event.at:%Y-%m-%d %H:%M:%S.%f} UTC")
        found.setdefault(event.step, []).append(entry)
    return [StepEntries(number, entries) for number, entries in found.items()]


def _facts(summary: RunSummary, started: object) -> Sequence[tuple[str, str]]:
    facts = [
        ("run", summary.run_id),
        ("started", f"{summary.started_at:%Y-%m-%d %H:%M:%S} UTC by {summary.trigger}"),
        ("model", summary.model),
        ("answered by", _SOURCES[summary.model_source] + (f" {summary.endpoint}" if summary.endpoint else "")),
        ("definition", summary.digest),
        ("steps", f"{summary.steps:,}, {summary.tool_calls:,} tool calls, {summary.tool_errors:,} with an error"),
        ("time", f"{summary.duration:,.3f} s"),
    ]
    if summary.parent_run_id:
        facts.append(("made from", f"run {summary.parent_run_id}, live from step {summary.fork_step}"))
    if isinstance(started, RunStarted):
        captured = started.captured
        parts = (("tool calls", captured.tool_calls), ("reasoning", captured.reasoning))
        missing = [name for name, is_kept in parts if not is_kept]
        facts.append(("not captured", ", ".join(missing) or "nothing was left out"))
    return facts


def _cost_rows(usage: Usage, costs: Costs | None, model_usd: Decimal | None) -> Sequence[tuple[str, str]]:
    rows = [
        ("input tokens", f"{usage.input_tokens:,}"),
        ("read from the cache", f"{usage.cache_read_tokens:,}"),
        ("written to the cache", f"{usage.cache_write_5m_tokens + usage.cache_write_1h_tokens:,}"),
        ("output tokens", f"{usage.output_tokens:,}"),
        ("model", usd(model_usd)),
    ]
    if costs is not None:
        rows += [(f"runtime, {costs.runtime_seconds:,} s", usd(costs.runtime)), ("total", usd(costs.total))]
    return rows


def _bars(events: Iterable[Event]) -> Bars | None:
    return bars_of([row_of(event) for event in events])
