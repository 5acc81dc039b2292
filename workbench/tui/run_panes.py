"""Feeds the panes of a run: loads a stored one, and hands on what a live one says, once for each frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic

from workbench.cost.meter import Meter
from workbench.trace.errors import StoreError
from workbench.trace.events import Event, Notice
from workbench.trace.rows import EventRow, row_of
from workbench.tui.live_run import LiveRun, News
from workbench.tui.run_script import script
from workbench.tui.session import Session
from workbench.tui.widgets.cost_meter import CostMeter
from workbench.tui.widgets.script_view import ScriptView
from workbench.tui.widgets.timeline import Timeline

_SLOW_FRAME = 0.25
"""Seconds between two drawings of what nobody reads while it changes: cost and script."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What a run said of its sandbox: whether it is gVisor, and its kernel."""

    gvisor: bool
    kernel: str


class RunPanes:
    """The panes that show one run, and which run that is."""

    def __init__(self, session: Session, timeline: Timeline, cost: CostMeter, scripted: ScriptView) -> None:
        self._session = session
        self._timeline = timeline
        self._cost = cost
        self._scripted = scripted
        self._live: LiveRun | None = None
        self._loading: list[Event] | None = None
        self._events: list[Event] = []
        self._meter = Meter()
        self._stale = False
        self._drawn_at = 0.0
        self.run_id: str | None = None
        self.proof: Proof | None = None

    def start(self, live: LiveRun) -> None:
        """Show a run that has just been started."""
        self._begin("", live)
        self._timeline.show_run([], self.event)
        self._draw_rest()

    async def open(self, run_id: str, live: LiveRun | None) -> None:
        """Show a stored run; `live` is it, if it still goes on here.

        Raises:
            StoreError: it cannot be read.
        """
        self._begin(run_id, live)
        self._loading = []
        rows = await self._session.rows(run_id)
        if self.run_id != run_id:
            return
        missed, self._loading = self._loading, None
        self._timeline.show_run([*rows, *_rows_after(rows, missed)], self.event)
        self._meter = live.meter if live is not None else await self._session.meter(run_id)
        events = await self._session.script(run_id)
        if self.run_id != run_id:
            return
        self._events = [*events, *self._events]
        self._note_proof(events)
        self._draw_rest()

    def take(self, live: LiveRun, news: News) -> None:
        """Hand on what a live run said, if it is the one that is shown."""
        if live is not self._live:
            return
        self.run_id = self.run_id or live.run_id
        if self._loading is not None:
            self._loading += news.events
        elif news.events:
            self._timeline.extend([row_of(event) for event in news.events])
        for delta in news.deltas:
            self._timeline.live(delta.step, delta.kind, delta.text)
        self._note_proof(news.events)
        self._events += news.events
        self._meter = live.meter
        self._stale = True

    def draw_slow(self) -> None:
        """Draw cost and script anew, if they changed and were not drawn a moment ago."""
        now = monotonic()
        if self._stale and now - self._drawn_at >= _SLOW_FRAME:
            self._drawn_at = now
            self._draw_rest()

    def event(self, seq: int) -> Event | None:
        """An event of the shown run, whole; None when it cannot be had."""
        if not self.run_id:
            return None
        try:
            return self._session.event(self.run_id, seq)
        except StoreError:
            return None

    def _begin(self, run_id: str, live: LiveRun | None) -> None:
        self.run_id = run_id or None
        self._live = live
        self._loading = None
        self._events = []
        self._meter = Meter()
        self.proof = None

    def _draw_rest(self) -> None:
        self._stale = False
        self._cost.show(self._meter)
        self._scripted.show(script(self._events))

    def _note_proof(self, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event.data, Notice) and event.data.kind == "sandbox" and event.data.data is not None:
                told = event.data.data
                self.proof = Proof(bool(told.get("gvisor")), str(told.get("kernel") or ""))


def _rows_after(rows: Sequence[EventRow], events: Sequence[Event]) -> list[EventRow]:
    last = rows[-1].seq if rows else 0
    return [row_of(event) for event in events if event.seq > last]
