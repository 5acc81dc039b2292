"""What the screen says of a comparison beside its report, as plain text."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from workbench.comparison.progress import JobProgress, Progress
from workbench.comparison.wording import seconds
from workbench.cost.amounts import usd
from workbench.trace.terminal import one_line
from workbench.tui.matrix_book import Reading

MOST_LINES = 200
"""How many runs are told of one by one."""

NONE_YET = (
    "No comparison yet.\n\nn makes one: each model answers each input several times, each time in a new sandbox.\n"
    "The report tells outcome, cost, time and agreement, and which differences are larger than chance.\n"
)

_MARKS = {"waiting": "·", "running": "▶", "elsewhere": "▷", "finished": "✓", "no result": "✗"}


def how_far(reading: Reading, page: Path | None = None) -> str:
    """How many runs have a result, and where the report was written to, if it was."""
    rest = "" if reading.finished else " · s goes on with it"
    written = f"\nwritten: {page}" if page is not None else ""
    return f"{reading.done} of {reading.cells} runs have a result{rest}{written}"


def run_lines(progress: Progress) -> str:
    """A line for each run that has begun, those that go on first, and how many wait."""
    begun = [job for job in progress.jobs if job.state != "waiting"]
    begun.sort(key=lambda job: job.state not in ("running", "elsewhere"))
    told = begun[:MOST_LINES]
    width = max((len(_label(job)) for job in told), default=0)
    lines = [_line(job, width) for job in told]
    if len(begun) > MOST_LINES:
        lines.append(f"  and {len(begun) - MOST_LINES:,} more")
    if waiting := progress.count("waiting"):
        lines.append(f"· {waiting:,} waiting")
    return "\n".join(lines) + "\n"


def _label(progress: JobProgress) -> str:
    return one_line(progress.job.label, 80)


def _line(progress: JobProgress, width: int) -> str:
    summary = progress.summary
    parts = [f"{_MARKS[progress.state]} {_label(progress):<{width}}"]
    if progress.state == "elsewhere":
        parts.append("in another workbench")
    elif summary is not None and summary.ended:
        parts += [usd(summary.costs.total if summary.costs else None), seconds(Decimal(str(summary.duration)))]
        end = f"{summary.error}: {summary.outcome_gist}" if summary.error else summary.outcome_gist
        parts.append(one_line(end or "", 80))
    elif summary is not None:
        parts += [usd(summary.model_usd), f"step {summary.steps}"]
    return "  ".join(parts)
