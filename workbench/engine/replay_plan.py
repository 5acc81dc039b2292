"""What a replay will do, told before it does it: where it leaves the tape, what runs live, and what that may cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from workbench.cost.usage import Usage
from workbench.engine.edited import calls_in
from workbench.engine.fork import earliest_fork, resolve_fork
from workbench.engine.replay_request import ForkPoint, ReplayRequest
from workbench.jsontypes import JsonObject
from workbench.trace.events import RunCompleted
from workbench.trace.tape import Tape, TapedTurn


@dataclass(frozen=True, slots=True)
class ReplayPlan:
    """What a replay will take from the tape and what it will do live.

    `steps` are those of the parent, `taped_steps` those whose reply is certainly the tape's, `taped_calls` the tool
    calls whose results certainly are. `estimate_usd` is what the parent's further replies would cost at the replay's
    model, the same tokens assumed, and at least what its last one would; None when its price is unknown, 0 when nothing
    is asked live. `saved_usd` is what the taped replies would cost. `from_tape_maybe`: more may come from the tape,
    while nothing differs. `live_tools`: tools may be called, be it only because a live model may ask for them.
    `ends_after` is the step whose reply certainly ends the replay, None where that is not known.
    """

    fork: ForkPoint
    steps: int
    taped_steps: int
    calls: int
    taped_calls: int
    estimate_usd: Decimal | None
    saved_usd: Decimal | None
    live_model: bool
    live_tools: bool
    from_tape_maybe: bool
    not_captured: Sequence[str] = ()
    ends_after: int | None = None

    def __str__(self) -> str:
        """The plan in one line, such as `3 of 7 steps from tape, est. $0.0041`."""
        said = f"{self.taped_steps} of {self.steps} steps from tape"
        if self.from_tape_maybe:
            said += ", more while unchanged"
        if not self.live_model:
            return f"{said}, costs nothing"
        return f"{said}, est. " + ("unknown cost" if self.estimate_usd is None else f"${self.estimate_usd:.4f}")


Pricing = Callable[[Usage], Decimal | None]
"""The cost of a reply with this usage at the model that the replay asks."""


def plan_replay(tape: Tape, request: ReplayRequest, pricing: Pricing, *, changed: bool = False) -> ReplayPlan:
    """The plan of a replay; `changed` says that the agent is another one than the parent's.

    Raises:
        ReplayError: see `resolve_fork`.
    """
    fork = resolve_fork(tape, request)
    taped = [turn for turn in tape.turns if ForkPoint(turn.step) < fork and turn.reply is not None]
    later = [turn for turn in tape.turns if ForkPoint(turn.step) >= fork and turn.reply is not None]
    answered = _answered_at(tape, request, fork)
    if answered is not None:
        taped, later = [turn for turn in taped if turn.step <= answered], []
    calls = [ForkPoint(turn.step, index) for turn in tape.turns for index in range(1, len(turn.calls) + 1)]
    untouched = not changed and earliest_fork(tape, request.edits) > ForkPoint(len(tape.turns))
    if request.model == "tape" or (request.model == "tape_while_unchanged" and untouched):
        taped, later = [*taped, *later], []
    unfinished = fork.step > len(tape.turns) and not isinstance(tape.end, RunCompleted)
    goes_on = answered is None and (bool(later) or unfinished or fork.call > 0 or bool(request.edits.messages))
    live_model = request.model != "tape" and goes_on
    forced = [call for call in calls if call < fork and (answered is None or call.step <= answered)]
    taped_calls = len(calls) if request.tools == "tape" else len(forced)
    return ReplayPlan(
        fork=fork,
        steps=len(tape.turns),
        taped_steps=len(taped),
        calls=len(calls),
        taped_calls=taped_calls,
        estimate_usd=_estimated(later or taped[-1:], pricing) if live_model else Decimal(0),
        saved_usd=_priced([turn.reply.usage for turn in taped if turn.reply is not None], pricing),
        live_model=live_model,
        live_tools=request.tools != "tape" and answered is None and (goes_on or len(forced) < len(calls)),
        from_tape_maybe="tape_while_unchanged" in (request.model, request.tools) and bool(later),
        not_captured=not_captured(tape),
        ends_after=answered,
    )


def _answered_at(tape: Tape, request: ReplayRequest, fork: ForkPoint) -> int | None:
    """The first step before the fork point whose reply calls no tool, with nothing said after it: it is the answer."""
    said = {**tape.said, **request.edits.messages}
    for turn in tape.turns:
        if turn.reply is None or not ForkPoint(turn.step) < fork:
            return None
        edited = request.edits.replies.get(turn.step)
        paused = edited is None and turn.reply.stop_reason == "pause_turn"
        calls = calls_in(turn.reply.content or () if edited is None else edited)
        if not calls and not paused and not said.get(turn.step, "").strip():
            return turn.step
    return None


def not_captured(tape: Tape) -> Sequence[str]:
    """What the tape cannot answer for, in a person's words."""
    captured = tape.started.captured
    said = ["the clock and whatever tools reached outside the sandbox are as they are when the replay runs"]
    if not captured.tool_calls:
        said.append("what tools were asked and gave (observability.capture_tool_calls: false)")
    if not captured.reasoning and any(_thought(turn) for turn in tape.turns):
        said.append("the model's thinking (observability.capture_reasoning: false): it is left out of what is sent")
    return said


def _thought(turn: TapedTurn) -> bool:
    content: Sequence[JsonObject] = (turn.reply.content or ()) if turn.reply is not None else ()
    return any(block.get("type") in ("thinking", "redacted_thinking") for block in content)


def _estimated(turns: Sequence[TapedTurn], pricing: Pricing) -> Decimal | None:
    """The cost of asking for these replies again: the prompt cache is cold at first, then it serves as it did."""
    usages = [turn.reply.usage for turn in turns if turn.reply is not None]
    if usages:
        first = usages[0]
        written = first.cache_write_5m_tokens + first.cache_read_tokens
        usages[0] = replace(first, cache_read_tokens=0, cache_write_5m_tokens=written)
    return _priced(usages, pricing)


def _priced(usages: Sequence[Usage], pricing: Pricing) -> Decimal | None:
    costs = [pricing(usage) for usage in usages]
    known = [cost for cost in costs if cost is not None]
    return sum(known, Decimal(0)) if len(known) == len(costs) else None
