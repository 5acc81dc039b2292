"""A row for each run of a comparison, as text."""

from __future__ import annotations

from workbench.comparison import wording
from workbench.comparison.formats.columns import Table
from workbench.comparison.report import Report
from workbench.comparison.results import Result
from workbench.cost.amounts import usd

_HEAD = ("run", "variant", "input", "repeat", "outcome", "steps", "tokens in", "tokens out", "cost", "time")
_NUMERIC = (False, False, False, True, False, True, True, True, True, True)


def runs_table(report: Report) -> Table:
    """Every cell of the matrix, in the order of the plan."""
    return Table(_HEAD, [_row(result) for result in report.results], _NUMERIC)


def _row(result: Result) -> list[str]:
    cell, run = result.cell, result.measured
    named = [result.run_id or wording.NOTHING, cell.variant.name, cell.input.name, str(cell.repeat)]
    if run is None:
        return [*named, f"no result: {result.error}", *[wording.NOTHING] * 5]
    outcome = "completed" if run.completed else f"failed: {run.error}"
    figures = [f"{run.steps:,}", f"{run.input_tokens:,}", f"{run.output_tokens:,}", usd(run.total_usd)]
    return [*named, outcome, *figures, wording.seconds(run.seconds)]
