"""Amounts of money on the command line."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation


def usd_above_zero(text: str | None, option: str) -> Decimal | None:
    """The amount of USD that an option gives, None where it is not given.

    Raises:
        ValueError: it is no amount above 0; the message names the option.
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
