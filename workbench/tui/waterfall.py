"""Where the time of a run went: the bar of an event in a column that stands for the whole run."""

from __future__ import annotations

from math import ceil, log10

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_STEPS = (1.0, 1.5, 2.0, 3.0, 5.0, 7.5, 10.0)
POINT = "╵"


def scale(duration: float) -> float:
    """The seconds that a column stands for, for a run that has taken `duration` seconds so far.

    A round number that is at least the duration, so that the bars of a running run change only now and then.
    """
    if duration <= 0.001:
        return 0.001
    power = 10.0 ** (ceil(log10(duration)) - 1)
    return next((step * power for step in _STEPS if step * power >= duration), 10.0 * power)


def bar(offset: float, latency: float | None, whole: float, width: int) -> str:
    """The bar of an event that ended at `offset` and took `latency` seconds, in exactly `width` cells.

    `whole` is the number of seconds that the column stands for. What takes no time, or less than an eighth of a cell,
    is a mark where it happened.
    """
    if width <= 0:
        return ""
    end = min(max(offset / whole, 0.0), 1.0) * width
    begin = min(max((offset - (latency or 0.0)) / whole, 0.0), 1.0) * width
    if end - begin < 1 / 8:
        cell = min(int(end), width - 1)
        return " " * cell + POINT + " " * (width - cell - 1)
    if end - begin <= 1:  # at least one visible piece, in the cell where it began
        first = min(int(begin), width - 1)
        return " " * first + _EIGHTHS[max(1, round((end - begin) * 8))] + " " * (width - first - 1)
    first = round(begin)
    full = int(end) - first
    rest = _EIGHTHS[round((end - int(end)) * 8)] if first + full < width else ""
    return (" " * first + "█" * full + rest).ljust(width)
