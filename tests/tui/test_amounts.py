"""Money, counts and times on the screen."""

from __future__ import annotations

from decimal import Decimal

import pytest

from workbench.tui.amounts import count, percent, seconds, usd


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        (None, "unknown"),
        (Decimal(0), "$0"),
        (Decimal("0.0000012"), "$0.000001"),
        (Decimal("0.001234"), "$0.001234"),
        (Decimal("0.0312"), "$0.0312"),
        (Decimal("0.5"), "$0.50"),
        (Decimal("12.3456"), "$12.35"),
        (Decimal("1234567.8"), "$1,234,568"),
        (Decimal("-0.02"), "-$0.02"),
    ],
)
def test_money(amount: Decimal | None, written: str) -> None:
    assert usd(amount) == written


@pytest.mark.parametrize(
    ("number", "written"),
    [(0, "0"), (12_345, "12,345"), (123_456, "123k"), (1_250_000, "1.2M"), (999_999_999, "1000M"), (5 * 10**9, "5.0G")],
)
def test_counts_take_six_characters_at_most(number: int, written: str) -> None:
    assert count(number) == written
    assert len(written) <= 6


@pytest.mark.parametrize(
    ("duration", "written"),
    [(0.087, "87 ms"), (4.521, "4.52 s"), (45.24, "45.2 s"), (725, "12 min 5 s"), (12_000, "3 h 20 min")],
)
def test_durations(duration: float, written: str) -> None:
    assert seconds(duration) == written


@pytest.mark.parametrize(
    ("share", "written"), [("0", "0%"), ("0.0001", "<0.1%"), ("0.004", "0.4%"), ("0.07", "7%"), ("1.25", "125%")]
)
def test_shares(share: str, written: str) -> None:
    assert percent(Decimal(share)) == written
