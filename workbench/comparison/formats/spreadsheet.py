"""A report as CSV, for a spreadsheet: a row for each variant, or a row for each run."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

from workbench.comparison.formats.figures import run_figures, variant_figures
from workbench.comparison.report import Report
from workbench.jsontypes import JsonValue
from workbench.trace.terminal import one_line

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def variants_csv(report: Report) -> str:
    """A row for each variant; amounts are USD."""
    return _csv([flat(variant_figures(row)) for row in report.variants])


def runs_csv(report: Report) -> str:
    """A row for each cell of the matrix; amounts are USD."""
    return _csv([flat(run_figures(result)) for result in report.results])


def flat(figures: Mapping[str, JsonValue], prefix: str = "") -> dict[str, JsonValue]:
    """Nested objects as columns: `cost_usd.median` is `cost_usd_median`."""
    found: dict[str, JsonValue] = {}
    for name, value in figures.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{prefix}{name}_")
        else:
            found[prefix + name] = value
    return found


def _csv(rows: Sequence[Mapping[str, JsonValue]]) -> str:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return out.getvalue()


def _cell(value: JsonValue) -> JsonValue:
    """A value; text that a spreadsheet would take for a formula is marked as text."""
    if not isinstance(value, str):
        return value
    text = one_line(value, 10_000)
    is_number = text.removeprefix("-").replace(".", "", 1).isdigit()
    return f"'{text}" if text.startswith(_FORMULA) and not is_number else text
