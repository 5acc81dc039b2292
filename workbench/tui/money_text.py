"""Money and shares as the cost meter writes them: exact, where `amounts` is short."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

_SHORT = (
    (Decimal("0.01"), Decimal("0.000001")),
    (Decimal(10), Decimal("0.0001")),
    (Decimal(1_000), Decimal("0.01")),
)
"""Below each amount, the smallest part of a dollar that is written."""


def usd(amount: Decimal | None) -> str:
    """An amount in USD: to the microdollar below a cent, to the cent from ten dollars on; `unknown` without a price.

    Zeros at the end are left out, but for those of whole cents.
    """
    if amount is None:
        return "unknown"
    if not amount:
        return "$0"
    place = next((place for below, place in _SHORT if abs(amount) < below), Decimal(1))
    written = f"{abs(amount.quantize(place, ROUND_HALF_EVEN)):,}"
    whole, point, part = written.partition(".")
    sign = "-" if amount < 0 else ""
    return f"{sign}${whole}{point}{part[:2]}{part[2:].rstrip('0')}"


def percent(share: Decimal) -> str:
    """A share of 0 to 1, as 0%, 0.4%, 7%, 100%: only nothing is 0%."""
    if 0 < share < Decimal("0.01"):
        return "<0.1%" if share < Decimal("0.001") else f"{share * 100:.1f}%"
    return f"{share * 100:.0f}%"
