"""What came of judging answers in pairs: who was preferred, and whether the order in which they came decided it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import combinations
from pathlib import Path
from typing import Literal

from workbench.comparison.agreement import normalised
from workbench.comparison.book import Book
from workbench.comparison.job import Job
from workbench.comparison.judging import Pair, Question, Verdict, judge_of, pairs_of, questions_of, verdict_of
from workbench.comparison.plan import Plan, Variant
from workbench.comparison.results import Result, measured
from workbench.comparison.standing import Standing, standing
from workbench.comparison.statistics import Rate, rate, sign_p
from workbench.trace.store import Store

Outcome = Literal["first", "second", "tie", "changed", "not told", "same"]
"""What a pair came to: a preference in both orders, a tie in both, one that changed with the order, none that could be
read, or answers that are the same and were not judged."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the judge said to one question, and what that cost in USD, None when it is unknown."""

    verdict: Verdict | None
    usd: Decimal | None


@dataclass(frozen=True, slots=True)
class JudgedPair:
    """Two variants: how often each answer was better, by outcome. `p` is that of a fair coin for the decided ones."""

    first: Variant
    second: Variant
    counts: Mapping[Outcome, int]
    p: Fraction


@dataclass(frozen=True, slots=True)
class Judging:
    """All that a judge said. `shown_first` is how often it preferred what it was shown first, among its preferences.

    `asked` judgements were made; `usd` is what their model cost, None when a price is unknown.
    """

    model: str
    asked: int
    pairs: Sequence[JudgedPair]
    shown_first: Rate | None
    usd: Decimal | None


def judge_jobs(plan: Plan, results: Sequence[Result], folder: Path) -> Sequence[Job]:
    """The judgements that the plan's judge is to make about these results."""
    if plan.judge is None:
        return ()
    judge = judge_of(folder, plan.judge)
    return [
        Job(question.key, f"judge · {_label(question.pair)} · {question.order}", question.text, judge)
        for pair in pairs_of(results)
        if not _is_same(pair)
        for question in questions_of(pair, judge)
    ]


def read_judging(plan: Plan, results: Sequence[Result], folder: Path, book: Book, store: Store) -> Judging | None:
    """What the plan's judge said so far; None when there is no judge.

    Raises:
        StoreError: a file of the agent's state cannot be read.
    """
    if plan.judge is None:
        return None
    judge = judge_of(folder, plan.judge)
    claims = book.claims(plan.name)
    said: dict[Question, Judgement] = {}
    outcomes: dict[tuple[Variant, Variant], list[Outcome]] = {pair: [] for pair in combinations(plan.variants, 2)}
    for pair in pairs_of(results):
        both = questions_of(pair, judge)
        for question in both:
            stands, summary = standing(claims.get(question.key), store)
            if stands is Standing.FINISHED and summary is not None:
                run = measured(summary, store)
                said[question] = Judgement(verdict_of(run.output or "", question.order), run.model_usd)
        outcomes[pair.first, pair.second].append(_outcome(pair, *(said.get(question) for question in both)))
    return Judging(
        model=plan.judge,
        asked=len(said),
        pairs=[_judged(first, second, found) for (first, second), found in outcomes.items()],
        shown_first=_shown_first(said),
        usd=_sum([judgement.usd for judgement in said.values()]),
    )


def _outcome(pair: Pair, one: Judgement | None, other: Judgement | None) -> Outcome:
    if _is_same(pair):
        return "same"
    verdicts = (one.verdict if one else None, other.verdict if other else None)
    if None in verdicts:
        return "not told"
    return verdicts[0] if verdicts[0] is not None and verdicts[0] == verdicts[1] else "changed"


def _judged(first: Variant, second: Variant, outcomes: Sequence[Outcome]) -> JudgedPair:
    counts: dict[Outcome, int] = dict.fromkeys(("first", "second", "tie", "changed", "not told", "same"), 0)
    for outcome in outcomes:
        counts[outcome] += 1
    return JudgedPair(first, second, counts, sign_p(counts["first"], counts["second"]))


def _shown_first(said: Mapping[Question, Judgement]) -> Rate | None:
    preferences = [
        judgement.verdict == question.order
        for question, judgement in said.items()
        if judgement.verdict in ("first", "second")
    ]
    return rate(sum(preferences), len(preferences))


def _sum(amounts: Sequence[Decimal | None]) -> Decimal | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal(0)) if len(known) == len(amounts) else None


def _is_same(pair: Pair) -> bool:
    return normalised(pair.answers[0]) == normalised(pair.answers[1])


def _label(pair: Pair) -> str:
    return f"{pair.first.name} or {pair.second.name} · {pair.input.name} · {pair.repeat}"
