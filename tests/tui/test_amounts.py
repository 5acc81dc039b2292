"""Numbers in a few cells."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.tui.amounts import clock_time, short_count, short_money, short_time


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        *((0, "0 ms"), (0.0004, "0 ms"), (0.9994, "999 ms"), (0.9996, "1.00 s"), (9.994, "9.99 s"), (9.996, "10.0 s")),
        *((99.94, "99.9 s"), (99.96, "1m 40s"), (247, "4m 07s"), (3599.6, "1h 00m"), (11_520, "3h 12m")),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert short_time(seconds) == text


@pytest.mark.parametrize(
    ("offset", "text"),
    [
        (0, "0.000"),
        (12.3456, "12.346"),
        (99.9996, "1:40.0"),
        (247.34, "4:07.3"),
        (3599.96, "1:00:00"),
        (11_565, "3:12:45"),
    ],
)
def test_times_since_the_beginning(offset: float, text: str) -> None:
    assert clock_time(offset) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0"),
        (999, "999"),
        (1_000, "1.0k"),
        (99_949, "99.9k"),
        (99_951, "100k"),
        (999_499, "999k"),
        (999_500, "1.0M"),
        (1_200_000, "1.2M"),
    ],
)
def test_counts(count: int, text: str) -> None:
    assert short_count(count) == text


@pytest.mark.parametrize(
    ("usd", "text"),
    [
        *((None, "unknown"), (Decimal(0), "$0.0000"), (Decimal("0.00004"), "<$.0001"), (Decimal("0.0012"), "$0.0012")),
        *((Decimal("9.9999"), "$9.9999"), (Decimal("1234.5"), "$1,234.50")),
    ],
)
def test_money(usd: Decimal | None, text: str) -> None:
    assert short_money(usd) == text


@given(value=st.floats(0, 86_400))
def test_times_of_a_run_fit_their_columns(value: float) -> None:
    assert len(short_time(value)) <= 7
    assert len(clock_time(value)) <= 8
