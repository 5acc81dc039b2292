"""Where the time of a run went: a bar for each reply and tool call, on one axis. Positions only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.trace.rows import EventRow

WIDTH = 960
MOST_BARS = 300
"""More bars than that cannot be told apart; the longest are drawn."""

_LANES = ("model_response", "tool_result")
_NARROWEST = 1.0


@dataclass(frozen=True, slots=True)
class Bar:
    """A reply or a tool call: when it began and how long it took, as positions; `kind` is model, tool or failed."""

    x: float
    y: int
    width: float
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Bars:
    """The bars of a run that took `seconds`. `model_seconds` and `tool_seconds` add up what is drawn."""

    bars: Sequence[Bar]
    seconds: float
    model_seconds: float
    tool_seconds: float
    left_out: int
    width: int = WIDTH
    height: int = 44


def bars_of(rows: Sequence[EventRow]) -> Bars | None:
    """The bars of a run, None when it has no replies and no tool results that took any time."""
    timed = [row for row in rows if row.type in _LANES and row.latency]
    total = max((row.offset for row in rows), default=0.0)
    if not timed or total <= 0:
        return None
    longest = sorted(timed, key=lambda row: -(row.latency or 0))[:MOST_BARS]
    return Bars(
        bars=[_bar(row, total) for row in sorted(longest, key=lambda row: row.seq)],
        seconds=total,
        model_seconds=sum(row.latency or 0 for row in timed if row.type == "model_response"),
        tool_seconds=sum(row.latency or 0 for row in timed if row.type == "tool_result"),
        left_out=len(timed) - len(longest),
    )


def _bar(row: EventRow, total: float) -> Bar:
    latency = row.latency or 0.0
    begin = max(0.0, row.offset - latency)
    is_model = row.type == "model_response"
    kind = "failed" if row.is_error else "model" if is_model else "tool"
    name = "model" if is_model else row.tool or "tool"
    return Bar(
        x=round(begin / total * WIDTH, 1),
        y=2 if is_model else 24,
        width=round(max(_NARROWEST, latency / total * WIDTH), 1),
        kind=kind,
        text=f"step {row.step}, {name}, {latency:.3f} s",
    )
