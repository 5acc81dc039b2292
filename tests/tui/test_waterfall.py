"""Where the time of a run went."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.tui.waterfall import POINT, bar, scale

times = st.floats(0, 1e6, allow_nan=False)


@pytest.mark.parametrize(
    ("duration", "whole"),
    [(0, 0.001), (0.0123, 0.015), (7.82, 10), (10, 10), (10.01, 15), (61, 75), (98.7, 100), (100, 100), (3601, 5000)],
)
def test_the_scale_is_a_round_number_that_is_enough(duration: float, whole: float) -> None:
    assert scale(duration) == pytest.approx(whole)


@given(duration=times)
def test_the_scale_is_enough_and_at_most_twice_too_much(duration: float) -> None:
    assert duration <= scale(duration) * (1 + 1e-9)
    assert scale(duration) <= max(0.001, duration * 2)


@pytest.mark.parametrize(
    ("offset", "latency", "drawn"),
    [
        (10, 10, "██████████"),
        (5, 5, "█████     "),
        (10, 5, "     █████"),
        (5.5, 5.5, "█████▌    "),
        (1, 0.5, "▌         "),
        (3, None, "   ╵      "),
        (10, None, "         ╵"),
        (0, 0, "╵         "),
        (99, 1, "         ╵"),
    ],
)
def test_bars(offset: float, latency: float | None, drawn: str) -> None:
    assert bar(offset, latency, 10, 10) == drawn


@given(offset=times, latency=st.none() | times, width=st.integers(0, 50), whole=st.floats(0.001, 1e6))
def test_a_bar_takes_its_cells_and_is_never_invisible(
    offset: float, latency: float | None, width: int, whole: float
) -> None:
    drawn = bar(offset, latency, whole, width)
    assert len(drawn) == width
    assert not width or drawn.strip()
    assert set(drawn) <= set(f" ▏▎▍▌▋▊▉█{POINT}")
