"""Requests that nobody writes by hand: running again after a save, and going on after a crash.

The rule of the hot re-run is written here too: after a save, what can the change affect?

| what changed | the model is asked | tools are called |
|---|---|---|
| nothing that a request or a tool can tell (name, triggers, limits, budget) | the tape answers | the tape answers |
| prompt, model, or its settings | live | tape, while the calls are unchanged |
| servers, container, network, source, storage | tape, while the request is unchanged | live |
| offline.yaml, or who answers as the model | live | tape, while the calls are unchanged |

"Unchanged" is judged by the canonical digest of the request, or of the tool and its arguments.
"""

from __future__ import annotations

from decimal import Decimal

from workbench.engine.fork import ReplayError
from workbench.engine.replay_request import ForkPoint, ReplayRequest, asked_for
from workbench.jsontypes import JsonObject
from workbench.trace.events import ModelRequest, RunCompleted, RunFailed, ToolCall
from workbench.trace.tape import Tape

_SEEN_BY_TOOLS = ("mcp_servers", "container", "network", "source", "storage")
_SEEN_BY_MODEL = ("model", "system_prompt", "mcp_servers")
_ENDED_BY_REPLY = frozenset({"refusal", "max_tokens", "context_window"})


def resume_request(tape: Tape) -> ReplayRequest:
    """The request that goes on from where a run was cut off: all that its tape has, and the rest live.

    A replay that was cut off while it still played its own tape is asked for again as it was: of the rest of that tape,
    and of what was edited there, nothing is in its own.

    Raises:
        ReplayError: the run has an answer, or its last reply ended it.
    """
    if isinstance(tape.end, RunCompleted):
        raise ReplayError(
            f"run {tape.run_id} has its answer; there is nothing to resume. `workbench replay` changes it."
        )
    if isinstance(tape.end, RunFailed) and tape.end.error in _ENDED_BY_REPLY:
        raise ReplayError(
            f"run {tape.run_id} was ended by the model's reply ({tape.end.error}): going on would end the same way. "
            f"`workbench replay {tape.run_id} --from {len(tape.turns)}` asks it again."
        )
    diverged = isinstance(tape.end, RunFailed) and tape.end.error == "divergence"
    if tape.started.replay is not None and not diverged and not _has_lived(tape):
        return asked_for(tape.started.replay)
    return ReplayRequest(tape.run_id, ForkPoint(len(tape.turns) + 1), model="live", tools="live")


def _has_lived(tape: Tape) -> bool:
    """Whether a model or a tool was asked, so that something may have been paid or changed."""
    asked = (data for turn in tape.turns for data in (turn.request, *turn.around_calls))
    return any(isinstance(data, ModelRequest | ToolCall) and data.origin == "live" for data in asked)


def hot_rerun(
    tape: Tape, document: JsonObject, *, source_changed: bool = False, answers_changed: bool = False
) -> ReplayRequest:
    """The request that runs an agent again after a save, with only that live which the change can affect.

    `document` is the agent as it is now, `source_changed` says that files under its `source` are others,
    `answers_changed` that another than the tape's would answer as the model, such as an edited offline script.
    """
    tools_differ = source_changed or tools_changed(tape, document)
    return ReplayRequest(
        tape.run_id,
        ForkPoint(1),
        model="live" if answers_changed else "tape_while_unchanged",
        tools="live" if tools_differ else "tape_while_unchanged",
    )


def tools_changed(tape: Tape, document: JsonObject) -> bool:
    """Whether an agent's tools are others than those of the tape, so that it must have its own from the start."""
    return any(document.get(key) != tape.started.definition.get(key) for key in _SEEN_BY_TOOLS)


def same_for_model(tape: Tape, document: JsonObject) -> bool:
    """Whether an agent asks the model the same as the tape's did, as long as it is told the same."""
    return all(document.get(key) == tape.started.definition.get(key) for key in (*_SEEN_BY_MODEL, *_SEEN_BY_TOOLS))


def spent_before(tape: Tape) -> Decimal:
    """What a run that is resumed has cost so far in USD, with what the runs cost that it resumed itself."""
    earlier = (tape.started.replay or {}).get("spent_before_usd")
    before = Decimal(earlier) if isinstance(earlier, str) else Decimal(0)
    if tape.end is not None:
        return before + (tape.end.costs.model or Decimal(0)) + tape.end.costs.runtime
    replies = [turn.reply for turn in tape.turns if turn.reply is not None and turn.reply.origin == "live"]
    return before + sum((reply.cost_usd or Decimal(0) for reply in replies), Decimal(0))


def worked_in_place(tape: Tape) -> bool:
    """Whether a run of an agent with a persistent workspace worked in it, and not in a copy as replays do."""
    return tape.started.parent_run_id is None or (tape.started.replay or {}).get("in_place") is True
