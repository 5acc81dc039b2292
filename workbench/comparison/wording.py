"""The figures of a report in words: one wording for every output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from workbench.comparison.contrast import Contrast, Measure
from workbench.comparison.report import Agreements, Report, VariantReport
from workbench.comparison.statistics import Rate, Spread
from workbench.cost.amounts import UNKNOWN, usd

NOTHING = "–"
"""Stands where there is no figure."""


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


def contrast(found: Contrast) -> str:
    """A difference as a sentence, with what it amounts to."""
    return f"{difference(found)}: {verdict(found)}"


def verdict(found: Contrast) -> str:
    """What the difference amounts to, with the sample that says so."""
    sample = _sample(found)
    if found.verdict == "cannot tell":
        return (
            f"cannot tell with {sample}: so few runs cannot show that any difference is more than chance; "
            f"at least {found.repeats_needed} repeats would be needed"
        )
    p = f"p = {_p(float(found.p))}"
    if found.difference.first == found.difference.second:
        return f"no difference with {sample}"
    if found.verdict == "may be chance":
        return f"may be chance ({p}, {sample})"
    return f"larger than chance ({p}, {sample})"


def difference(found: Contrast) -> str:
    """A difference as a sentence, without what it amounts to."""
    first, second = found.first.name, found.second.name
    one, other = found.difference.first, found.difference.second
    match found.measure:
        case Measure.COMPLETED:
            return f"{second} completes {other * 100:.0f} % of its runs, {first} {one * 100:.0f} %"
        case Measure.COST:
            return f"{second} costs {usd(other)} a run, {first} {usd(one)}{_times(one, other)}"
        case Measure.TIME:
            return f"{second} takes {seconds(other)} a run, {first} {seconds(one)}{_times(one, other)}"
        case Measure.STEPS:
            return f"{second} takes {other:,.1f} steps a run, {first} {one:,.1f}"


def _times(one: Decimal, other: Decimal) -> str:
    return f" ({other / one:.2f} times)" if one > 0 and other != one else ""


def _sample(found: Contrast) -> str:
    one, other = found.difference.runs
    runs = f"n = {one}" if one == other else f"n = {one} and {other}"
    inputs = found.difference.inputs
    return runs if inputs == 1 else f"{runs} over {inputs} inputs"


def _p(value: float) -> str:
    return f"{value:.3f}" if value >= 0.001 else "less than 0.001"


def notes(report: Report) -> Sequence[str]:
    """What a reader must know to take the figures for no more than they are."""
    said = []
    if report.plan.offline:
        said.append("OFFLINE SCRIPT: a script answered as the model. Costs are list prices of tokens that nobody bought.")
    missing = {row.variant.name: row.without_result for row in report.variants if row.without_result}
    said += [f"{name}: without a result are {counted(why)}" for name, why in missing.items()]
    if report.stopped:
        said.append(f"Not complete: {report.stopped}")
    said.append(
        "Figures are medians over the runs with a result, failed runs included; in brackets the lowest and the highest. "
        "Time is from the first request to the model to the end."
    )
    if len(report.variants) > 1:
        said.append(
            "Whether a difference is larger than chance: permutation test within each input, two-sided at 5 %, corrected "
            "by Holm for the number of pairs."
        )
    if report.plan.files is not None:
        said.append("Each run started from its own copy of the agent's kept workspace.")
    return said


def failures(row: VariantReport) -> str:
    """The failed runs of a variant by kind, nothing when there are none."""
    return counted(row.failures)
