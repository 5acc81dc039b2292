"""Which panes a screen of some width shows, and how wide each is. Pure arithmetic; the screen applies it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

PaneName = Literal["agent", "timeline", "cost", "replay"]
PANES: Sequence[PaneName] = ("agent", "timeline", "cost", "replay")
"""All panes from left to right; the timeline takes what the others leave."""

TWO_PANES, ALL_PANES = 100, 160
"""From how many columns on two panes, and all, stand side by side."""

MIN_WIDTH, MIN_TIMELINE = 18, 36
_SHARES: Mapping[PaneName, tuple[float, int, int]] = {
    "agent": (0.16, 30, 44),
    "cost": (0.14, 28, 44),
    "replay": (0.2, 34, 80),
}
"""Per pane: its share of a wide screen, and the least and most columns that this gives it."""


@dataclass(frozen=True, slots=True)
class Arrangement:
    """What is shown. `widths` has the columns of every shown pane but the one that takes the rest."""

    shown: Sequence[PaneName]
    widths: Mapping[PaneName, int]


def arrange(
    width: int, current: PaneName, side: PaneName, chosen: Mapping[PaneName, int], *, maximised: bool = False
) -> Arrangement:
    """The panes of a screen of `width` columns.

    `current` is the pane that has the focus, `side` the one that stands beside the timeline where only two fit.
    `chosen` are widths that the user gave.
    """
    if maximised or width < TWO_PANES:
        return Arrangement((current,), {})
    if width < ALL_PANES:
        other: PaneName = side if current == "timeline" else current
        shown = tuple(name for name in PANES if name in ("timeline", other))
        return Arrangement(shown, _fitting(width, {other: chosen.get(other, round(width * 0.38))}))
    wanted: dict[PaneName, int] = {name: chosen.get(name, _usual(name, width)) for name in PANES if name != "timeline"}
    return Arrangement(PANES, _fitting(width, wanted))


def _usual(name: PaneName, width: int) -> int:
    share, least, most = _SHARES[name]
    return max(least, min(most, round(width * share)))


def _fitting(width: int, wanted: Mapping[PaneName, int]) -> dict[PaneName, int]:
    """The wanted widths, each at least `MIN_WIDTH`, made smaller together until the timeline has its least."""
    widths = {name: max(MIN_WIDTH, columns) for name, columns in wanted.items()}
    room = width - MIN_TIMELINE - len(widths)
    while sum(widths.values()) > room:
        widest = max(widths, key=lambda name: widths[name])
        if widths[widest] <= MIN_WIDTH:
            break
        widths[widest] -= 1
    return widths
