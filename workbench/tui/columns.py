"""Which columns of a timeline have room on a screen, from 60 cells to 200 and more, and how wide each is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

ColumnName = Literal[
    "offset", "step", "kind", "turn", "tool", "gist", "latency", "tokens", "cost", "origin", "waterfall"
]

ORDER: Sequence[ColumnName] = (
    *("offset", "step", "kind", "turn", "tool", "gist"),
    *("latency", "tokens", "cost", "origin", "waterfall"),
)
"""The columns from left to right."""

TITLES: dict[ColumnName, str] = {
    "offset": "time",
    "step": "step",
    "kind": "event",
    "turn": "",
    "tool": "tool",
    "gist": "",
    "latency": "took",
    "tokens": "in→out",
    "cost": "cost",
    "origin": "from",
    "waterfall": "where the time went",
}
RIGHT_ALIGNED: frozenset[ColumnName] = frozenset({"offset", "step", "latency", "tokens", "cost"})

LEAD = 2
"""Cells before the first column: the cursor's mark and the sign of expansion."""

GIST_ENOUGH = 40
"""Cells of gist before a column that is only of use may take more."""

_GIST_LEAST = 16
_WIDEST_BARS = 48


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, and its width in cells without the space after it."""

    name: ColumnName
    width: int


_WISHES: Sequence[tuple[ColumnName, int, int]] = (
    # what is added, in this order, as long as the gist keeps that many cells: column, its width, cells of gist to keep
    ("step", 4, _GIST_LEAST),
    ("turn", 3, _GIST_LEAST),
    ("latency", 7, 20),
    ("origin", 1, 20),
    ("kind", 9, 22),  # a glyph and a short name instead of the glyph alone
    ("cost", 8, 24),
    ("offset", 8, 24),
    ("waterfall", 8, 24),
    ("tokens", 11, 28),
    ("tool", 8, 28),
    ("kind", 16, 30),  # the event type in full
    ("waterfall", 12, 36),
    ("tool", 12, GIST_ENOUGH),
    ("origin", 8, GIST_ENOUGH),
    ("tokens", 13, GIST_ENOUGH),
    ("cost", 9, GIST_ENOUGH),
)


def layout(width: int) -> Sequence[Column]:
    """The columns that fit into `width` cells, the gist taking what the others leave; without the lead."""
    widths: dict[ColumnName, int] = {"kind": 1, "gist": 0}
    for name, wished, keep in _WISHES:
        tried = widths | {name: max(wished, widths.get(name, 0))}
        if _gist_room(tried, width) < keep:
            break  # and not what comes later in its place: a wider screen shows no less
        widths = tried
    spare = _gist_room(widths, width) - GIST_ENOUGH
    if spare > 0 and "waterfall" in widths:  # half of what is left over; the gist takes the rest
        widths["waterfall"] = min(_WIDEST_BARS, widths["waterfall"] + spare // 2)
    widths["gist"] = max(0, _gist_room(widths, width))
    return tuple(Column(name, widths[name]) for name in ORDER if name in widths)


def _gist_room(widths: dict[ColumnName, int], width: int) -> int:
    """The cells that the other columns, and the space after each, leave for the gist."""
    others = sum(cells for name, cells in widths.items() if name != "gist")
    return width - LEAD - others - (len(widths) - 1)
