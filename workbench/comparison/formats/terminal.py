"""A report for the terminal: plain text, safe to print."""

from __future__ import annotations

import textwrap

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
from workbench.trace.terminal import one_line, printable

_WIDTH = 118


def as_text(report: Report) -> str:
    """The report as lines of text."""
    plan = report.plan
    inputs = ", ".join(one_line(item.name, 40) for item in plan.inputs[:5])
    more = f" and {len(plan.inputs) - 5} more" if len(plan.inputs) > 5 else ""
    lines = [
        f"{one_line(plan.agent)} · comparison {plan.name} · {wording.size(plan)}",
        f"inputs: {inputs}{more}",
        "",
        *table_lines(variant_table(report)),
    ]
    if report.contrasts:
        lines += ["", *table_lines(contrast_table(report))]
    if report.judging is not None:
        lines += ["", *textwrap.wrap(wording.judging(report.judging), _WIDTH), *table_lines(judging_table(report))]
    if any(row.projection for row in report.variants):
        lines += ["", f"a month of {report.runs_per_month:,} runs, if they cost what these did on average"]
        lines += table_lines(projection_table(report))
    if report.rates is not None and any(row.self_hosted for row in report.variants):
        lines += ["", "its runtime on machines of your own", *table_lines(self_hosted_table(report))]
    lines.append("")
    for note in wording.notes(report):
        lines += textwrap.wrap(printable(note), _WIDTH, subsequent_indent="  ")
    return "\n".join(line.rstrip() for line in lines) + "\n"


def table_lines(table: Table) -> list[str]:
    """The table in columns as wide as their content."""
    rows = [[printable(cell) for cell in row] for row in (table.head, *table.rows)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(table.head))]
    return [
        "  ".join(
            cell.rjust(width) if numeric else cell.ljust(width)
            for cell, width, numeric in zip(row, widths, table.numeric, strict=True)
        ).rstrip()
        for row in rows
    ]
