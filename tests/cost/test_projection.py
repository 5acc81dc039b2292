"""What a month costs."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.cost.prices import BUILTIN_FILE, PriceList
from workbench.cost.projection import RunCost, Spread, project
from workbench.cost.usage import Usage

CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

PRICES = PriceList.load(BUILTIN_FILE)
CENT = Decimal("0.01")


def same(amount: str) -> Spread:
    return Spread(Decimal(amount), Decimal(amount), Decimal(amount), Decimal(amount))


@pytest.mark.parametrize(
    ("runs", "seconds", "runtime"),
    [
        pytest.param(10_000, "3.2", "0.71", id="tickets: 10,000 a month, 3.2 s each"),
        pytest.param(800, "270", "4.80", id="reviews: 800 a month, 4.5 minutes each"),
        pytest.param(30, "12600", "8.40", id="nights: 30 a month, 3.5 hours each"),
    ],
)
def test_the_runtime_of_three_workloads(runs: int, seconds: str, runtime: str) -> None:
    projection = project(runs, [RunCost(Decimal(0), PRICES.runtime_cost(Decimal(seconds)))])
    assert projection.runtime.mean.quantize(CENT) == Decimal(runtime)


def test_the_model_of_ten_thousand_tickets() -> None:
    cost = PRICES.cost("claude-haiku-4-5", Usage(1_200, 400), date(2026, 11, 22))
    projection = project(10_000, [RunCost(cost, PRICES.runtime_cost(Decimal("3.2")))])
    assert projection.model == same("32")
    assert projection.total is not None
    assert projection.total.median.quantize(CENT) == Decimal("32.71")


def test_the_spread_is_that_of_what_was_measured() -> None:
    measured = [RunCost(Decimal(model), Decimal(runtime)) for model, runtime in (("1", "3"), ("2", "1"), ("6", "2"))]
    projection = project(10, measured)
    assert projection.model == Spread(Decimal(10), Decimal(20), Decimal(30), Decimal(60))
    assert projection.runtime == Spread(Decimal(10), Decimal(20), Decimal(20), Decimal(30))
    assert projection.total == Spread(Decimal(30), Decimal(40), Decimal(50), Decimal(80))
    assert (projection.runs_per_month, projection.measured_runs) == (10, 3)


def test_one_unknown_price_leaves_only_the_runtime_known() -> None:
    projection = project(10, [RunCost(None, Decimal(1)), RunCost(Decimal(1), Decimal(1))])
    assert (projection.model, projection.total) == (None, None)
    assert projection.runtime == same("10")


AMOUNTS = st.decimals(0, 100, places=6)


@CALM
@given(st.integers(0, 10**6), st.lists(st.builds(RunCost, AMOUNTS, AMOUNTS), min_size=1, max_size=20))
def test_the_middle_is_in_the_middle(runs: int, measured: list[RunCost]) -> None:
    projection = project(runs, measured)
    assert projection.model
    assert projection.total
    for spread in (projection.model, projection.runtime, projection.total):
        assert spread.low <= spread.median <= spread.high
        assert spread.low <= spread.mean + Decimal("1e-15")
        assert spread.mean <= spread.high + Decimal("1e-15")


def test_nothing_measured_projects_nothing() -> None:
    with pytest.raises(ValueError, match="at least one"):
        project(10, [])
    with pytest.raises(ValueError, match="negative"):
        project(-1, [RunCost(None, Decimal(1))])
