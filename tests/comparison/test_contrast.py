"""What a comparison says about a difference, and what it says when it cannot tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.comparison.conftest import plan_of, results_of, run_of
from workbench.comparison import wording
from workbench.comparison.contrast import Measure, repeats_needed
from workbench.comparison.report import make_report
from workbench.comparison.results import Checked


def costs(of: str, count: int) -> Sequence[str]:
    return [f"{of}{digit}" for digit in range(count)]


def test_three_runs_of_two_variants_cannot_tell() -> None:
    plan = plan_of(["cheap", "dear"], repeats=3)
    report = make_report(plan, results_of(plan, {"cheap": costs("0.01", 3), "dear": costs("0.09", 3)}))
    cost = next(found for found in report.contrasts if found.measure is Measure.COST)
    assert cost.verdict == "cannot tell"
    assert wording.verdict(cost) == "cannot tell with n = 3"
    assert wording.difference(cost) == "+$0.080000 a run (8.21 times)"
    assert any("that takes at least 4 repeats" in note for note in wording.notes(report))


def test_five_can() -> None:
    plan = plan_of(["cheap", "dear"], repeats=5)
    report = make_report(plan, results_of(plan, {"cheap": costs("0.01", 5), "dear": costs("0.09", 5)}))
    verdicts = {found.measure: wording.verdict(found) for found in report.contrasts}
    assert verdicts[Measure.COST] == "larger than chance (p = 0.008, n = 5)"
    assert verdicts[Measure.COMPLETED] == "no difference, n = 5"
    assert verdicts[Measure.TIME] == "no difference, n = 5"


def test_overlapping_costs_may_be_chance() -> None:
    plan = plan_of(["one", "other"], repeats=5)
    report = make_report(
        plan,
        results_of(
            plan, {"one": ["0.01", "0.02", "0.03", "0.04", "0.05"], "other": ["0.02", "0.03", "0.04", "0.05", "0.06"]}
        ),
    )
    cost = next(found for found in report.contrasts if found.measure is Measure.COST)
    assert cost.verdict == "may be chance"
    assert "p = 0.4" in wording.verdict(cost)


def test_more_variants_ask_for_more_runs() -> None:
    plan = plan_of(["a", "b", "c"], repeats=4)
    report = make_report(plan, results_of(plan, {name: costs(f"0.{at}", 4) for at, name in enumerate("abc", 1)}))
    cost = [found for found in report.contrasts if found.measure is Measure.COST]
    assert len(cost) == 3
    assert {found.verdict for found in cost} == {"cannot tell"}
    assert {found.repeats_needed for found in cost} == {5}


@pytest.mark.parametrize(
    ("inputs", "pairs", "needed"), [(1, 1, 4), (1, 3, 5), (2, 1, 3), (6, 1, 1), (5, 1, 2), (20, 3, 1)]
)
def test_how_many_repeats_it_takes(inputs: int, pairs: int, needed: int) -> None:
    assert repeats_needed(inputs, pairs) == needed


def test_an_unknown_price_is_not_compared() -> None:
    plan = plan_of(["priced", "unpriced"])
    results = [run_of(cell, None if cell.variant.name == "unpriced" else "0.01") for cell in plan.cells]
    report = make_report(plan, results)
    assert Measure.COST not in {found.measure for found in report.contrasts}
    unpriced = report.variants[1]
    assert unpriced.total_usd is None
    assert unpriced.sum_usd is None
    assert wording.usd_spread(unpriced.total_usd, unpriced.measured) == "unknown"
    assert unpriced.projection is not None
    assert unpriced.projection.total is None


def test_checks_are_compared_where_there_are_any() -> None:
    plan = plan_of(["good", "bad"], inputs=("with a case", "without"), repeats=5)
    results = []
    for cell in plan.cells:
        result = run_of(cell)
        if cell.input.name == "with a case" and result.measured is not None:
            checked = Checked(3 if cell.variant.name == "good" else 1, 3)
            result = replace(result, measured=replace(result.measured, checked=checked))
        results.append(result)
    report = make_report(plan, results)
    (checks,) = [found for found in report.contrasts if found.measure is Measure.CHECKS]
    assert wording.difference(checks) == "-67 percentage points (100 % → 33 %)"
    assert wording.verdict(checks) == "larger than chance (p = 0.008, n = 5)"
    assert [wording.completed(row.checks) for row in report.variants] == ["15 of 15 (80–100 %)", "5 of 15 (15–58 %)"]
    without = make_report(plan, [run_of(cell) for cell in plan.cells])
    assert Measure.CHECKS not in {found.measure for found in without.contrasts}
