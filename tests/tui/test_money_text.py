"""Money and shares in the cost meter."""

from __future__ import annotations

from decimal import Decimal

import pytest

from workbench.tui.money_text import percent, usd


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
    ("share", "written"), [("0", "0%"), ("0.0001", "<0.1%"), ("0.004", "0.4%"), ("0.07", "7%"), ("1.25", "125%")]
)
def test_shares(share: str, written: str) -> None:
    assert percent(Decimal(share)) == written
