"""A plot of a measure over the runs of several variants: a dot for each run, a bar at the median. Positions only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import median

WIDTH = 640
_MARGIN = 6
_TICKS = 5


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on the axis; `anchor` is how its label stands to it."""

    x: float
    label: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Strip:
    """The runs of one variant; positions are horizontal. `text` says the same in words."""

    name: str
    dots: Sequence[float]
    median: float
    low: float
    high: float
    text: str


@dataclass(frozen=True, slots=True)
class StripPlot:
    """The plot; its axis begins at 0, so that lengths can be compared."""

    title: str
    strips: Sequence[Strip]
    ticks: Sequence[Tick]
    width: int = WIDTH


def strip_plot(
    title: str, values: Mapping[str, Sequence[Decimal]], written: Callable[[Decimal], str]
) -> StripPlot | None:
    """The plot of the values by variant; None when there are none. `written` writes a value with its unit."""
    largest = max((value for group in values.values() for value in group), default=None)
    if largest is None:
        return None
    scale = largest or Decimal(1)

    def position(value: Decimal) -> float:
        return round(_MARGIN + float(value / scale) * (WIDTH - 2 * _MARGIN), 1)

    strips = [
        Strip(
            name=name,
            dots=[position(value) for value in group],
            median=position(median(group)),
            low=position(min(group)),
            high=position(max(group)),
            text=f"{name}: median {written(median(group))}, {written(min(group))} to {written(max(group))}",
        )
        for name, group in values.items()
        if group
    ]
    return StripPlot(title, strips, [_tick(at, scale, position, written) for at in range(_TICKS)])


def _tick(at: int, scale: Decimal, position: Callable[[Decimal], float], written: Callable[[Decimal], str]) -> Tick:
    value = scale * at / (_TICKS - 1)
    anchor = "start" if at == 0 else "end" if at == _TICKS - 1 else "middle"
    return Tick(position(value), written(value), anchor)
