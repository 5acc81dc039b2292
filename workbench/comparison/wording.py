"""The figures of a report in words: one wording for every output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from workbench.comparison.contrast import Contrast, Measure
from workbench.comparison.judgements import Judging
from workbench.comparison.plan import Plan
from workbench.comparison.report import Agreements, Report, VariantReport
from workbench.comparison.statistics import Rate, Spread
from workbench.cost.amounts import UNKNOWN, usd, usd_and_cents
from workbench.cost.selfhost import SelfHostRates

NOTHING = "–"
"""Stands where there is no figure."""


def size(plan: Plan) -> str:
    """`3 variants × 1 input × 3 repeats`."""
    parts = ((len(plan.variants), "variant"), (len(plan.inputs), "input"), (plan.repeats, "repeat"))
    return " × ".join(f"{number} {noun}" if number == 1 else f"{number} {noun}s" for number, noun in parts)


def completed(found: Rate | None) -> str:
    """`3 of 3 (44–100 %)`: how many runs ended with an answer, and the 95 % interval of their share."""
    if found is None:
        return NOTHING
    return f"{found.hits} of {found.of} ({found.low * 100:.0f}–{found.high * 100:.0f} %)"


def usd_spread(found: Spread | None, measured: int) -> str:
    """The median, and the smallest and largest where they differ from it."""
    if found is None:
        return UNKNOWN if measured else NOTHING
    if found.low == found.high:
        return usd(found.median)
    return f"{usd(found.median)} ({usd(found.low)}–{usd(found.high)})"


def seconds(amount: Decimal) -> str:
    """A duration in seconds, to the hundredth."""
    return f"{amount:,.2f} s"


def seconds_spread(found: Spread | None) -> str:
    """The median, and the smallest and largest where they differ from it."""
    if found is None:
        return NOTHING
    if found.low == found.high:
        return seconds(found.median)
    return f"{seconds(found.median)} ({found.low:,.2f}–{found.high:,.2f})"


def count_spread(found: Spread | None) -> str:
    """A median of counts, and the smallest and largest where they differ from it."""
    if found is None:
        return NOTHING
    text = count(found.median)
    return text if found.low == found.high else f"{text} ({count(found.low)}–{count(found.high)})"


def count(amount: Decimal) -> str:
    """A count; a half remains where the median lies between two."""
    return f"{amount:,.0f}" if amount == amount.to_integral_value() else f"{amount:,.1f}"


def agreements(found: Agreements | None) -> str:
    """`2 of 3 the same, 91 % alike`."""
    if found is None:
        return NOTHING
    return f"{found.same} of {found.answers} the same, {found.similarity * 100:.0f} % alike"


def counted(found: Mapping[str, int]) -> str:
    """`2 timeout, 1 refusal`."""
    return ", ".join(f"{number} {name}" for name, number in found.items())


def difference(found: Contrast) -> str:
    """How much more the second variant has than the first: `+$0.071245 a run (4.99 times)`."""
    one, other, more = found.difference.first, found.difference.second, found.difference.difference
    sign = "+" if more > 0 else "-" if more < 0 else "±"
    match found.measure:
        case Measure.COMPLETED | Measure.CHECKS:
            return f"{sign}{abs(more) * 100:.0f} percentage points ({one * 100:.0f} % → {other * 100:.0f} %)"
        case Measure.COST:
            return f"{sign}{usd(abs(more))} a run{_times(one, other)}"
        case Measure.TIME:
            return f"{sign}{seconds(abs(more))} a run{_times(one, other)}"
        case Measure.STEPS:
            return f"{sign}{abs(more):,.1f} a run{_times(one, other)}"


def verdict(found: Contrast) -> str:
    """What the difference amounts to, in a few words."""
    sample = _sample(found)
    if found.verdict == "cannot tell":
        return f"cannot tell with {sample}"
    if found.difference.difference == 0:
        return f"no difference, {sample}"
    yes = "larger than chance" if found.verdict == "larger than chance" else "may be chance"
    return f"{yes} (p = {_p(float(found.p))}, {sample})"


def _times(one: Decimal, other: Decimal) -> str:
    return f" ({other / one:.2f} times)" if one > 0 and other != one else ""


def _sample(found: Contrast) -> str:
    one, other = found.difference.runs
    runs = f"n = {one}" if one == other else f"n = {one} and {other}"
    inputs = found.difference.inputs
    return runs if inputs == 1 else f"{runs} over {inputs} inputs"


def _p(value: float) -> str:
    return f"{value:.3f}" if value >= 0.001 else "less than 0.001"


def judging(found: Judging) -> str:
    """Who judged, how, at what cost, and whether what was shown first was preferred."""
    text = (
        f"judged in pairs by {found.model}, which did not know whose the answers were and was asked twice, in both "
        f"orders: {found.asked:,} judgements, {usd(found.usd)} for the model"
    )
    if found.shown_first is None:
        return text
    share = found.shown_first
    return f"{text}; it preferred what it was shown first {completed(share)} times"


def notes(report: Report) -> Sequence[str]:
    """What a reader must know to take the figures for no more than they are."""
    said = []
    if report.plan.offline:
        said.append(
            "OFFLINE SCRIPT: a script answered as the model. Costs are list prices of tokens that nobody bought."
        )
    missing = {row.variant.name: row.without_result for row in report.variants if row.without_result}
    said += [f"{name}: without a result are {counted(why)}" for name, why in missing.items()]
    said += [
        f"{variant.name} runs without {', '.join(variant.left_out)}, which its model does not accept."
        for variant in report.plan.variants
        if variant.left_out
    ]
    if not report.cases_readable:
        said.append("The agent's cases cannot be read, so none of their checks was made: workbench test says why.")
    if report.stopped:
        said.append(f"Not complete: {report.stopped}")
    said.append(
        "Figures are medians over the runs with a result, failed runs included; in brackets the lowest and the "
        "highest. Time is from the first request to the model to the end."
    )
    if len(report.variants) > 1:
        said.append(
            "Whether a difference is larger than chance: permutation test within each input, two-sided at 5 %, "
            "corrected by Holm for the number of pairs."
        )
        said += _what_cannot_be_told(report)
    if any(row.model_usd is not None and row.model_usd.low != row.model_usd.high for row in report.variants):
        said.append(
            "The runs share the vendor's prompt cache, as in production: the first of a variant may pay to fill it."
        )
    if report.rates is not None and any(row.self_hosted for row in report.variants):
        said.append(_rates(report.rates))
    if report.plan.files is not None:
        said.append("Each run started from its own copy of the agent's kept workspace.")
    return said


def _rates(rates: SelfHostRates) -> str:
    whose = (
        "the example's, not yours: `workbench prices` says where to put your own" if rates.is_example else "your own"
    )
    busy = f"{(rates.busy_share * 100).normalize():f}"
    return (
        f"A machine of your own: {usd_and_cents(rates.machine_usd)} a month, {rates.runs_at_once} runs at once, busy "
        f"{busy} % of the time, {usd_and_cents(rates.fixed_usd)} a month besides. These rates are {whose}."
    )


def _what_cannot_be_told(report: Report) -> Sequence[str]:
    needed = {(_sample(found), found.repeats_needed) for found in report.contrasts if found.verdict == "cannot tell"}
    return [
        f"With {sample}, no difference, however large, can be shown to be more than chance: that takes at least "
        f"{repeats} repeats."
        for sample, repeats in sorted(needed)
    ]


def failures(row: VariantReport) -> str:
    """The failed runs of a variant by kind, nothing when there are none."""
    return counted(row.failures)
