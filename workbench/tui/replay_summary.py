"""What a replay will do, in the few lines below its script: from the tape, live, the cost, the switches, the keys."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from workbench.engine.replay_plan import ReplayPlan
from workbench.tui.amounts import short_money
from workbench.tui.replay_draft import ReplayDraft
from workbench.tui.replay_lines import SOURCE_WORDS
from workbench.tui.wrapping import clean

Plan = ReplayPlan | str | None
"""The plan, why there is none, or None while it is being made."""

_WIDE, _VERY_WIDE = 64, 100

_FAINT = "$foreground 60%"

Piece = tuple[str, str]


def summary(draft: ReplayDraft, plan: Plan, width: int, *, confirming: bool = False) -> Content:
    """The lines for a pane of this width."""
    lines = [*_plan(draft, plan, width), _switches(draft, width), _state(draft, plan, confirming)]
    parts: list[Piece] = []
    for number, line in enumerate(lines):
        parts += [("\n", "")] if number else []
        parts += line
    return Content.assemble(*parts)


def live_words(plan: ReplayPlan) -> str:
    """What runs live, in a person's words."""
    parts = [part for part, live in (("model", plan.live_model), ("tools", plan.live_tools and _tools(plan))) if live]
    return " and ".join(parts) if parts else "nothing"


def _tools(plan: ReplayPlan) -> bool:
    """Whether tools can be called at all: with the whole run on the tape, they are not."""
    return plan.live_model or plan.taped_calls < plan.calls


def _plan(draft: ReplayDraft, plan: Plan, width: int) -> Sequence[Sequence[Piece]]:
    if plan is None:
        return [[("… working out what it costs", _FAINT)]]
    if isinstance(plan, str):
        return [[(f"✗ {clean(plan)}", "$text-error")]]
    more = _more(draft, plan)
    results = f", {plan.taped_calls}{more[1]} of {plan.calls} results" if width >= _VERY_WIDE else ""
    ends = f", ends after step {plan.ends_after}" if plan.ends_after not in (None, plan.steps) else ""
    tape: Piece = (f"▣ {plan.taped_steps}{more[0]} of {plan.steps} steps{results} from tape{ends}", "$text-success")
    live: Piece = (f"● live: {live_words(plan)}", "")
    cost: Piece = (cost_words(plan), "bold")
    gap: Piece = ("  ", "")
    if width >= _WIDE:
        return [[tape, gap, live, gap, cost]]
    fits = len(live[0] + gap[0] + cost[0]) <= width
    return [[tape], [live, gap, cost]] if fits else [[tape], [live], [cost]]


def _more(draft: ReplayDraft, plan: ReplayPlan) -> tuple[str, str]:
    """The mark behind a number of steps, and of results, of which more may come from the tape while unchanged."""
    asked = draft.asked
    steps = plan.live_model and asked.model == "tape_while_unchanged" and plan.taped_steps < plan.steps
    results = plan.live_tools and asked.tools == "tape_while_unchanged" and plan.taped_calls < plan.calls
    return "+" if steps else "", "+" if results else ""


def cost_words(plan: ReplayPlan) -> str:
    """What the replay will cost, as far as that can be known before."""
    return f"est. {short_money(plan.estimate_usd)}" if plan.live_model else "costs nothing"


def _switches(draft: ReplayDraft, width: int) -> Sequence[Piece]:
    model, tools = SOURCE_WORDS[draft.asked.model], SOURCE_WORDS[draft.asked.tools]
    if width < _WIDE:
        model, tools = _short(model), _short(tools)
    key, said = "bold $text-accent", ""
    where = "auto" if draft.asked.fork is None else "chosen"
    return [("m", key), (f" model {model}  ", said), ("t", key), (f" tools {tools}  ", said)] + (
        [("f", key), (f" fork {where}", said)] if width >= _WIDE else []
    )


def _short(words: str) -> str:
    return words.replace("tape while unchanged", "tape/live").replace(" only", "")


def _state(draft: ReplayDraft, plan: Plan, confirming: bool) -> Sequence[Piece]:
    count = draft.edit_count
    edits = f"✎ {count} edit{'' if count == 1 else 's'}" if count else "nothing edited"
    key = "bold $text-accent"
    if confirming and isinstance(plan, ReplayPlan):
        return [("^r", key), (f" again sends it ({cost_words(plan)}); any other key does not", "bold $text-warning")]
    send = _FAINT if isinstance(plan, str) else "bold"
    return [(edits, _FAINT), ("  ", ""), ("^r", key), (" replay", send)]
