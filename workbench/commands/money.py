"""Money, tokens and times as the commands print them."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from workbench.cost.amounts import UNKNOWN, usd
from workbench.cost.usage import Usage
from workbench.trace.events import Costs


def short_usd(amount: Decimal | None) -> str:
    """An amount with four decimals, for tables."""
    return UNKNOWN if amount is None else f"${amount:,.4f}"


def usd_option(text: str | None, option: str) -> Decimal | None:
    """The amount that an option gives, None where it is not given.

    Raises:
        ValueError: it is no amount above 0.
    """
    if text is None:
        return None
    try:
        amount = Decimal(text.removeprefix("$"))
    except InvalidOperation:
        amount = Decimal(-1)
    if not amount.is_finite() or amount <= 0:
        raise ValueError(f"{option} takes an amount of USD above 0, such as 0.50, not {text!r}")
    return amount


def tokens(usage: Usage) -> str:
    """Tokens by kind, in words."""
    parts = [f"{usage.input_tokens:,} in", f"{usage.output_tokens:,} out"]
    if usage.cache_read_tokens:
        parts.append(f"{usage.cache_read_tokens:,} cache read")
    if usage.cache_write_5m_tokens or usage.cache_write_1h_tokens:
        parts.append(f"{usage.cache_write_5m_tokens + usage.cache_write_1h_tokens:,} cache write")
    if usage.web_searches:
        parts.append(f"{usage.web_searches:,} searches")
    return " · ".join(parts)


def seconds(duration: float) -> str:
    """A duration: milliseconds below one second, minutes from two on."""
    if duration < 0.9995:
        return f"{duration * 1000:.0f} ms"
    if duration < 119.995:
        return f"{duration:.2f} s"
    minutes, rest = divmod(round(duration), 60)
    return f"{minutes} min {rest} s"


def cost_lines(usage: Usage, costs: Costs) -> list[str]:
    """The lines that tell a run's tokens and costs."""
    return [
        f"tokens   {tokens(usage)}",
        f"model    {usd(costs.model)}",
        f"runtime  {usd(costs.runtime)}  ({costs.runtime_seconds} s at $0.08 per hour)",
        f"total    {usd(costs.total)}",
    ]
