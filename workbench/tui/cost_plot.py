"""The cost of each step as columns of block characters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from workbench.tui.money_text import usd
from workbench.tui.spans import Line, Span

_LEVELS = " ▁▂▃▄▅▆▇█"
_TAPE, _UNKNOWN = "┄", "?"
_WIDEST_COLUMN = 4
_LABEL = "by step "


@dataclass(frozen=True, slots=True)
class PlotStep:
    """What a step cost in USD, None when its price is unknown. A pending one has no reply yet: its cost is expected."""

    step: int
    usd: Decimal | None
    from_tape: bool
    is_pending: bool = False


@dataclass(frozen=True, slots=True)
class _Column:
    usd: Decimal
    role: str
    mark: str = ""


def plot(steps: Sequence[PlotStep], width: int, rows: int) -> Sequence[Line]:
    """The steps as columns in `width` cells: one line with `rows` 1, else a head, `rows` lines, and the steps' numbers.

    Steps from tape cost nothing and are marked `┄`, unknown prices `?`. Several steps share a column where there are
    more steps than cells; then it shows what they cost together.
    """
    room = width - len(_LABEL) if rows == 1 else width
    together = -(-len(steps) // room)
    columns = [_column(steps[at : at + together]) for at in range(0, len(steps), together)]
    highest = max((column.usd for column in columns), default=Decimal(0))
    bar, gap = _bar_and_gap(len(columns), room)
    levels = [_level(column.usd, highest, rows) for column in columns]
    lines = [
        [
            Span(_cell(column, level, row) * bar + " " * gap, column.role)
            for column, level in zip(columns, levels, strict=True)
        ]
        for row in range(rows - 1, -1, -1)
    ]
    if rows == 1:
        return [(Span(_LABEL, "label"), *lines[0])]
    return [_head(columns, highest, together, width), *lines, _axis(steps, (bar + gap) * len(columns) - gap)]


def _column(steps: Sequence[PlotStep]) -> _Column:
    """One column for some steps."""
    known = sum((step.usd for step in steps if step.usd is not None), Decimal(0))
    if all(step.from_tape for step in steps):
        return _Column(Decimal(0), "tape", _TAPE)
    if all(step.is_pending for step in steps):
        return _Column(known, "pending", "░" if known else "·")
    if any(step.usd is None for step in steps):
        return _Column(known, "unknown", _UNKNOWN)
    return _Column(known, "bar")


def _bar_and_gap(columns: int, room: int) -> tuple[int, int]:
    """How wide a column is, and the space after it."""
    each = room // columns if columns else 1
    return (min(_WIDEST_COLUMN, each - 1), 1) if each > 1 else (1, 0)


def _level(amount: Decimal, highest: Decimal, rows: int) -> int:
    """The height in eighths of a line; what costs anything is seen."""
    if not amount or not highest:
        return 0
    return max(1, int(amount / highest * rows * 8))


def _cell(column: _Column, level: int, row: int) -> str:
    """What stands in a line of a column; `row` 0 is the lowest."""
    if row == 0 and column.mark and (not level or column.role == "unknown"):
        return column.mark
    filled = _LEVELS[min(8, max(0, level - row * 8))]
    return "░" if column.role == "pending" and filled != " " else filled


def _head(columns: Sequence[_Column], highest: Decimal, together: int, width: int) -> Line:
    said = "cost by step" if together == 1 else f"cost by {together} steps"
    marks = {column.role: column.mark for column in columns if column.role in ("tape", "unknown")}
    legend = "".join(f"  {marks[role]} {role}" for role in ("tape", "unknown") if role in marks)
    most = f"max {usd(highest)}" if highest else ""
    if len(said) + len(legend) + len(most) + 1 > width:
        legend = ""
    if len(said) + len(most) + 1 > width:
        said = said.removeprefix("cost ")
    most = most.rjust(width - len(said) - len(legend))
    return (Span(said, "label"), Span(legend, "tape"), Span(most, "label"))


def _axis(steps: Sequence[PlotStep], width: int) -> Line:
    first, last = str(steps[0].step), str(steps[-1].step)
    if len(steps) == 1:
        return (Span(first, "label"),)
    return (Span(first + last.rjust(max(len(last) + 1, width - len(first))), "label"),)
