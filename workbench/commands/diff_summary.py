"""The figures of two runs side by side."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from workbench.commands.money import seconds, short_usd
from workbench.cost.usage import Usage
from workbench.trace.events import RunCompleted
from workbench.trace.run_record import RunRecord

Row = tuple[str, str, str, str]
"""A figure's name, what it is at the left and at the right, and the difference."""


def summary_rows(left: RunRecord, right: RunRecord) -> Iterator[Row]:
    """How the runs ended, their steps, calls, tokens, costs and times; of the tape only where a run has one."""
    yield ("outcome", _outcome(left), _outcome(right), "")
    yield _counts("steps", len(left.steps), len(right.steps))
    yield _counts("tool calls", *(sum(len(step.calls) for step in run.steps) for run in (left, right)))
    taped = [sum(step.origin == "tape" for step in run.steps) for run in (left, right)]
    if any(taped):
        yield _counts("steps from tape", *taped)
    usages = [_live_usage(run) for run in (left, right)]
    yield _counts("tokens in", *(usage.total_input_tokens for usage in usages))
    if any(usage.cache_read_tokens for usage in usages):
        yield _counts("  from cache", *(usage.cache_read_tokens for usage in usages))
    yield _counts("tokens out", *(usage.output_tokens for usage in usages))
    yield _money("model cost", *(None if run.end is None else run.end.costs.model for run in (left, right)))
    yield _money("total cost", *(None if run.end is None else run.end.costs.total for run in (left, right)))
    one, other = left.duration, right.duration
    yield ("time", seconds(one), seconds(other), _times(one, other))


def _outcome(run: RunRecord) -> str:
    if run.end is None:
        return "no end"
    return "completed" if isinstance(run.end, RunCompleted) else run.end.error


def _live_usage(run: RunRecord) -> Usage:
    """Tokens that were asked for live; those of a tape cost nothing."""
    replies = [step.response for step in run.steps if step.response is not None and step.response.origin == "live"]
    return sum((reply.usage for reply in replies), Usage())


def _counts(name: str, left: int, right: int) -> Row:
    return (name, f"{left:,}", f"{right:,}", "" if left == right else f"{right - left:+,}{_percent(left, right)}")


def _money(name: str, left: Decimal | None, right: Decimal | None) -> Row:
    difference = ""
    if left is not None and right is not None and left != right:
        sign = "+" if right > left else "-"
        difference = f"{sign}{short_usd(abs(right - left))}{_percent(float(left), float(right))}"
    return (name, short_usd(left), short_usd(right), difference)


def _times(left: float, right: float) -> str:
    sign = "+" if right > left else "-"
    return f"{sign}{seconds(abs(right - left))}{_percent(left, right)}"


def _percent(left: float, right: float) -> str:
    return f" ({(right - left) / left * 100:+.0f}%)" if left else ""
