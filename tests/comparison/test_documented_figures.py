"""The worked examples of the documentation, computed."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

import workbench.comparison
from workbench.comparison.contrast import repeats_needed
from workbench.comparison.statistics import DRAWS, MOST_EXACT, compare, rate
from workbench.cost.amounts import usd_and_cents
from workbench.cost.prices import BUILTIN_FILE as PRICES_FILE
from workbench.cost.prices import PriceList
from workbench.cost.projection import RunCost, project
from workbench.cost.selfhost import BUILTIN_FILE, load_rates, self_hosted
from workbench.cost.usage import Usage

TEXT = Path(workbench.comparison.__file__).with_name("comparisons.md").read_text("utf-8")
ROWS = {
    cells[0].split(":")[0]: cells for line in TEXT.splitlines() if len(cells := re.split(r"\s*\|\s*", line)[1:-1]) == 7
}


@pytest.mark.parametrize("workload", ["tickets", "reviews", "nights"])
def test_the_table_of_workloads(workload: str) -> None:
    _name, runs, seconds, model, runtime, own, cheaper_from = ROWS[workload]
    prices, rates = PriceList.load(PRICES_FILE), load_rates(BUILTIN_FILE)
    count, length = int(runs.replace(",", "")), Decimal(seconds.replace(",", ""))
    a_run = prices.runtime_cost(length)
    tokens = prices.cost("claude-haiku-4-5", Usage(1_200, 400), date(2026, 11, 27)) if model else None
    month = project(count, [RunCost(tokens, a_run)])
    assert usd_and_cents(month.runtime.mean) == runtime
    if month.model is not None:
        assert usd_and_cents(month.model.mean) == model
    hosted = self_hosted(rates, count, length, a_run)
    assert usd_and_cents(hosted.own_usd) == own
    assert f"{hosted.cheaper_from:,}" == cheaper_from


def test_the_figures_in_the_text() -> None:
    found = rate(3, 3)
    assert found is not None
    assert f"3 of 3 means anything from {found.low * 100:.0f} % up" in TEXT
    three = [Decimal(1), Decimal(2), Decimal(3)]
    least = compare({"i": three}, {"i": [Decimal(9)] * 3})
    assert least is not None
    assert f"the smallest p that there can be is {float(least.least_p):.2f}" in TEXT
    assert f"{repeats_needed(1, 1)} for two variants, {repeats_needed(1, 3)} for three" in TEXT
    assert f"up to\n  {MOST_EXACT:,}; beyond, {DRAWS:,} are drawn" in TEXT
    assert usd_and_cents(PriceList.load(PRICES_FILE).runtime_cost(Decimal(3_600))) == "$0.08"
