"""A report in the format that was asked for."""

from __future__ import annotations

import json
from typing import Literal

from workbench.comparison.formats.figures import report_figures
from workbench.comparison.formats.html import as_html
from workbench.comparison.formats.markdown import as_markdown
from workbench.comparison.formats.spreadsheet import runs_csv, variants_csv
from workbench.comparison.formats.terminal import as_text
from workbench.comparison.report import Report

Format = Literal["table", "markdown", "csv", "runs-csv", "json", "html"]


def written(report: Report, wanted: Format) -> str:
    """The report as text, its last line ended."""
    match wanted:
        case "table":
            return as_text(report)
        case "markdown":
            return as_markdown(report)
        case "csv":
            return variants_csv(report)
        case "runs-csv":
            return runs_csv(report)
        case "json":
            return json.dumps(report_figures(report), indent=2) + "\n"
        case "html":
            return as_html(report)
