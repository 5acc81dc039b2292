"""The report of a comparison: everything that any output of it says, as plain data, computed once.

The terminal's table, Markdown, CSV, JSON, the HTML page and the screen are written from this and compute nothing, so
that their figures are the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from workbench.comparison.agreement import Agreement, agreement
from workbench.comparison.contrast import Contrast, contrasts
from workbench.comparison.judgements import Judging
from workbench.comparison.plan import Plan, Variant
from workbench.comparison.results import Measured, Result
from workbench.comparison.statistics import Rate, Spread, rate, spread
from workbench.comparison.timelines import AlignedTimelines
from workbench.cost.projection import Projection, RunCost, project
from workbench.cost.selfhost import SelfHosted, SelfHostRates, self_hosted

DEFAULT_RUNS_PER_MONTH = 1_000


@dataclass(frozen=True, slots=True)
class Agreements:
    """How much the repeats of a variant agree, over all inputs with at least two answers.

    `same` of `answers` are the most frequent answer to their input, `similarity` is the average over the inputs.
    """

    inputs: int
    answers: int
    same: int
    similarity: float


@dataclass(frozen=True, slots=True)
class VariantReport:
    """What came of one variant. Spreads are over its runs with a result, failed ones included, None of none.

    `planned` runs were to be made, `measured` have a result. `checks` is how many checks of the agent's cases they
    passed, None where no case has such an input. `failures` counts failed runs by kind, `without_result`
    the cells that say nothing, by why. Costs are USD a run, None as well where a price is unknown; `sum_usd` adds up
    those of all runs with a result.
    """

    variant: Variant
    planned: int
    measured: int
    completed: Rate | None
    checks: Rate | None
    failures: Mapping[str, int]
    without_result: Mapping[str, int]
    steps: Spread | None
    tool_calls: Spread | None
    input_tokens: Spread | None
    output_tokens: Spread | None
    model_usd: Spread | None
    runtime_usd: Spread | None
    total_usd: Spread | None
    seconds: Spread | None
    sum_usd: Decimal | None
    agreement: Agreements | None
    projection: Projection | None
    self_hosted: SelfHosted | None


@dataclass(frozen=True, slots=True)
class Report:
    """A comparison and what came of it.

    `rates` are those of machines of one's own, None when they are not asked for. `stopped` tells why it is not
    complete, if a run ended it. `cases_readable` is whether the checks of the agent's cases could be made.
    """

    plan: Plan
    variants: Sequence[VariantReport]
    contrasts: Sequence[Contrast]
    results: Sequence[Result]
    runs_per_month: int
    rates: SelfHostRates | None
    stopped: str | None = None
    timelines: Sequence[AlignedTimelines] = ()
    judging: Judging | None = None
    cases_readable: bool = True

    @property
    def complete(self) -> bool:
        """Whether every cell has a result."""
        return all(result.measured is not None for result in self.results)


def make_report(
    plan: Plan,
    results: Sequence[Result],
    *,
    runs_per_month: int = DEFAULT_RUNS_PER_MONTH,
    rates: SelfHostRates | None = None,
    stopped: str | None = None,
    timelines: Sequence[AlignedTimelines] = (),
    judging: Judging | None = None,
    cases_readable: bool = True,
) -> Report:
    """The report of these results, which are those of all cells of the plan."""
    by_variant = {variant: [r for r in results if r.cell.variant == variant] for variant in plan.variants}
    measured = {
        variant: [(r.cell.input.name, r.measured) for r in found if r.measured is not None]
        for variant, found in by_variant.items()
    }
    return Report(
        plan=plan,
        variants=[_variant(variant, found, runs_per_month, rates) for variant, found in by_variant.items()],
        contrasts=contrasts(measured),
        results=results,
        runs_per_month=runs_per_month,
        rates=rates,
        stopped=stopped,
        timelines=timelines,
        judging=judging,
        cases_readable=cases_readable,
    )


def _variant(
    variant: Variant, results: Sequence[Result], runs_per_month: int, rates: SelfHostRates | None
) -> VariantReport:
    measured = [result.measured for result in results if result.measured is not None]
    return VariantReport(
        variant=variant,
        planned=len(results),
        measured=len(measured),
        completed=rate(sum(run.completed for run in measured), len(measured)),
        checks=_checks(measured),
        failures=_counted(run.error for run in measured if run.error is not None),
        without_result=_counted(result.error or "" for result in results if result.measured is None),
        steps=spread([Decimal(run.steps) for run in measured]),
        tool_calls=spread([Decimal(run.tool_calls) for run in measured]),
        input_tokens=spread([Decimal(run.input_tokens) for run in measured]),
        output_tokens=spread([Decimal(run.output_tokens) for run in measured]),
        model_usd=_priced([run.model_usd for run in measured]),
        runtime_usd=spread([run.runtime_usd for run in measured]),
        total_usd=_priced([run.total_usd for run in measured]),
        seconds=spread([run.seconds for run in measured]),
        sum_usd=_sum([run.total_usd for run in measured]),
        agreement=_agreements(results),
        projection=_projection(measured, runs_per_month),
        self_hosted=_self_hosted(measured, runs_per_month, rates),
    )


def _checks(measured: Sequence[Measured]) -> Rate | None:
    checked = [run.checked for run in measured if run.checked is not None]
    return rate(sum(each.passed for each in checked), sum(each.of for each in checked))


def _counted(names: Iterable[str]) -> Mapping[str, int]:
    return dict(Counter(names).most_common())


def _priced(amounts: Sequence[Decimal | None]) -> Spread | None:
    known = [amount for amount in amounts if amount is not None]
    return spread(known) if len(known) == len(amounts) else None


def _sum(amounts: Sequence[Decimal | None]) -> Decimal | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal(0)) if len(known) == len(amounts) else None


def _projection(measured: Sequence[Measured], runs_per_month: int) -> Projection | None:
    if not measured:
        return None
    return project(runs_per_month, [RunCost(run.model_usd, run.runtime_usd) for run in measured])


def _self_hosted(measured: Sequence[Measured], runs_per_month: int, rates: SelfHostRates | None) -> SelfHosted | None:
    """The month on machines of one's own, if every run took as long as these did on average."""
    if not measured or rates is None:
        return None
    seconds = sum((run.runtime_seconds for run in measured), Decimal(0)) / len(measured)
    hosted = sum((run.runtime_usd for run in measured), Decimal(0)) / len(measured)
    return self_hosted(rates, runs_per_month, seconds, hosted)


def _agreements(results: Sequence[Result]) -> Agreements | None:
    outputs: dict[str, list[str]] = {}
    for result in results:
        if result.measured is not None and result.measured.output is not None:
            outputs.setdefault(result.cell.input.name, []).append(result.measured.output)
    found: list[Agreement] = [each for texts in outputs.values() if (each := agreement(texts)) is not None]
    if not found:
        return None
    return Agreements(
        inputs=len(found),
        answers=sum(each.answers for each in found),
        same=sum(each.largest for each in found),
        similarity=sum(each.similarity for each in found) / len(found),
    )
