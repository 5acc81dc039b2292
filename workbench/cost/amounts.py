"""Amounts of money as every output writes them: to the microdollar, rounded in one way, unknown never 0."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

_MICRODOLLAR: Final = Decimal("0.000001")
_CENT: Final = Decimal("0.01")

UNKNOWN: Final = "unknown"
"""What stands for an amount that is not known."""


def microdollars(amount: Decimal) -> Decimal:
    """The amount of USD rounded to six decimals."""
    return amount.quantize(_MICRODOLLAR, ROUND_HALF_EVEN)


def usd(amount: Decimal | None) -> str:
    """The amount with a dollar sign and six decimals: `$1,234.500000`, `-$0.000001`, `unknown`."""
    return UNKNOWN if amount is None else _signed(microdollars(amount), 6)


def usd_and_cents(amount: Decimal | None) -> str:
    """The amount with a dollar sign and two decimals, for sums over many runs."""
    return UNKNOWN if amount is None else _signed(amount.quantize(_CENT, ROUND_HALF_EVEN), 2)


def _signed(amount: Decimal, decimals: int) -> str:
    sign = "-" if amount < 0 else ""
    return f"{sign}${abs(amount):,.{decimals}f}"
