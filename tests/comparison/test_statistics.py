"""Intervals, spreads, and what chance explains: against known values and by what must hold for any numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import permutations, product
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.comparison.statistics import DRAWS, MOST_EXACT, compare, holm, rate, sign_p, spread

CALM = settings(deadline=None, max_examples=60)
AMOUNTS = st.decimals(0, 100, places=3)


def values(*numbers: float | str) -> Sequence[Decimal]:
    return [Decimal(str(number)) for number in numbers]


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [
        # scipy.stats.binomtest(hits, of).proportion_ci(method="wilson")
        (3, 3, 0.4385, 1.0),
        (0, 3, 0.0, 0.5615),
        (2, 3, 0.2077, 0.9385),
        (8, 10, 0.4902, 0.9433),
        (50, 100, 0.4038, 0.5962),
    ],
)
def test_the_interval_of_a_rate(hits: int, of: int, low: float, high: float) -> None:
    found = rate(hits, of)
    assert found is not None
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


def test_there_is_no_rate_of_nothing() -> None:
    assert rate(0, 0) is None
    assert spread([]) is None


@CALM
@given(st.integers(1, 500).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_the_interval_holds_the_rate(counts: tuple[int, int]) -> None:
    found = rate(*counts)
    assert found is not None
    assert 0 <= found.low <= found.share <= found.high <= 1


def test_a_spread() -> None:
    found = spread(values(4, 1, 3, 2))
    assert found is not None
    assert [found.median, found.mean, found.low, found.high, found.of] == values("2.5", "2.5", 1, 4, 4)


@pytest.mark.parametrize(("repeats", "least"), [(1, 1.0), (2, 1 / 3), (3, 0.1), (4, 2 / 70), (5, 2 / 252)])
def test_the_least_p_of_so_few_runs(repeats: int, least: float) -> None:
    apart = compare({"i": values(*range(repeats))}, {"i": values(*range(100, 100 + repeats))})
    assert apart is not None
    assert float(apart.p) == float(apart.least_p) == pytest.approx(least)
    assert apart.exact
    assert apart.difference == 100


def test_pairs_over_inputs_are_a_sign_flip_test() -> None:
    first = {str(name): values(name) for name in range(6)}
    second = {str(name): values(name + 1) for name in range(6)}
    found = compare(first, second)
    assert found is not None
    assert found.p == Fraction(2, 2**6)
    assert found.inputs == 6


def test_an_input_that_is_hard_for_all_counts_against_none() -> None:
    first = {"easy": values(1, 1, 1, 1), "hard": values(100, 100, 100, 100)}
    second = {"easy": values(2, 2, 2, 2), "hard": values(101, 101, 101, 101)}
    found = compare(first, second)
    assert found is not None
    assert found.difference == 1
    assert float(found.p) < 0.001


def test_only_common_inputs_are_compared() -> None:
    found = compare({"a": values(1), "b": values(9)}, {"a": values(2), "c": values(0)})
    assert found is not None
    assert [found.inputs, found.first, found.second] == values(1, 1, 2)
    assert compare({"a": values(1)}, {"b": values(1)}) is None


@CALM
@given(st.lists(AMOUNTS, min_size=1, max_size=3), st.lists(AMOUNTS, min_size=1, max_size=3))
def test_p_is_that_of_all_orders(one: list[Decimal], other: list[Decimal]) -> None:
    """The plain definition, by looking at every order of the values."""

    def apart(order: Sequence[Decimal]) -> Fraction:
        first, second = [Fraction(x) for x in order[: len(one)]], [Fraction(x) for x in order[len(one) :]]
        return abs(sum(second, Fraction(0)) / len(second) - sum(first, Fraction(0)) / len(first))

    everything = [*one, *other]
    orders = list(permutations(everything))
    expected = Fraction(sum(apart(order) >= apart(everything) for order in orders), len(orders))
    found = compare({"i": one}, {"i": other})
    assert found is not None
    assert found.p == expected


@CALM
@given(st.lists(AMOUNTS, min_size=2, max_size=4), st.lists(AMOUNTS, min_size=2, max_size=4))
def test_a_difference_looks_the_same_from_both_sides(one: list[Decimal], other: list[Decimal]) -> None:
    there, back = compare({"i": one}, {"i": other}), compare({"i": other}, {"i": one})
    assert there is not None
    assert back is not None
    assert there.p == back.p
    assert there.difference == -back.difference
    assert 0 < there.least_p <= there.p <= 1


def test_many_runs_are_drawn_and_agree_with_all_of_them() -> None:
    chance = Random(5)
    first = {str(i): values(*(round(chance.gauss(10, 2), 3) for _ in range(3))) for i in range(6)}
    second = {str(i): values(*(round(chance.gauss(10.8, 2), 3) for _ in range(3))) for i in range(6)}
    drawn = compare(first, second)
    assert drawn is not None
    assert not drawn.exact
    assert math.comb(6, 3) ** 6 > MOST_EXACT
    assert drawn == compare(first, second)
    few_first, few_second = dict(list(first.items())[:3]), dict(list(second.items())[:3])
    exact = compare(few_first, few_second)
    assert exact is not None
    assert exact.exact
    assert exact.p == _p_by_hand(few_first, few_second)
    assert drawn.least_p == Fraction(1, DRAWS + 1)


def _p_by_hand(first: dict[str, Sequence[Decimal]], second: dict[str, Sequence[Decimal]]) -> Fraction:
    from itertools import combinations

    def differences(one: Sequence[Decimal], other: Sequence[Decimal]) -> list[Decimal]:
        pool = [*one, *other]
        return [
            sum((pool[i] for i in range(len(pool)) if i not in chosen), Decimal(0)) - sum(pool[i] for i in chosen)
            for chosen in combinations(range(len(pool)), len(one))
        ]

    strata = [differences(first[name], second[name]) for name in first]
    found = abs(sum((stratum[0] for stratum in strata), Decimal(0)))
    totals = [abs(sum(parts, Decimal(0))) for parts in product(*strata)]
    return Fraction(sum(total >= found for total in totals), len(totals))


def test_chance_alone_is_rarely_called_more() -> None:
    """Of 200 comparisons of the same with the same, about one in twenty is below the level."""
    chance = Random(11)
    below = 0
    for _ in range(200):
        one, other = (values(*(round(chance.gauss(5, 1), 4) for _ in range(5))) for _ in range(2))
        found = compare({"i": one}, {"i": other})
        assert found is not None
        below += found.p <= Fraction(1, 20)
    assert below <= 20


def test_holm() -> None:
    p = [Fraction(1, 100), Fraction(4, 100), Fraction(3, 100)]
    assert holm(p) == [Fraction(3, 100), Fraction(6, 100), Fraction(6, 100)]
    assert holm([]) == []
    assert holm([Fraction(1, 2), Fraction(9, 10)]) == [Fraction(1), Fraction(1)]


def test_a_coin() -> None:
    assert sign_p(0, 0) == 1
    assert sign_p(5, 5) == 1
    assert sign_p(6, 0) == sign_p(0, 6) == Fraction(2, 64)
    assert sign_p(8, 2) == Fraction(2 * (45 + 10 + 1), 1024)
