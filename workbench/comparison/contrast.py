"""Each variant against each other, measure by measure: how large the difference is, and whether chance explains it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from itertools import combinations
from typing import Literal

from workbench.comparison.plan import Variant
from workbench.comparison.results import Measured
from workbench.comparison.statistics import LEVEL, Difference, Values, compare, holm

Verdict = Literal["larger than chance", "may be chance", "cannot tell"]
"""What a difference amounts to. `cannot tell`: so few runs could not show any difference, however large."""

_MOST_REPEATS = 1_000


class Measure(Enum):
    """What variants are compared by."""

    COMPLETED = "completed"
    CHECKS = "checks passed"
    COST = "cost"
    TIME = "time"
    STEPS = "steps"


@dataclass(frozen=True, slots=True)
class Contrast:
    """Two variants compared by one measure: costs in USD a run, time in seconds, completed as a share of the runs,
    checks passed as a share of a run's checks.

    `p` is corrected by Holm for the number of `pairs` that are compared by this measure. `repeats_needed` is how many
    repeats it would take for a difference to be told from chance at all.
    """

    measure: Measure
    first: Variant
    second: Variant
    difference: Difference
    p: Fraction
    pairs: int
    repeats_needed: int

    @property
    def verdict(self) -> Verdict:
        """What the difference amounts to."""
        if self.difference.least_p * self.pairs > LEVEL:
            return "cannot tell"
        return "larger than chance" if self.p <= LEVEL else "may be chance"


Runs = Sequence[tuple[str, Measured]]
"""The runs of a variant that have a result, each with its input's name."""


def contrasts(measured: Mapping[Variant, Runs]) -> Sequence[Contrast]:
    """All pairs of variants, in order, by each measure. Pairs without a common input or a price are left out."""
    return [contrast for measure in Measure for contrast in _by(measure, measured)]


def repeats_needed(inputs: int, pairs: int) -> int:
    """The least number of repeats with which a difference could be told from chance."""
    for repeats in range(1, _MOST_REPEATS):
        if Fraction(2 * pairs, math.comb(2 * repeats, repeats) ** inputs) <= LEVEL:
            return repeats
    return _MOST_REPEATS


def _by(measure: Measure, measured: Mapping[Variant, Runs]) -> Sequence[Contrast]:
    values = {variant: _values(measure, runs) for variant, runs in measured.items()}
    found: list[tuple[Variant, Variant, Difference]] = []
    for first, second in combinations(measured, 2):
        one, other = values[first], values[second]
        difference = compare(one, other) if one is not None and other is not None else None
        if difference is not None:
            found.append((first, second, difference))
    corrected = holm([difference.p for _, _, difference in found])
    return [
        Contrast(measure, first, second, difference, p, len(found), repeats_needed(difference.inputs, len(found)))
        for (first, second, difference), p in zip(found, corrected, strict=True)
    ]


def _values(measure: Measure, runs: Runs) -> Values | None:
    """The values by input, of runs with checks where these are compared; None when one is unknown."""
    found: dict[str, list[Decimal]] = {}
    for name, run in runs:
        if measure is Measure.CHECKS and run.checked is None:
            continue
        value = _value(measure, run)
        if value is None:
            return None
        found.setdefault(name, []).append(value)
    return found


def _value(measure: Measure, run: Measured) -> Decimal | None:
    match measure:
        case Measure.COMPLETED:
            return Decimal(run.completed)
        case Measure.CHECKS:
            return Decimal(run.checked.passed) / run.checked.of if run.checked is not None else None
        case Measure.COST:
            return run.total_usd
        case Measure.TIME:
            return run.seconds
        case Measure.STEPS:
            return Decimal(run.steps)
