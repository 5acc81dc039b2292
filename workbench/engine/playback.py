"""Plays a tape to a run: what the tape answers, what must be asked live, and where the two part.

Up to the fork point everything is the tape's, edits applied, whatever the questions have become. From there on the
request's two switches decide, by one rule: a question is unchanged if its canonical digest is. A run is *faithful*
while all that it was told is what its parent was told; then its next question is the tape's next one, and no digest is
needed to know it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from workbench.engine.divergence import TapeEndedError, cut_off, unknown_call, unknown_request
from workbench.engine.edited import call_by_hand, edited_reply, edited_result
from workbench.engine.replay_request import EditedResult, Edits, ForkPoint, ReplayRequest
from workbench.engine.stops import RunStoppedError
from workbench.jsontypes import JsonObject
from workbench.model.conversation import Reply
from workbench.trace.digest import digest
from workbench.trace.events import EventData, RunCompleted, RunFailed, RunStarted, ToolCall, ToolResult
from workbench.trace.tape import Tape, TapedCall, TapedTurn

Told = TypeVar("Told", ToolCall, ToolResult)


@dataclass(frozen=True, slots=True)
class PlayedTurn:
    """A model turn from the tape. `reply` is None where the tape ends before it.

    `faithful`: all that was said before the reply is what the parent said.
    """

    turn: TapedTurn
    reply: Reply | None
    faithful: bool


@dataclass(frozen=True, slots=True)
class PlayedCalls:
    """What the tape has for the calls of one turn: a call with its result each, None for one that must be made.

    `whole` are all events of the parent from its first call of this turn on, where they can be told again as they were.
    """

    taped: Sequence[TapedCall | None]
    whole: Sequence[EventData] | None = None


class Playback:
    """One playing of a tape. It moves along as it is asked, so each run needs its own.

    `same_definition`: the run's agent is the parent's, as far as requests and tools can tell.
    """

    def __init__(self, tape: Tape, request: ReplayRequest, fork: ForkPoint, *, same_definition: bool) -> None:
        self.tape = tape
        self.fork = fork
        self._request = request
        self._faithful = same_definition and not _input_differs(request.edits)
        self._waiting = _by_digest(tape.turns)
        self._later_calls = list(_calls_from(tape, fork))
        self._tools_parted = False

    @property
    def edits(self) -> Edits:
        """What differs from the parent."""
        return self._request.edits

    @property
    def said(self) -> Mapping[int, str]:
        """What the user says after steps: what the parent's user said, with the edits."""
        return {step: text for step, text in {**self.tape.said, **self.edits.messages}.items() if text.strip()}

    def part(self) -> None:
        """Take note that something was answered live: from here on the run is no longer its tape."""
        self._faithful = False

    def turn(self, step: int, request_digest: Callable[[], str]) -> PlayedTurn | None:
        """The tape's turn for the request of a step, None if the model must be asked.

        Raises:
            RunStoppedError: only the tape may answer, and it does not hold the request.
        """
        turn, only_tape = self._turn(step, request_digest), self._request.model == "tape"
        if turn is not None and turn.reply is not None:
            return self._played(turn)
        if not only_tape:
            return None
        if turn is not None:
            return PlayedTurn(turn, None, self._faithful)
        if self._faithful or self._forces(step, 0):
            raise self.end(step)
        raise unknown_request(self.tape, step, request_digest())

    def calls(self, step: int, calls: Sequence[JsonObject], played: PlayedTurn | None) -> PlayedCalls:
        """What the tape has for the calls of a step; `played` is its turn if the reply is the tape's.

        Raises:
            RunStoppedError: only the tape may answer, and it does not hold a call.
        """
        own = tuple(played.turn.calls) if played is not None else ()
        by_hand = self._by_hand(step, calls, played)
        taped = [
            by_hand.get(index) or self._taped(step, index, call, own, played)
            for index, call in enumerate(calls, start=1)
        ]
        if played is not None and self._as_it_was(played, taped, own):
            return PlayedCalls(taped, self._whole(played.turn))
        self._faithful = False
        missing = next((index for index, one in enumerate(taped) if one is None), None)
        if missing is not None and self._request.tools == "tape":
            raise unknown_call(self.tape, step, missing + 1, calls[missing], self._later_calls)
        told = [None if one is None else self._edited(one) for one in taped]
        return PlayedCalls([by_hand.get(index, one) for index, one in enumerate(told, start=1)])

    def after(self, step: int) -> str | None:
        """What the user says after a step."""
        if step in self.edits.messages:
            self._faithful = False
        return self.said.get(step)

    def end(self, step: int) -> RunStoppedError:
        """How the run ends where the tape does: with the parent's failure, or because the parent was cut off."""
        if isinstance(self.tape.end, RunFailed) and step >= len(self.tape.turns):
            return TapeEndedError(self.tape.end)
        return cut_off(self.tape, step)

    def _turn(self, step: int, request_digest: Callable[[], str]) -> TapedTurn | None:
        if self._forces(step, 0) or (self._faithful and self._request.model != "live"):
            return self.tape.turn(step)
        if self._request.model == "live":
            return None
        waiting = self._waiting.get(request_digest())
        return waiting.pop(0) if waiting else None

    def _played(self, turn: TapedTurn) -> PlayedTurn:
        faithful = self._faithful
        blocks = self.edits.replies.get(turn.step)
        if blocks is None:
            return PlayedTurn(turn, _taped_reply(turn), faithful)
        self._faithful = False
        return PlayedTurn(turn, edited_reply(turn, blocks), faithful)

    def _forces(self, step: int, call: int) -> bool:
        """Whether the fork point lies behind the reply of a step (`call` 0) or behind one of its calls."""
        return ForkPoint(step, call) < self.fork

    def _taped(
        self, step: int, index: int, call: JsonObject, own: Sequence[TapedCall], played: PlayedTurn | None
    ) -> TapedCall | None:
        same = _same_call(own, index, call, edited=_is_edited(played))
        if self._forces(step, index):
            return same if same is not None and same.result is not None else None
        if self._request.tools == "live":
            return None
        wanted = same.call.digest if same is not None and self._faithful else call_digest(call)
        return self._any_call(wanted) if self._request.tools == "tape" else self._next_call(wanted)

    def _by_hand(self, step: int, calls: Sequence[JsonObject], played: PlayedTurn | None) -> Mapping[int, TapedCall]:
        """The results that a person wrote for calls of an edited reply that the tape does not hold."""
        if played is None or not _is_edited(played):
            return {}
        own = tuple(played.turn.calls)
        return {
            index: call_by_hand(played.turn, call, index, self.edits.results[step, index])
            for index, call in enumerate(calls, start=1)
            if (step, index) in self.edits.results and _same_call(own, index, call, edited=True) is None
        }

    def _any_call(self, wanted: str) -> TapedCall | None:
        """The first call left on the tape that is this one."""
        for position, one in enumerate(self._later_calls):
            if one.call.digest == wanted and one.result is not None:
                return self._later_calls.pop(position)
        return None

    def _next_call(self, wanted: str) -> TapedCall | None:
        """The next call on the tape if it is this one; if not, the tape has no say in the tools any more.

        Results behind a difference are not taken: the calls between may have changed what they would find.
        """
        following = self._later_calls[0] if self._later_calls else None
        if self._tools_parted or following is None or following.result is None or following.call.digest != wanted:
            self._tools_parted = True
            return None
        return self._later_calls.pop(0)

    def _as_it_was(self, played: PlayedTurn, taped: Sequence[TapedCall | None], own: Sequence[TapedCall]) -> bool:
        """Whether the turn's events can be told again as they were: with all results, or up to the tape's end."""
        if _is_edited(played) or len(taped) != len(own):
            return False
        if all(one is not None and one.call is other.call for one, other in zip(taped, own, strict=True)):
            return True
        return self._request.tools == "tape" and self._faithful and played.turn is self.tape.turns[-1]

    def _whole(self, turn: TapedTurn) -> Sequence[EventData]:
        edits = {taped.call.call_id: edit for taped, edit in self._edits_of(turn)}
        if edits:
            self._faithful = False
        return [
            edited_result(data, edits[data.call_id])
            if isinstance(data, ToolResult) and data.call_id in edits
            else from_tape(data)
            for data in turn.around_calls
        ]

    def _edited(self, taped: TapedCall) -> TapedCall:
        for turn in self.tape.turns if self.edits.results else ():
            for one, edit in self._edits_of(turn):
                if one.call is taped.call and taped.result is not None:
                    return TapedCall(_as_taped(taped.call), edited_result(taped.result, edit))
        return TapedCall(_as_taped(taped.call), None if taped.result is None else _as_taped(taped.result))

    def _edits_of(self, turn: TapedTurn) -> Sequence[tuple[TapedCall, EditedResult]]:
        calls = turn.calls if self.edits.results else ()
        return [
            (calls[index - 1], edit)
            for (step, index), edit in self.edits.results.items()
            if step == turn.step and index <= len(calls)
        ]


def call_digest(call: JsonObject) -> str:
    """The canonical digest of a `tool_use` block: its tool and its arguments."""
    arguments = call.get("input")
    return digest({"tool": str(call["name"]), "arguments": arguments if isinstance(arguments, dict) else {}})


def from_tape(data: EventData) -> EventData:
    """An event's data as the tape tells it again."""
    return data if isinstance(data, RunStarted | RunCompleted | RunFailed) else replace(data, origin="tape")


def _as_taped(data: Told) -> Told:
    """The same as the tape tells it, though the parent itself may have had it from elsewhere."""
    return replace(data, origin="tape")


def _same_call(own: Sequence[TapedCall], index: int, call: JsonObject, *, edited: bool) -> TapedCall | None:
    """The turn's own call of this number; None where there is none, or where an edited reply makes another one."""
    same = own[index - 1] if index <= len(own) else None
    return None if same is not None and edited and same.call.digest != call_digest(call) else same


def _taped_reply(turn: TapedTurn) -> Reply:
    response = turn.reply
    if response is None:
        raise ValueError(f"the tape has no reply at step {turn.step}")
    return Reply(
        model=response.model,
        content=list(response.content or ()),
        stop_reason=response.stop_reason,
        usage=response.usage,
        duration=response.duration,
        time_to_first_token=response.time_to_first_token,
        thinking_duration=turn.thinking_duration,
        stop_details=response.stop_details,
        request_id=response.request_id,
        message_id=response.message_id,
        origin="tape",
    )


def _is_edited(played: PlayedTurn | None) -> bool:
    return played is not None and played.reply is not None and played.reply.origin == "edited"


def _input_differs(edits: Edits) -> bool:
    return edits.input is not None or 0 in edits.messages


def _by_digest(turns: Sequence[TapedTurn]) -> Mapping[str, list[TapedTurn]]:
    found: dict[str, list[TapedTurn]] = {}
    for turn in turns:
        if turn.request is not None and turn.reply is not None:
            found.setdefault(turn.request.digest, []).append(turn)
    return found


def _calls_from(tape: Tape, fork: ForkPoint) -> Iterator[TapedCall]:
    """The calls that the tape holds from the fork point on, in order."""
    for turn in tape.turns:
        for index, taped in enumerate(turn.calls, start=1):
            if not ForkPoint(turn.step, index) < fork:
                yield taped
