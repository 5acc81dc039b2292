"""A run as a column of a comparison: what is shown of it, whether it is stored or goes on. It knows no widget."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from workbench.cost.meter import Meter
from workbench.trace.alignment import Key
from workbench.trace.compared_rows import ComparedRow, ComparedRows
from workbench.trace.events import Event, ModelResponse, RunCompleted, RunFailed
from workbench.trace.terminal import printable

Details = Callable[[int], Event | None]
"""Fetches the whole event of a seq; None when it cannot be had any more."""

MOST_COLUMNS = 4

_STREAMED = 200
"""Characters of a streaming reply that are kept to be shown."""


@dataclass(slots=True)
class CompareColumn:
    """One run of a comparison.

    Whoever has its events hands them to `take`, all at once or as they come; the screen looks again at its next frame.
    `trouble` says why the run could not be started. Before the first event it is waiting.
    """

    title: str
    details: Details
    meter: Meter = field(default_factory=Meter)
    trouble: str | None = None
    run_id: str | None = None
    end: RunCompleted | RunFailed | None = None
    steps: int = 0
    duration: float = 0.0
    last_at: datetime | None = None
    streaming: str = ""
    version: int = 0
    first_changed: int = 0
    _rows: ComparedRows = field(default_factory=ComparedRows)

    @classmethod
    def of(cls, title: str, events: Iterable[Event], details: Details) -> CompareColumn:
        """The column of a stored run."""
        column = cls(title, details)
        column.take(tuple(events))
        return column

    def take(self, events: Sequence[Event]) -> None:
        """Count events that follow those before; nothing is drawn."""
        if not events:
            return
        self.run_id = events[0].run_id
        self.first_changed = min(self.first_changed, self._rows.take(events))
        self.meter = self.meter.after(events)
        if any(isinstance(event.data, ModelResponse | RunCompleted | RunFailed) for event in events):
            self.streaming = ""
        last = events[-1]
        self.steps = max(self.steps, *(event.step for event in events))
        self.duration, self.last_at = float(last.offset), last.at
        if isinstance(last.data, RunCompleted | RunFailed):
            self.end, self.duration = last.data, float(last.data.duration)
        self.version += 1

    def live(self, kind: str, text: str) -> None:
        """Streaming text of a reply, as `workbench.engine.world.LiveText` has it; the end of it is shown."""
        said = printable((self.streaming + text)[-_STREAMED:].replace("\n", " "))
        self.streaming = "" if kind == "reset" else said[-_STREAMED:]

    def failed_to_start(self, why: str) -> None:
        """Say that there will be no run."""
        self.trouble = why
        self.version += 1

    @property
    def rows(self) -> Sequence[ComparedRow]:
        """The rows so far."""
        return self._rows.rows

    @property
    def keys(self) -> Sequence[Key]:
        """The keys of the rows, for the alignment."""
        return self._rows.keys

    @property
    def is_going_on(self) -> bool:
        """Whether more may come."""
        return self.end is None and self.trouble is None

    @property
    def status(self) -> str:
        """Waiting, running, completed, or the kind of failure."""
        if self.trouble is not None:
            return "not started"
        if self.end is None:
            return "running" if self.rows else "waiting"
        return "completed" if isinstance(self.end, RunCompleted) else self.end.error

    def total_usd(self, runtime_cost: Callable[[Decimal], Decimal], now: datetime | None = None) -> Decimal | None:
        """What it has cost so far, None when a price is unknown."""
        return self.meter.costs(runtime_cost, now if self.is_going_on else None).total
