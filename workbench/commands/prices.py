"""`workbench prices`: the list prices that costs are computed with, and the file that changes them."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from workbench.commands.exit_codes import DONE, USAGE
from workbench.commands.problems import print_error
from workbench.cost import selfhost
from workbench.cost.pricefile import PriceFileError, Rates
from workbench.cost.prices import BUILTIN_FILE, PriceList, user_file


def run(options: argparse.Namespace) -> int:
    """Print the prices of today in USD per million tokens."""
    del options
    override = user_file()
    try:
        prices = PriceList.load()
    except PriceFileError as error:
        print_error(error)
        return USAGE
    today = datetime.now(UTC).date()
    print(
        f"{'model':<24} {'input':>8} {'write 5m':>9} {'write 1h':>9} {'read':>8} {'output':>8}   USD per million tokens"
    )
    for name, model in prices.models.items():
        begun = [dated for dated in model.dated if dated.begin is None or dated.begin <= today]
        if not begun:
            continue
        print(_line(name, begun[-1].rates))
        for tier in begun[-1].tiers:
            print(_line(f"  prompt > {tier.above:,}", tier.rates))
    state = "read" if override.is_file() else "not there"
    print(f"\nyour own prices: {override} ({state}); it has the form of {BUILTIN_FILE}")
    machines = selfhost.user_file()
    state = "read" if machines.is_file() else "not there"
    print(f"your own machines: {machines} ({state}); it has the form of {selfhost.BUILTIN_FILE}")
    return DONE


def _line(name: str, rates: Rates) -> str:
    write_5m, write_1h, read = (
        "-" if rate is None else rate for rate in (rates.cache_write_5m, rates.cache_write_1h, rates.cache_read)
    )
    return f"{name:<24} {rates.input:>8} {write_5m:>9} {write_1h:>9} {read:>8} {rates.output:>8}"
