"""What models and running time cost, exactly: Decimal arithmetic in USD, prices by the day, unknown is never 0.

The list prices are in `prices.yaml` beside this module, with their source. A file of the user's own, of the same form,
adds models and replaces prices.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cache
from pathlib import Path
from typing import Self

from workbench.cost.pricefile import (
    DatedAmount,
    DatedRates,
    ModelPrices,
    PriceFile,
    PriceFileError,
    Rates,
    read_price_file,
)
from workbench.cost.usage import Usage

BUILTIN_FILE = Path(__file__).with_name("prices.yaml")
"""The list prices that come with the workbench."""

_MILLION = Decimal(1_000_000)
_HOUR = Decimal(3_600)
_MILLISECOND = Decimal("0.001")


def user_file(environment: Mapping[str, str] = os.environ) -> Path:
    """Where the user's own prices are: `agent-workbench/prices.yaml` in the XDG configuration folder."""
    configured = environment.get("XDG_CONFIG_HOME", "")
    folder = Path(configured) if Path(configured).is_absolute() else Path.home() / ".config"
    return folder / "agent-workbench" / "prices.yaml"


@dataclass(frozen=True, slots=True)
class PriceList:
    """All prices. `names` maps every id and alias to its entry in `models`; `sources` says where prices come from."""

    models: Mapping[str, ModelPrices]
    names: Mapping[str, str]
    runtime_per_hour: Sequence[DatedAmount]
    per_1000_searches: Sequence[DatedAmount]
    sources: Mapping[str, str]

    @classmethod
    def load(cls, override: Path | None = None) -> Self:
        """The list prices with the user's own on top: those of `override`, by default of `user_file()` if it exists.

        Raises:
            PriceFileError: the user's file cannot be read or is wrong; an `override` that does not exist is an error.
        """
        own = override if override is not None else user_file()
        if override is None and not own.exists():
            return cls.of(_builtin())
        return cls.of(_merged(_builtin(), read_price_file(own), str(own)))

    @classmethod
    def of(cls, prices: PriceFile) -> Self:
        """The list that one price file makes."""
        names = {alias: name for name, model in prices.models.items() for alias in (*model.aliases, name)}
        return cls(prices.models, names, prices.runtime_per_hour, prices.per_1000_searches, prices.sources)

    def cost(self, model: str, usage: Usage, at: date) -> Decimal | None:
        """The cost of one reply of `model` at its price of that day (UTC), None when a price that it needs is unknown.

        The usage must be that of a single reply: long prompts may have another price.
        """
        rates = self._rates(model, usage.total_input_tokens, at)
        searches = self._search_cost(usage.web_searches, at)
        if rates is None or searches is None:
            return None
        parts = (
            (usage.input_tokens, rates.input),
            (usage.output_tokens, rates.output),
            (usage.cache_read_tokens, rates.cache_read),
            (usage.cache_write_5m_tokens, rates.cache_write_5m),
            (usage.cache_write_1h_tokens, rates.cache_write_1h),
        )
        total = Decimal(0)
        for tokens, rate in parts:
            if tokens and rate is None:
                return None
            total += tokens * (rate or Decimal(0))
        return total / _MILLION + searches

    def worst_case(
        self, model: str, prompt_tokens: int, max_tokens: int, at: date, *, web_searches: int = 0
    ) -> Decimal | None:
        """The most that a request can cost: every prompt token at the dearest kind of input, a reply of `max_tokens`.

        Of the tiers that the prompt may reach the dearest counts. What a vendor's server tool adds to the prompt while
        the request runs cannot be known before; of it only `web_searches`, the most that it may make, are counted.
        None when the price is unknown.
        """
        dated = self._dated(model, at)
        searches = self._search_cost(web_searches, at)
        if dated is None or searches is None:
            return None
        reachable = [dated.rates, *(tier.rates for tier in dated.tiers if prompt_tokens > tier.above)]
        tokens = max(prompt_tokens * _dearest_input(rates) + max_tokens * rates.output for rates in reachable)
        return tokens / _MILLION + searches

    def runtime_cost(self, seconds: Decimal, at: date | None = None) -> Decimal:
        """The cost of running for that long, metered to the millisecond, at the rate of that day or the latest."""
        metered = seconds.quantize(_MILLISECOND, ROUND_HALF_EVEN)
        return metered * _amount_at(self.runtime_per_hour, at) / _HOUR

    def context(self, model: str) -> int | None:
        """The context window of a model in tokens, None when it is unknown."""
        name = self.names.get(model)
        return None if name is None else self.models[name].context

    def _dated(self, model: str, at: date) -> DatedRates | None:
        """The rates of that day; None for an unknown model, and for a day before its first price."""
        name = self.names.get(model)
        if name is None:
            return None
        day = _day(at)
        begun = [dated for dated in self.models[name].dated if dated.begin is None or dated.begin <= day]
        return begun[-1] if begun else None

    def _rates(self, model: str, prompt_tokens: int, at: date) -> Rates | None:
        dated = self._dated(model, at)
        if dated is None:
            return None
        reached = [tier.rates for tier in dated.tiers if prompt_tokens > tier.above]
        return reached[-1] if reached else dated.rates

    def _search_cost(self, searches: int, at: date) -> Decimal | None:
        if searches == 0:
            return Decimal(0)
        if not self.per_1000_searches:
            return None
        return searches * _amount_at(self.per_1000_searches, at) / 1000


def _dearest_input(rates: Rates) -> Decimal:
    known = (rates.input, rates.cache_read, rates.cache_write_5m, rates.cache_write_1h)
    return max(rate for rate in known if rate is not None)


def _amount_at(amounts: Sequence[DatedAmount], at: date | None) -> Decimal:
    """The amount of a day, the latest when none is given, the first for a day before them all."""
    day = date.max if at is None else _day(at)
    begun = [amount.usd for amount in amounts if amount.begin is None or amount.begin <= day]
    return begun[-1] if begun else amounts[0].usd


def _day(at: date) -> date:
    if isinstance(at, datetime):
        return at.astimezone(UTC).date()
    return at


@cache
def _builtin() -> PriceFile:
    return read_price_file(BUILTIN_FILE)


def _merged(listed: PriceFile, own: PriceFile, own_name: str) -> PriceFile:
    """The user's file over the list: a model that the user names, by its id or an alias, is the user's alone."""
    taken = {name for model, prices in own.models.items() for name in (model, *prices.aliases)}
    kept = {
        name: replace(model, aliases=tuple(alias for alias in model.aliases if alias not in taken))
        for name, model in listed.models.items()
        if name not in taken
    }
    return PriceFile(
        models=kept | dict(own.models),
        sources={**listed.sources, **own.sources, "yours": own_name},
        runtime_per_hour=own.runtime_per_hour or listed.runtime_per_hour,
        per_1000_searches=own.per_1000_searches or listed.per_1000_searches,
    )


__all__ = ["BUILTIN_FILE", "PriceFileError", "PriceList", "user_file"]
