"""What an agent would cost a month, from what its runs have cost. Pure arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import median


@dataclass(frozen=True, slots=True)
class RunCost:
    """What one run cost in USD; `model` is None when its price is unknown."""

    model: Decimal | None
    runtime: Decimal


@dataclass(frozen=True, slots=True)
class Spread:
    """USD a month, if every run cost what the cheapest, the median, the average, or the dearest measured run cost.

    The average is what a bill over many runs tends to; the others say how far to trust it.
    """

    low: Decimal
    median: Decimal
    mean: Decimal
    high: Decimal


@dataclass(frozen=True, slots=True)
class Projection:
    """The cost of a month. `model` and `total` are None when the price of any measured run is unknown."""

    runs_per_month: int
    measured_runs: int
    model: Spread | None
    runtime: Spread
    total: Spread | None


def project(runs_per_month: int, measured: Sequence[RunCost]) -> Projection:
    """The cost of that many runs a month, from the runs that were measured.

    Each of the three spreads has its own cheapest and dearest run: the parts of `low` need not add up to its total.

    Raises:
        ValueError: no run was measured, or the number of runs is negative.
    """
    if not measured:
        raise ValueError("a projection needs at least one measured run")
    if runs_per_month < 0:
        raise ValueError("the number of runs a month cannot be negative")
    models = [run.model for run in measured if run.model is not None]
    priced = len(models) == len(measured)
    totals = [model + run.runtime for model, run in zip(models, measured, strict=True)] if priced else []
    return Projection(
        runs_per_month=runs_per_month,
        measured_runs=len(measured),
        model=_spread(runs_per_month, models) if priced else None,
        runtime=_spread(runs_per_month, [run.runtime for run in measured]),
        total=_spread(runs_per_month, totals) if priced else None,
    )


def _spread(runs_per_month: int, costs: Sequence[Decimal]) -> Spread:
    mean = sum(costs, Decimal(0)) / len(costs)
    low, middle, high = min(costs), median(costs), max(costs)
    return Spread(runs_per_month * low, runs_per_month * middle, runs_per_month * mean, runs_per_month * high)
