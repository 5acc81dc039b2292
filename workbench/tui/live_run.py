"""A run that this screen started: what it has said since it was last asked, and what it has come to."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from workbench.cost.meter import Meter
from workbench.trace.events import Event, Trigger
from workbench.trace.runs import RunSummary, advance

if TYPE_CHECKING:
    from workbench.engine.run import Run, RunEnd
    from workbench.engine.world import LiveText


@dataclass(frozen=True, slots=True)
class News:
    """What came since the last look, in the order in which it came: events that are durable, and text that streams."""

    items: Sequence[Event | LiveText] = ()

    @property
    def events(self) -> Sequence[Event]:
        """The events alone."""
        return [item for item in self.items if isinstance(item, Event)]


@dataclass(slots=True)
class LiveRun:
    """A run in progress. The engine only appends; whoever shows it takes, as often as it draws."""

    input: str
    trigger: Trigger
    summary: RunSummary | None = None
    meter: Meter = field(default_factory=Meter)
    task: asyncio.Task[RunEnd] | None = None
    run: Run | None = None
    _said: deque[Event | LiveText] = field(default_factory=deque)

    @property
    def run_id(self) -> str:
        """The run's id, empty before it has one."""
        return self.run.run_id if self.run is not None else ""

    @property
    def goes_on(self) -> bool:
        """Whether the run has no end yet; after it, only its sandbox is still to be removed."""
        if self.task is not None and self.task.done():
            return False
        return self.summary is None or not self.summary.ended

    @property
    def ended(self) -> bool:
        """Whether all that it will ever say has been taken."""
        return self.task is not None and self.task.done() and not self._said

    def show(self, event: Event) -> None:
        """For the engine: an event that is durable."""
        self._said.append(event)

    def live(self, delta: LiveText) -> None:
        """For the engine: a piece of a reply."""
        self._said.append(delta)

    def take(self) -> News:
        """All that came since the last time; counts it into the summary and the meter."""
        if not self._said:
            return News()
        news = News(tuple(self._said))
        self._said.clear()
        for event in news.events:
            self.summary = advance(self.summary, event)
        self.meter = self.meter.after(news.events)
        return news

    def cancel(self, reason: str = "cancelled") -> None:
        """Stop the run; it still records its end."""
        if self.run is not None:
            self.run.cancel(reason)
