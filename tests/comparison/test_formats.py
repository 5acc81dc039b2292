"""One comparison in every format: the same figures, to the microdollar, and nothing in them that commands a reader."""

from __future__ import annotations

import csv
import io
import json
import re
from decimal import Decimal
from fractions import Fraction
from html import unescape
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.browser import opened_page
from tests.comparison.conftest import plan_of, run_of
from tests.export.conftest import HOSTILE
from workbench.comparison.formats.writing import written
from workbench.comparison.judgements import JudgedPair, Judging
from workbench.comparison.report import Report, make_report
from workbench.comparison.results import Result
from workbench.comparison.statistics import rate
from workbench.comparison.timelines import AlignedRow, AlignedTimelines
from workbench.cost.amounts import usd
from workbench.cost.selfhost import BUILTIN_FILE, load_rates
from workbench.trace.rows import EventRow

MONEY = re.compile(r"-?\$[\d,]+\.\d{6}")
COSTS = {"cheap": ["0.0123456789", "0.0123445", "0.02"], "dear": ["0.5", "0.1", "1.0000005"], "free": ["0", "0", "0"]}


def report_of(costs: dict[str, list[str]], output: str = "an answer", **more: Any) -> Report:
    plan = plan_of(list(costs))
    results: list[Result] = [
        run_of(cell, costs[cell.variant.name][cell.repeat - 1], output=output if cell.repeat < 3 else None)
        for cell in plan.cells
    ]
    results[-1] = Result(results[-1].cell, None, "run-x", "model_error")
    return make_report(plan, results, runs_per_month=10_000, rates=load_rates(BUILTIN_FILE), **more)


@pytest.fixture
def report() -> Report:
    return report_of(COSTS)


def figures(report: Report) -> Any:
    return json.loads(written(report, "json"))


def test_table_markdown_csv_json_and_html_agree_to_the_microdollar(report: Report) -> None:
    table, markdown, html = (written(report, name) for name in ("table", "markdown", "html"))
    rows = {row["variant"]: row for row in csv.DictReader(io.StringIO(written(report, "csv")))}
    text = unescape(re.sub(r"<[^>]+>", " ", html))
    for variant in figures(report)["variants"]:
        name, cost = variant["variant"], variant["cost_usd"]
        for statistic in ("median", "mean", "low", "high"):
            assert rows[name][f"cost_usd_{statistic}"] == cost[statistic]
        shown = usd(Decimal(cost["median"]))
        if cost["low"] != cost["high"]:
            shown += f" ({usd(Decimal(cost['low']))}–{usd(Decimal(cost['high']))})"
        assert shown in next(line for line in table.splitlines() if line.startswith(f"{name} "))
        assert shown in next(line for line in markdown.splitlines() if line.startswith(f"| {name} "))
        assert shown in text
        assert rows[name]["sum_usd"] == variant["sum_usd"]
        assert usd(Decimal(variant["sum_usd"])) in table


def test_every_run_has_the_same_figures_everywhere(report: Report) -> None:
    rows = list(csv.DictReader(io.StringIO(written(report, "runs-csv"))))
    runs = figures(report)["runs"]
    text = unescape(re.sub(r"<[^>]+>", " ", written(report, "html")))
    assert len(rows) == len(runs) == 9
    for row, run in zip(rows, runs, strict=True):
        assert (row["run"], row["outcome"]) == (run["run"], run["outcome"])
        assert row["cost_usd"] == (run["cost_usd"] or "")
        if run["cost_usd"]:
            assert usd(Decimal(run["cost_usd"])) in text


def test_the_figures_follow_from_the_runs(report: Report) -> None:
    whole = figures(report)
    for variant in whole["variants"]:
        costs = [Decimal(r["cost_usd"]) for r in whole["runs"] if r["variant"] == variant["variant"] and r["cost_usd"]]
        assert abs(Decimal(variant["sum_usd"]) - sum(costs)) <= Decimal("0.000002")
        assert Decimal(variant["cost_usd"]["low"]) == min(costs)
        assert variant["measured"] == len(costs)
        month = Decimal(variant["month"]["total_usd"]["mean"])
        assert abs(month - sum(costs, Decimal(0)) / len(costs) * 10_000) < Decimal("0.01")


def test_what_is_missing_is_told(report: Report) -> None:
    assert not report.complete
    for name in ("table", "markdown", "html"):
        text = unescape(written(report, name)).replace("\\", "")
        assert "free: without a result are 1 model_error" in text
        assert "1 timeout" in text


def test_an_unknown_price_is_unknown_everywhere() -> None:
    plan = plan_of(["unpriced"])
    report = make_report(plan, [run_of(cell, None) for cell in plan.cells])
    for name in ("table", "markdown", "html"):
        assert "unknown" in written(report, name)
    variant = figures(report)["variants"][0]
    assert variant["cost_usd"]["median"] is None
    assert variant["month"]["total_usd"]["mean"] is None
    assert variant["month"]["runtime_usd"]["mean"] == "0.100000"
    (row,) = csv.DictReader(io.StringIO(written(report, "csv")))
    assert row["cost_usd_median"] == ""


def test_a_stopped_comparison_with_nothing_can_be_told() -> None:
    plan = plan_of(["a", "b"])
    report = make_report(plan, [Result(cell, None, None, "not run yet") for cell in plan.cells], stopped="fuse: blown")
    for name in ("table", "markdown", "csv", "runs-csv", "json", "html"):
        assert written(report, name)
    assert "Not complete: fuse: blown" in written(report, "table")


def test_hostile_names_are_harmless_in_text() -> None:
    report = report_of({HOSTILE: ["1", "1", "1"], "=cmd|' /C calc'!A0": ["1", "1", "1"]}, HOSTILE)
    for name in ("table", "markdown", "csv", "runs-csv"):
        text = written(report, name)
        assert "\x1b" not in text
        assert "\u202e" not in text
    cells = [cell for row in csv.reader(io.StringIO(written(report, "runs-csv"))) for cell in row]
    assert "'=cmd|' /C calc'!A0" in cells
    assert not any(cell.startswith(("=", "@", "+")) for cell in cells)
    lines = [line for line in written(report, "markdown").splitlines() if line.startswith("| ")]
    assert not any("<script" in line.replace("\\<", "") for line in lines)


def rich_report(output: str = "an answer") -> Report:
    """A report with every part that a page can have."""
    chance = Random(3)
    costs = {
        name: [str(round(chance.uniform(0.01, 0.09), 6)) for _ in range(3)] for name in ("one", "two", output[:40])
    }
    plan = plan_of(list(costs))
    row = EventRow(1, 1, "message", None, output[:200], 0.5)
    timelines = AlignedTimelines(
        plan.inputs[0], plan.variants, ["r1", "r2", "r3"], [AlignedRow([row, row, None])] * 3, 2
    )
    pair = JudgedPair(
        plan.variants[0],
        plan.variants[1],
        {"first": 1, "second": 2, "tie": 0, "changed": 1, "not told": 0, "same": 0},
        Fraction(1),
    )
    judging = Judging("claude-opus-4-6", 8, [pair], rate(3, 6), Decimal("0.01"))
    return report_of(costs, output, timelines=[timelines], judging=judging)


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_accessible(browser: Any, tmp_path: Path, scheme: str) -> None:
    file = tmp_path / "comparison.html"
    file.write_text(written(rich_report(), "html"))
    with opened_page(browser, file, scheme, judged=True) as opened:
        opened.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        assert opened.violations() == []


@pytest.mark.browser
def test_the_page_shows_the_figures_of_the_json(browser: Any, tmp_path: Path) -> None:
    report = rich_report()
    file = tmp_path / "comparison.html"
    file.write_text(written(report, "html"))
    whole = figures(report)
    with opened_page(browser, file) as opened:
        assert opened.requests == [file.as_uri()]
        assert opened.console == []
        rows = opened.texts("[aria-label='Variants'] tbody tr")
        for row, variant in zip(rows, whole["variants"], strict=True):
            cost = variant["cost_usd"]
            for statistic in ("median", "low", "high"):
                assert usd(Decimal(cost[statistic])) in row
            assert usd(Decimal(variant["sum_usd"])) in row
        shown = MONEY.findall(" ".join(opened.texts("[aria-label='All runs'] tbody tr")))
        assert shown == [usd(Decimal(run["cost_usd"])) for run in whole["runs"] if run["cost_usd"]]
        assert opened.page.locator("svg circle").count() == 2 * sum(v["measured"] for v in whole["variants"])


@pytest.mark.browser
def test_hostile_answers_are_inert(browser: Any, tmp_path: Path) -> None:
    file = tmp_path / "comparison.html"
    file.write_text(written(rich_report(HOSTILE), "html"))
    for judged in (False, True):
        with opened_page(browser, file, judged=judged) as opened:
            opened.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
            assert opened.page.evaluate("window.owned") is None
            assert opened.requests == [file.as_uri()]
            assert opened.page.locator("script, iframe, img, a, object, form, [onerror], [onload]").count() == 0
