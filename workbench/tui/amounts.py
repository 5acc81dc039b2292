"""Numbers in a few cells: times, tokens, money. What is unknown says so and is never nothing."""

from __future__ import annotations

from decimal import Decimal


def short_time(seconds: float) -> str:
    """A duration in at most seven cells: `7 ms`, `1.24 s`, `12.4 s`, `4m 07s`, `3h 12m`."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 9.995:
        return f"{seconds:.2f} s"
    if seconds < 99.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02d}s"
    return f"{whole // 3600}h {whole % 3600 // 60:02d}m"


def clock_time(offset: float) -> str:
    """The time since a run began in at most eight cells: `12.345`, `4:07.3`, `3:12:45`."""
    if offset < 99.9995:
        return f"{offset:.3f}"
    tenths = round(offset * 10)
    if tenths < 36_000:
        return f"{tenths // 600}:{tenths % 600 / 10:04.1f}"
    whole = round(offset)
    return f"{whole // 3600}:{whole % 3600 // 60:02d}:{whole % 60:02d}"


def short_count(count: int) -> str:
    """A count in at most five cells: `940`, `12.3k`, `1.2M`."""
    if count < 1000:
        return str(count)
    if count < 999_500:
        return f"{count / 1000:.1f}k" if count < 99_950 else f"{count / 1000:.0f}k"
    return f"{count / 1_000_000:.1f}M"


def short_money(usd: Decimal | None) -> str:
    """An amount of USD in at most eight cells or so: `$0.0012`, `$12.35`, `unknown` where there is no price."""
    if usd is None:
        return "unknown"
    if usd and usd < Decimal("0.00005"):
        return "<$.0001"
    return f"${usd:.4f}" if usd < 10 else f"${usd:,.2f}"
