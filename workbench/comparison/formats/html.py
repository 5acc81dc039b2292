"""A report as one self-contained HTML page, to be sent to a colleague."""

from __future__ import annotations

from decimal import Decimal

from workbench.comparison import wording
from workbench.comparison.formats.columns import (
    contrast_table,
    judging_table,
    projection_table,
    self_hosted_table,
    variant_table,
)
from workbench.comparison.formats.runs_table import runs_table
from workbench.comparison.report import Report
from workbench.comparison.results import Measured
from workbench.cost.amounts import usd
from workbench.export.clipping import Clipped, clipped
from workbench.export.page import render, shown
from workbench.export.strip_plot import StripPlot, strip_plot

ANSWERS_BYTES = 800_000
"""What the answers of all runs may take on the page."""


def as_html(report: Report) -> str:
    """The report as a page: tables, plots, answers and aligned timelines."""
    return render(
        "comparison.html.j2",
        report=report,
        size=wording.size(report.plan),
        notes=wording.notes(report),
        variants=variant_table(report),
        contrasts=contrast_table(report),
        projection=projection_table(report),
        self_hosted=self_hosted_table(report),
        runs=runs_table(report),
        plots=[plot for plot in (_cost_plot(report), _time_plot(report)) if plot is not None],
        judging=judging_table(report),
        judge=wording.judging(report.judging) if report.judging else "",
        answers=_answers(report),
    )


def _cost_plot(report: Report) -> StripPlot | None:
    values = {
        row.variant.name: [run.total_usd for run in _runs(report, row.variant.name) if run.total_usd is not None]
        for row in report.variants
        if row.total_usd is not None
    }
    return strip_plot("Cost of each run", values, usd)


def _time_plot(report: Report) -> StripPlot | None:
    values: dict[str, list[Decimal]] = {
        row.variant.name: [run.seconds for run in _runs(report, row.variant.name)] for row in report.variants
    }
    return strip_plot("Time of each run", values, wording.seconds)


def _runs(report: Report, variant: str) -> list[Measured]:
    return [
        result.measured
        for result in report.results
        if result.cell.variant.name == variant and result.measured is not None
    ]


def _answers(report: Report) -> list[tuple[str, list[tuple[str, Clipped]]]]:
    """For each input the answers to it, each with the name of its run."""
    outputs = [
        (result.cell, result.measured.output)
        for result in report.results
        if result.measured is not None and result.measured.output is not None
    ]
    texts = clipped([shown(output) for _, output in outputs], ANSWERS_BYTES)
    found: dict[str, list[tuple[str, Clipped]]] = {}
    for (cell, _), text in zip(outputs, texts, strict=True):
        found.setdefault(cell.input.name, []).append((f"{cell.variant.name}, run {cell.repeat}", text))
    return [(name, sorted(answers, key=lambda answer: answer[0])) for name, answers in found.items()]
