"""Where a replay and its tape part and only the tape may answer: the failure that tells a person what differs."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.engine.stops import RunStoppedError
from workbench.jsontypes import JsonObject
from workbench.trace.events import RunFailed
from workbench.trace.gist import call_text
from workbench.trace.tape import Tape, TapedCall

_SHOWN = 200


class TapeEndedError(RunStoppedError):
    """The tape ends here with a failure, which is then the replay's too."""

    def __init__(self, failed: RunFailed) -> None:
        super().__init__(failed.error, failed.message, failed.details)
        self.stack_trace = failed.stack_trace


def cut_off(tape: Tape, step: int) -> RunStoppedError:
    """The parent has no end: it was cut off, or still runs."""
    return RunStoppedError(
        "divergence",
        f"The tape of {tape.run_id} ends before step {step} is over, because that run was cut off. "
        "`workbench resume` goes on from there.",
        {"step": step},
    )


def unknown_request(tape: Tape, step: int, request_digest: str) -> RunStoppedError:
    """The model is asked something that the tape does not hold."""
    turn = tape.turn(step)
    recorded = turn.request.digest if turn is not None and turn.request is not None else None
    holds = f"holds {recorded[:12]} there" if recorded else f"has {len(tape.turns)} steps"
    return RunStoppedError(
        "divergence",
        f"Step {step} asks the model what the tape of {tape.run_id} does not hold: the request's digest is "
        f"{request_digest[:12]}, and the tape {holds}. `workbench diff` shows what differs. Let the model answer live "
        "(--model-from live), or fork at a later step.",
        {"step": step, "request": request_digest, "recorded": recorded},
    )


def unknown_call(tape: Tape, step: int, index: int, call: JsonObject, left: Sequence[TapedCall]) -> RunStoppedError:
    """A tool is called in a way that the tape does not hold. `left` are the calls that nobody took yet."""
    arguments = call.get("input")
    asked = call_text(str(call.get("name")), arguments if isinstance(arguments, dict) else {})
    near = next((one.call for one in left if one.call.tool == call.get("name")), None)
    nearest = (
        f"The nearest that it still holds is {call_text(near.tool, near.arguments or {})[:_SHOWN]!r}."
        if near is not None
        else "It holds no further call of this tool."
    )
    return RunStoppedError(
        "divergence",
        f"Call {step}.{index} is one that the tape of {tape.run_id} does not hold: {asked[:_SHOWN]!r}. {nearest} "
        "Let the tools run live (--tools live).",
        {"step": step, "call": index},
    )
