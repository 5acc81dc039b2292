"""The tape of a run: what it received from outside, folded from its events, for replay.

A tape keeps the events themselves, in the places in which a replay needs them again: what came before the first turn,
and for each turn the request, the reply, and the tool calls with all that happened around them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from workbench.jsontypes import JsonObject
from workbench.trace.errors import StoreError
from workbench.trace.events import (
    Event,
    EventData,
    ModelRequest,
    ModelResponse,
    Notice,
    Reasoning,
    RunCompleted,
    RunFailed,
    RunStarted,
    ToolCall,
    ToolResult,
)

VENDOR = "vendor"
"""The server of the vendor's own tools, whose calls and results are part of a reply."""


class TapeError(StoreError):
    """The events are no trace that can be played. `str` tells a person what is wrong."""


@dataclass(frozen=True, slots=True)
class TapedCall:
    """A tool call and what it gave back, None where the run ended before."""

    call: ToolCall
    result: ToolResult | None


@dataclass(frozen=True, slots=True)
class TapedTurn:
    """One step.

    `before_request` happened between the turn before and the request, `before_reply` between request and reply (tries
    that failed), `after_reply` up to the first tool call (the parts of the reply as events), `around_calls` from the
    first tool call on, those of the vendor not counted. `request` is None where the run ended before it was made, as
    it does when a limit is reached; `reply` where it ended before there was one.
    """

    step: int
    before_request: Sequence[EventData] = ()
    request: ModelRequest | None = None
    before_reply: Sequence[EventData] = ()
    reply: ModelResponse | None = None
    after_reply: Sequence[EventData] = ()
    around_calls: Sequence[EventData] = ()

    @property
    def calls(self) -> Sequence[TapedCall]:
        """The tool calls of the turn in the order in which the model made them."""
        results = {data.call_id: data for data in self.around_calls if isinstance(data, ToolResult)}
        calls = [data for data in self.around_calls if isinstance(data, ToolCall)]
        return [TapedCall(call, results.get(call.call_id)) for call in calls]

    @property
    def complete(self) -> bool:
        """Whether the turn has its reply and the result of every call."""
        return self.reply is not None and all(taped.result is not None for taped in self.calls)

    @property
    def thinking_duration(self) -> float | None:
        """Seconds that the model thought, None when it did not or they are not known."""
        return next((data.duration for data in self.after_reply if isinstance(data, Reasoning)), None)


@dataclass(frozen=True, slots=True)
class Tape:
    """A run as a tape. `end` is None when the run is cut off: it runs still, or its process is gone."""

    run_id: str
    started: RunStarted
    opening: Sequence[EventData]
    turns: Sequence[TapedTurn]
    end: RunCompleted | RunFailed | None

    def turn(self, step: int) -> TapedTurn | None:
        """The turn of a step, None for a step that the run did not reach."""
        return self.turns[step - 1] if 0 < step <= len(self.turns) else None

    @property
    def first_snapshot(self) -> str | None:
        """The workspace as the run found it, None where none was taken."""
        for data in self.opening:
            if isinstance(data, Notice) and data.kind == "sandbox":
                told = (data.data or {}).get("workspace")
                return told if isinstance(told, str) else None
        return None

    @property
    def said(self) -> Mapping[int, str]:
        """What the user said after steps (0: beside the input). Only a replay, and what is made from it, has such."""
        said = (self.started.replay or {}).get("said")
        texts = said.items() if isinstance(said, Mapping) else ()
        return {int(step): text for step, text in texts if isinstance(text, str) and step.isdecimal()}

    @property
    def tools(self) -> Sequence[JsonObject] | None:
        """The tools that the first request offered, None if none was made."""
        return next((turn.request.tools or () for turn in self.turns if turn.request is not None), None)

    @property
    def replies(self) -> int:
        """How many replies it holds."""
        return sum(turn.reply is not None for turn in self.turns)


def tape_of(events: Iterable[Event]) -> Tape:
    """The tape that the events of a run make, from the first to the last that there is.

    Raises:
        TapeError: they are not the events of one run from its start, or not in an order in which a run makes them.
    """
    stream = iter(events)
    first = next(stream, None)
    if first is None or first.seq != 1 or not isinstance(first.data, RunStarted):
        raise TapeError("the trace does not begin with run_started: it is not the whole trace of a run")
    fold = _Fold(first.run_id, first.data)
    expected = 2
    for event in stream:
        if event.run_id != first.run_id or event.seq != expected or fold.end is not None:
            raise TapeError(f"event {event.seq} does not follow event {expected - 1} of run {first.run_id}")
        expected += 1
        fold.add(event)
    return fold.tape()


@dataclass
class _OpenTurn:
    """A turn while its events come."""

    step: int
    before_request: list[EventData] = field(default_factory=list)
    request: ModelRequest | None = None
    before_reply: list[EventData] = field(default_factory=list)
    reply: ModelResponse | None = None
    after_reply: list[EventData] = field(default_factory=list)
    around_calls: list[EventData] = field(default_factory=list)

    def add(self, event: Event) -> None:
        data = event.data
        if isinstance(data, ModelRequest):
            _expect(event, self.request is None)
            self.request = data
        elif isinstance(data, ModelResponse):
            _expect(event, self.request is not None and self.reply is None)
            self.reply = data
        elif self.request is None:
            _expect(event, not isinstance(data, ToolCall | ToolResult))
            self.before_request.append(data)
        elif self.reply is None:
            _expect(event, not isinstance(data, ToolCall | ToolResult))
            self.before_reply.append(data)
        elif self.around_calls or (isinstance(data, ToolCall) and data.server != VENDOR):
            self.around_calls.append(data)
        else:
            self.after_reply.append(data)

    def closed(self) -> TapedTurn:
        return TapedTurn(
            step=self.step,
            before_request=tuple(self.before_request),
            request=self.request,
            before_reply=tuple(self.before_reply),
            reply=self.reply,
            after_reply=tuple(self.after_reply),
            around_calls=tuple(self.around_calls),
        )


class _Fold:
    """A tape while its events come."""

    def __init__(self, run_id: str, started: RunStarted) -> None:
        self._run_id = run_id
        self._started = started
        self._opening: list[EventData] = []
        self._turns: list[_OpenTurn] = []
        self.end: RunCompleted | RunFailed | None = None

    def add(self, event: Event) -> None:
        data = event.data
        if isinstance(data, RunCompleted | RunFailed):
            self.end = data
            return
        if event.step == 0:
            _expect(event, not self._turns and not isinstance(data, RunStarted | ToolCall | ToolResult | ModelRequest))
            self._opening.append(data)
            return
        if event.step == len(self._turns) + 1:
            self._turns.append(_OpenTurn(event.step))
        _expect(event, event.step == len(self._turns))
        self._turns[-1].add(event)

    def tape(self) -> Tape:
        return Tape(
            run_id=self._run_id,
            started=self._started,
            opening=tuple(self._opening),
            turns=tuple(turn.closed() for turn in self._turns),
            end=self.end,
        )


def _expect(event: Event, holds: bool) -> None:
    if not holds:
        raise TapeError(f"event {event.seq}, {event.type} at step {event.step}, cannot stand where it does in a trace")
