"""A report as Markdown, for a pull request or a chat."""

from __future__ import annotations

import re
from collections.abc import Sequence

from workbench.comparison import wording
from workbench.comparison.formats.columns import (
    Table,
    contrast_table,
    judging_table,
    projection_table,
    self_hosted_table,
    variant_table,
)
from workbench.comparison.report import Report
from workbench.trace.terminal import one_line

_MEANT = re.compile(r"([\\`*_\[\]<>#|~&!])")


def as_markdown(report: Report) -> str:
    """The report as Markdown; nothing that a name holds can become markup."""
    plan = report.plan
    parts = [
        f"# {escaped(plan.agent)}: {escaped(plan.name)}",
        f"{wording.size(plan)}. Inputs: " + ", ".join(escaped(item.name) for item in plan.inputs) + ".",
        _table(variant_table(report)),
    ]
    if report.contrasts:
        parts += ["## Differences", _table(contrast_table(report))]
    if report.judging is not None:
        parts += ["## Judged in pairs", escaped(wording.judging(report.judging)), _table(judging_table(report))]
    if any(row.projection for row in report.variants):
        parts += [
            f"## A month of {report.runs_per_month:,} runs",
            "If they cost what these did on average.",
            _table(projection_table(report)),
        ]
    if report.rates is not None and any(row.self_hosted for row in report.variants):
        parts += ["## Its runtime on machines of your own", _table(self_hosted_table(report))]
    parts += ["## What the figures mean", "\n".join(f"- {escaped(note)}" for note in wording.notes(report))]
    return "\n\n".join(parts) + "\n"


def escaped(text: str) -> str:
    """Text of unknown origin on one line, as itself."""
    return _MEANT.sub(r"\\\1", one_line(text, 500))


def _table(table: Table) -> str:
    marks = ["---:" if numeric else "---" for numeric in table.numeric]
    rows: Sequence[Sequence[str]] = [[escaped(cell) for cell in row] for row in table.rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in (table.head, marks, *rows))
