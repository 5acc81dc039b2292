"""Feeds the panes of a run: loads a stored one, and hands on what a live one says, once for each frame."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import groupby
from time import monotonic

from textual.widget import Widget

from workbench.cost.estimate import Estimate, estimate
from workbench.cost.meter import Meter
from workbench.cost.usage import Usage
from workbench.trace.errors import StoreError
from workbench.trace.events import Event, ModelRequest, ModelResponse, Notice, RunCompleted, RunFailed, RunStarted
from workbench.trace.rows import EventRow, row_of
from workbench.trace.tape import Tape, TapeError, tape_of
from workbench.tui.live_run import LiveRun, News
from workbench.tui.session import Session
from workbench.tui.timeline_filter import FilterError
from workbench.tui.widgets.cost_meter import CostMeter
from workbench.tui.widgets.event_detail import EventDetail
from workbench.tui.widgets.replay_editor import ReplayEditor
from workbench.tui.widgets.timeline import Timeline

_SLOW_FRAME = 0.25
"""Seconds between two drawings of what nobody reads while it changes: cost and script."""

_SCRIPT_SHARE = 0.05
"""The most of the time that may go into showing a growing script: each drawing takes longer than the last."""

MOST_SCRIPTED = 5_000
"""Events up to which a run is kept whole for the replay editor; longer ones are read when it is gone to."""

_ENDS_OF_TURNS = (ModelRequest, RunCompleted, RunFailed)
"""Events before which a turn has all that it will ever have; a script that is shown has only whole turns."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What a run said of its sandbox: whether it is gVisor, and its kernel."""

    gvisor: bool
    kernel: str


class RunPanes:
    """The panes that show one run, and which run that is."""

    def __init__(
        self, session: Session, timeline: Timeline, cost: CostMeter, editor: ReplayEditor, detail: EventDetail
    ) -> None:
        self._session = session
        self._timeline = timeline
        self._cost = cost
        self._editor = editor
        self._detail = detail
        self._live: LiveRun | None = None
        self._loading: list[Event] | None = None
        self._events: list[Event] | None = []
        self._meter = Meter()
        self._model = ""
        self._request: ModelRequest | None = None
        self._cost_stale = False
        self._script_stale = False
        self._drawn_at = 0.0
        self._script_due = 0.0
        self.runs_per_month = 1_000
        self.run_id: str | None = None
        self.proof: Proof | None = None

    @property
    def filter_text(self) -> str:
        """The filter of the timeline."""
        return self._timeline.filter_text

    def restore_filter(self, text: str) -> None:
        """Filter the timeline as it was; what no longer means anything is left out."""
        with suppress(FilterError):
            self._timeline.filter(text)

    def start(self, live: LiveRun) -> None:
        """Show a run that has just been started."""
        self._begin("", live)
        self._timeline.show_run([], self.event)
        self._detail.show(None)
        self._draw_script()
        self._draw_cost()

    async def open(self, run_id: str, live: LiveRun | None) -> None:
        """Show a stored run; `live` is it, if it still goes on here.

        Raises:
            StoreError: it cannot be read.
        """
        self._begin(run_id, live)
        self._draw_script()
        self._loading = []
        rows = await self._session.rows(run_id)
        if self.run_id != run_id:
            return
        missed, self._loading = self._loading, None
        self._timeline.show_run([*rows, *_rows_after(rows, missed)], self.event)
        short = len(rows) <= MOST_SCRIPTED
        events = await (self._session.events(run_id) if short else self._session.beginning(run_id))
        meter = live.meter if live is not None else await self._metered(run_id, events if short else None)
        if self.run_id != run_id:
            return
        self._meter = meter
        if self._events is not None and short:
            self._events = [*events, *(event for event in self._events if event.seq > len(events))]
        else:
            self._events = None
        self._note(events)
        if _is_displayed(self._editor):
            self._draw_script()
        else:
            self._script_stale = True
        self._draw_cost()

    async def read_whole(self) -> None:
        """Let the replay editor have all that there is of the run, whether it is shown or not.

        Raises:
            StoreError: a long run cannot be read.
        """
        run_id = self.run_id
        if self._events is not None:
            if self._script_stale or self._goes_on:
                self._draw_script()
            return
        if run_id is None or not self._script_stale:
            return
        events = await self._session.events(run_id)
        if self.run_id == run_id:
            self._script_stale = self._goes_on
            self._editor.show_tape(_tape(events))

    async def _metered(self, run_id: str, events: Sequence[Event] | None) -> Meter:
        return Meter().after(events) if events is not None else await self._session.meter(run_id)

    def take(self, live: LiveRun, news: News) -> None:
        """Hand on what a live run said, if it is the one that is shown."""
        if live is not self._live:
            return
        self.run_id = self.run_id or live.run_id
        events = news.events
        if self._loading is not None:
            self._loading += events
        else:
            self._hand_on(news)
        self._note(events)
        if self._events is not None:
            self._events += events
            if len(self._events) > MOST_SCRIPTED:
                self._events = None  # from here on its script is read from the store, when it is gone to
        self._script_stale = self._script_stale or any(isinstance(event.data, _ENDS_OF_TURNS) for event in events)
        self._meter = live.meter
        self._cost_stale = True

    def _hand_on(self, news: News) -> None:
        """Give the timeline what came, in its order: text that streamed, then the event that holds it whole."""
        for _, items in groupby(news.items, lambda item: None if isinstance(item, Event) else (item.step, item.kind)):
            batch = list(items)
            self._timeline.extend([row_of(item) for item in batch if isinstance(item, Event)])
            pieces = [item for item in batch if not isinstance(item, Event)]
            if pieces:
                self._timeline.live(pieces[0].step, pieces[0].kind, "".join(piece.text for piece in pieces))

    def draw_slow(self) -> None:
        """Draw cost and script anew, if they changed and were not drawn just now; a live run's runtime grows."""
        now = monotonic()
        if now - self._drawn_at < _SLOW_FRAME:
            return
        self._drawn_at = now
        if (self._cost_stale or self._goes_on) and _is_displayed(self._cost):
            self._draw_cost()
        if self._script_stale and self._events is not None and now >= self._script_due and _is_displayed(self._editor):
            begin = monotonic()
            self._draw_script()
            took = monotonic() - begin
            self._script_due = begin + took / _SCRIPT_SHARE

    def set_rate(self, runs_per_month: int) -> None:
        """Project the month for so many runs."""
        self.runs_per_month = runs_per_month
        self._draw_cost()

    def show_detail(self, seq: int | None = None) -> None:
        """Show an event whole, by default the selected one."""
        if seq is None and self._timeline.selected is not None:
            seq = self._timeline.selected.seq
        self._detail.show(None if seq is None else self.event(seq))

    def edit_selected(self) -> None:
        """Go to what the selected event is in the replay editor."""
        selected = self._timeline.selected
        event = self.event(selected.seq) if selected is not None else None
        if event is not None and not self._editor.go_to_event(event):
            self._editor.go_to(event.step)

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
        self._script_stale = False
        self._script_due = 0.0
        self._meter = Meter()
        self._request = None
        self.proof = None

    @property
    def _goes_on(self) -> bool:
        return self._live is not None and self._live.goes_on

    def _draw_script(self) -> None:
        """Show the replay editor the run as far as it is known; of a long one nothing, until it is gone to."""
        self._script_stale = self._events is None
        self._editor.show_tape(_tape(self._events or ()))

    def _draw_cost(self) -> None:
        self._cost_stale = False
        if self.run_id is None and self._live is None:
            self._cost.clear()
            return
        self._cost.show(
            self._meter,
            now=datetime.now(UTC) if self._goes_on else None,
            runtime_cost=self._session.prices.runtime_cost,
            price=self._price,
            estimate=self._estimate(),
            fuse_status=self._session.fuse(),
            runs_per_month=self.runs_per_month,
        )

    def _price(self, usage: Usage) -> Decimal | None:
        return self._session.prices.cost(self._model, usage, datetime.now(UTC))

    def _estimate(self) -> Estimate | None:
        return None if self._request is None else estimate(self._meter, self._request, self._price)

    def _note(self, events: Sequence[Event]) -> None:
        """Keep what the other panes need: the model, the request under way, the proof of the sandbox."""
        for event in events:
            match event.data:
                case RunStarted() as start:
                    self._model = start.model
                case ModelRequest() as request:
                    self._request = request
                case ModelResponse() | RunCompleted() | RunFailed():
                    self._request = None
                case Notice(kind="sandbox", data=dict() as told):
                    self.proof = Proof(bool(told.get("gvisor")), str(told.get("kernel") or ""))
                case _:
                    pass


def _is_displayed(widget: Widget) -> bool:
    """Whether the pane of a widget is shown: nobody sees what is drawn in one that is not."""
    return all(node.display for node in widget.ancestors_with_self)


def _tape(events: Sequence[Event]) -> Tape | None:
    """The events so far as a tape; None while there are none, and for a trace that cannot be played."""
    try:
        return tape_of(events) if events else None
    except TapeError:
        return None


def _rows_after(rows: Sequence[EventRow], events: Sequence[Event]) -> list[EventRow]:
    last = rows[-1].seq if rows else 0
    return [row_of(event) for event in events if event.seq > last]
