"""Where a replay leaves its tape: the fork point of a request, checked against what the tape holds."""

from __future__ import annotations

from workbench.definition.settings import LIMITS, canonical_settings
from workbench.engine.edited import calls_in, fault_of_reply
from workbench.engine.playback import call_digest
from workbench.engine.replay_request import Edits, ForkPoint, ReplayRequest
from workbench.trace.tape import Tape, TapedTurn


class ReplayError(ValueError):
    """The replay that is asked for cannot be. `str` tells a person why, and what can be."""


def resolve_fork(tape: Tape, request: ReplayRequest) -> ForkPoint:
    """The fork point of a request, checked: the one that it names, or the earliest that its edits can affect.

    Raises:
        ReplayError: a step or call that the tape does not have, or an edit that would never be used.
    """
    _check_edits(tape, request.edits)
    earliest = earliest_fork(tape, request.edits)
    fork = request.fork or earliest
    last = ForkPoint(len(tape.turns) + 1)
    if fork.step < 1 or fork.call < 0 or fork > last:
        raise ReplayError(f"the run has {len(tape.turns)} steps: fork at 1 to {last.step}, not at {fork.step}")
    calls = call_count(tape, request.edits, fork.step)
    if fork.call > calls:
        raise ReplayError(f"step {fork.step} made {calls} tool calls; there is no call {fork.call} to fork at")
    _check_use(tape, request, fork)
    return fork


def call_count(tape: Tape, edits: Edits, step: int) -> int:
    """How many tool calls the reply of a step makes, edited or as it was."""
    edited = edits.replies.get(step)
    if edited is not None:
        return len(calls_in(edited))
    turn = tape.turn(step)
    return len(turn.calls) if turn is not None else 0


def earliest_fork(tape: Tape, edits: Edits) -> ForkPoint:
    """The earliest point that the edits can affect; behind the last step where there is none."""
    points = [ForkPoint(len(tape.turns) + 1)]
    if edits.system_prompt is not None or edits.input is not None or 0 in edits.messages:
        points.append(ForkPoint(1))
    if any(key not in LIMITS for key in canonical_settings(edits.settings)):
        points.append(ForkPoint(1))
    points += [_behind_reply(tape, edits, step) for step in edits.replies]
    points += [ForkPoint(step + 1) for step, _ in edits.results]
    points += [ForkPoint(step + 1) for step in edits.messages if step > 0]
    return min(points)


def _behind_reply(tape: Tape, edits: Edits, step: int) -> ForkPoint:
    """The first thing behind an edited reply that neither the tape nor another edit answers for."""
    turn = tape.turn(step)
    own = turn.calls if turn is not None else ()
    for index, call in enumerate(calls_in(edits.replies[step]), start=1):
        if (step, index) in edits.results:
            continue
        if index > len(own) or own[index - 1].call.digest != call_digest(call):
            return ForkPoint(step, index)
    return ForkPoint(step + 1)


def _check_edits(tape: Tape, edits: Edits) -> None:
    canonical_settings(edits.settings)
    if edits.input is not None and not edits.input.strip():
        raise ReplayError("the edited input is empty: a run answers something")
    for step, blocks in edits.replies.items():
        _turn(tape, step, "reply")
        fault = fault_of_reply(blocks)
        if fault is not None:
            raise ReplayError(f"the edited reply of step {step} {fault}")
    for step, call in edits.results:
        _turn(tape, step, "tool result")
        count = call_count(tape, edits, step)
        if not 1 <= call <= count:
            raise ReplayError(f"step {step} has {count} tool calls; there is no result {step}.{call} to edit")
    for step in edits.messages:
        if not 0 <= step <= len(tape.turns):
            raise ReplayError(f"the run has {len(tape.turns)} steps; nothing can be said after step {step}")


def _turn(tape: Tape, step: int, what: str) -> TapedTurn:
    turn = tape.turn(step)
    if turn is None or turn.reply is None:
        raise ReplayError(f"the run has {tape.replies} replies; there is no {what} at step {step} to edit")
    return turn


def _check_use(tape: Tape, request: ReplayRequest, fork: ForkPoint) -> None:
    """Refuse edits of what will not come from the tape."""
    if request.model == "live":
        for step in request.edits.replies:
            if ForkPoint(step) >= fork:
                raise ReplayError(
                    f"the edited reply of step {step} would not be used: the model is asked live from {_said(fork)}"
                )
    if request.tools == "live":
        for step, call in request.edits.results:
            if ForkPoint(step, call) >= fork:
                raise ReplayError(
                    f"the edited result {step}.{call} would not be used: tools run live from {_said(fork)}"
                )
    needed = [_behind_reply(tape, request.edits, step) for step in request.edits.replies]
    late = next((point for point in needed if point.call > 0 and point < fork), None)
    if late is not None:
        raise ReplayError(
            f"the edited reply of step {late.step} makes a call that the tape does not hold: fork at {_said(late)} "
            "or earlier"
        )


def _said(fork: ForkPoint) -> str:
    return f"step {fork.step}" if fork.call == 0 else f"call {fork.step}.{fork.call}"
