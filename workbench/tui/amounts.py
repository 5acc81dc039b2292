"""Money, counts and times as the screen writes them: as short as they may be without hiding anything."""

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


def count(number: int) -> str:
    """A number in at most six characters: 981, 12,345, 1.2M."""
    if abs(number) < 100_000:
        return f"{number:,}"
    for size, letter in ((1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")):
        if abs(number) >= size:
            part = number / size
            return f"{part:.1f}{letter}" if abs(part) < 100 else f"{part:.0f}{letter}"
    return str(number)


def seconds(duration: float) -> str:
    """A duration: 87 ms, 4.52 s, 12 min 5 s, 3 h 20 min."""
    if duration < 1:
        return f"{duration * 1000:.0f} ms"
    if duration < 120:
        return f"{duration:.2f} s" if duration < 10 else f"{duration:.1f} s"
    whole = round(duration)
    if whole < 7_200:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3_600} h {whole % 3_600 // 60} min"


def percent(share: Decimal) -> str:
    """A share of 0 to 1, as 0%, 0.4%, 7%, 100%: only nothing is 0%."""
    if 0 < share < Decimal("0.01"):
        return "<0.1%" if share < Decimal("0.001") else f"{share * 100:.1f}%"
    return f"{share * 100:.0f}%"
