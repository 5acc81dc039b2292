"""What a few runs can tell and what they cannot: intervals, spreads, and whether a difference is larger than chance.

Pure arithmetic with a fixed seed: the same runs give the same words every time. Runs of two variants on one input are
compared with each other only, so that an input that is hard for all does not count against one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import combinations
from random import Random
from statistics import median
from typing import Final

LEVEL: Final = Fraction(1, 20)
"""A difference is called larger than chance when chance alone gives one so large in less than one of twenty cases."""

MOST_EXACT: Final = 50_000
"""Up to so many arrangements all are looked at; beyond, so many are drawn."""

DRAWS: Final = 4_000
SEED: Final = 20_261_127

_FEWEST_WAYS: Final = 100

_Z: Final = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of runs with its 95 % interval by Wilson; all three are between 0 and 1."""

    hits: int
    of: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """The share that was measured."""
        return self.hits / self.of


def rate(hits: int, of: int) -> Rate | None:
    """The share `hits` of `of`, None of nothing."""
    if of == 0:
        return None
    share, z2 = hits / of, _Z * _Z
    middle = (share + z2 / (2 * of)) / (1 + z2 / of)
    half = _Z / (1 + z2 / of) * math.sqrt(share * (1 - share) / of + z2 / (4 * of * of))
    low = 0.0 if hits == 0 else max(0.0, middle - half)
    high = 1.0 if hits == of else min(1.0, middle + half)
    return Rate(hits, of, low, high)


@dataclass(frozen=True, slots=True)
class Spread:
    """A measure over runs: its median and mean, the smallest and the largest of `of` values."""

    of: int
    median: Decimal
    mean: Decimal
    low: Decimal
    high: Decimal


def spread(values: Sequence[Decimal]) -> Spread | None:
    """The spread of values, None of nothing."""
    if not values:
        return None
    mean = sum(values, Decimal(0)) / len(values)
    return Spread(len(values), median(values), mean, min(values), max(values))


@dataclass(frozen=True, slots=True)
class Difference:
    """A measure of one variant against that of another: `second` minus `first`, averaged over the inputs.

    `p` is how often chance alone gives a difference at least so large, `exact` says that every arrangement was looked
    at. `least_p` is the smallest p that so few runs can give: where it is not below the level, nothing can be told.
    `runs` are those of each variant, `inputs` the inputs that both answered.
    """

    first: Decimal
    second: Decimal
    p: Fraction
    least_p: Fraction
    exact: bool
    runs: tuple[int, int]
    inputs: int

    @property
    def difference(self) -> Decimal:
        """How much more the second has, averaged over the inputs."""
        return self.second - self.first


Values = Mapping[str, Sequence[Decimal]]
"""The values of one variant by input."""


def compare(first: Values, second: Values) -> Difference | None:
    """The difference of two variants by a permutation test within each input; None when they share no input.

    If the variant made no difference, any of the runs on an input could as well have been the other variant's. The
    share of such arrangements whose difference is at least as large as the measured one is p (two-sided).
    """
    inputs = [name for name in first if first[name] and second.get(name)]
    if not inputs:
        return None
    strata = _strata([(first[name], second[name]) for name in inputs])
    arrangements = math.prod(stratum.arrangements for stratum in strata)
    exact = arrangements <= MOST_EXACT
    return Difference(
        first=_mean_of_means([first[name] for name in inputs]),
        second=_mean_of_means([second[name] for name in inputs]),
        p=_exact_p(strata, arrangements) if exact else _drawn_p(strata),
        least_p=_least_p(strata, arrangements) if exact else Fraction(1, DRAWS + 1),
        exact=exact,
        runs=(sum(len(first[name]) for name in inputs), sum(len(second[name]) for name in inputs)),
        inputs=len(inputs),
    )


def holm(values: Sequence[Fraction]) -> Sequence[Fraction]:
    """p values corrected by Holm for there being several: the chance that any of them is below by chance is kept."""
    order = sorted(range(len(values)), key=lambda at: values[at])
    corrected = [Fraction(0)] * len(values)
    highest = Fraction(0)
    for rank, at in enumerate(order):
        highest = max(highest, min(Fraction(1), values[at] * (len(values) - rank)))
        corrected[at] = highest
    return corrected


def sign_p(one: int, other: int) -> Fraction:
    """How often a fair coin falls at least so unevenly (two-sided)."""
    tosses = one + other
    if tosses == 0:
        return Fraction(1)
    tail = sum(math.comb(tosses, k) for k in range(max(one, other), tosses + 1))
    return min(Fraction(1), Fraction(2 * tail, 2**tosses))


@dataclass(frozen=True, slots=True)
class _Stratum:
    """The values of two variants on one input, as whole numbers on a scale that all strata share.

    `weights` are the factors of both variants' sums, so that differences of means are whole numbers too.
    """

    first: tuple[int, ...]
    second: tuple[int, ...]
    weights: tuple[int, int]

    @property
    def arrangements(self) -> int:
        """In how many ways the values can be dealt out to the two."""
        return math.comb(len(self.first) + len(self.second), len(self.first))

    def measured(self) -> int:
        """The difference of the means as it is."""
        return self._differences([sum(self.first)])[0]

    def arranged(self) -> Sequence[int]:
        """The difference for each way to deal the values out."""
        dealt = combinations(self.first + self.second, len(self.first))
        return self._differences([sum(chosen) for chosen in dealt])

    def drawn(self, chance: Random, count: int) -> Sequence[int]:
        """The differences of ways that were drawn: all of them if there are no more than `count`."""
        if self.arrangements <= count:
            return self.arranged()
        values, size = self.first + self.second, len(self.first)
        return self._differences([sum(chance.sample(values, size)) for _ in range(count)])

    def _differences(self, sums_of_first: Sequence[int]) -> Sequence[int]:
        """The differences of the means where the first variant's values add up to these."""
        of_first, of_second = self.weights
        if_none = (sum(self.first) + sum(self.second)) * of_second
        return [if_none - total * (of_first + of_second) for total in sums_of_first]


def _strata(groups: Sequence[tuple[Sequence[Decimal], Sequence[Decimal]]]) -> Sequence[_Stratum]:
    exact = [(tuple(map(Fraction, one)), tuple(map(Fraction, other))) for one, other in groups]
    scale = math.lcm(*(value.denominator for one, other in exact for value in (*one, *other)))
    sizes = math.lcm(*(len(group) for pair in exact for group in pair))
    return [
        _Stratum(
            tuple(int(value * scale) for value in one),
            tuple(int(value * scale) for value in other),
            (sizes // len(one), sizes // len(other)),
        )
        for one, other in exact
    ]


def _exact_p(strata: Sequence[_Stratum], arrangements: int) -> Fraction:
    found = abs(sum(stratum.measured() for stratum in strata))
    totals = [0]
    for stratum in strata:
        arranged = stratum.arranged()
        totals = [total + part for total in totals for part in arranged]
    return Fraction(sum(abs(total) >= found for total in totals), arrangements)


def _drawn_p(strata: Sequence[_Stratum]) -> Fraction:
    """Each draw deals out every stratum, from ways that were drawn for it before: so many that they are like all."""
    chance = Random(SEED)  # noqa: S311 - statistics, and the same every time
    found = abs(sum(stratum.measured() for stratum in strata))
    drawn = [0] * DRAWS
    ways = DRAWS if len(strata) == 1 else max(_FEWEST_WAYS, DRAWS // len(strata))
    for stratum in strata:
        parts = chance.choices(stratum.drawn(chance, ways), k=DRAWS)
        drawn = [total + part for total, part in zip(drawn, parts, strict=True)]
    return Fraction(sum(abs(total) >= found for total in drawn) + 1, DRAWS + 1)


def _least_p(strata: Sequence[_Stratum], arrangements: int) -> Fraction:
    """Only one arrangement can be the most extreme, or two where the variants have equally many runs on each input."""
    mirrored = all(len(stratum.first) == len(stratum.second) for stratum in strata)
    return min(Fraction(1), Fraction(2 if mirrored else 1, arrangements))


def _mean_of_means(groups: Sequence[Sequence[Decimal]]) -> Decimal:
    means = [sum(group, Decimal(0)) / len(group) for group in groups]
    return sum(means, Decimal(0)) / len(means)
