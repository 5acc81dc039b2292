"""What the same containers would cost on machines of one's own, and from how many runs a month on that is cheaper.

Only running time is compared: the model costs the same wherever its tools run. Machines come whole, so the cost of
one's own grows in steps while the hosted runtime's grows with every second.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from workbench.cost.prices import user_file as user_prices
from workbench.definition.problems import DefinitionError
from workbench.definition.validation import fault, validate
from workbench.definition.yamlfile import read_yaml

BUILTIN_FILE: Final = Path(__file__).with_name("selfhost.yaml")
"""The example that comes with the workbench."""

_LARGEST_DENOMINATOR: Final = 10**12

SECONDS_PER_MONTH: Final = Decimal(730 * 3_600)
"""An average month."""


def user_file(environment: Mapping[str, str] = os.environ) -> Path:
    """Where the user's own rates are: `selfhost.yaml` beside the user's own prices."""
    return user_prices(environment).with_name("selfhost.yaml")


@dataclass(frozen=True, slots=True)
class SelfHostRates:
    """What machines of one's own cost, in USD a month, and carry. `source` is the file that says so."""

    machine_usd: Decimal
    runs_at_once: int
    busy_share: Decimal
    fixed_usd: Decimal
    source: Path

    @property
    def is_example(self) -> bool:
        """Whether these are the example's rates and not the user's."""
        return self.source == BUILTIN_FILE

    @property
    def seconds_per_machine(self) -> Decimal:
        """How many seconds of runs one machine carries a month."""
        return self.runs_at_once * self.busy_share * SECONDS_PER_MONTH


@dataclass(frozen=True, slots=True)
class SelfHosted:
    """A month of runs, hosted and on machines of one's own, runtime only, in USD.

    `cheaper_from` is the least number of runs a month for which one's own are not dearer, None if there is none: then
    a machine that is as busy as said costs more than the hosted runtime of all that it carries.
    """

    runs: int
    seconds: Decimal
    hosted_usd: Decimal
    own_usd: Decimal
    machines: int
    cheaper_from: int | None


def load_rates(path: Path | None = None) -> SelfHostRates:
    """The rates in `path`, by default the user's if that file exists, else the example's.

    Raises:
        DefinitionError: the file cannot be read or used; holds all problems with their lines.
    """
    own = user_file()
    chosen = path or (own if own.exists() else BUILTIN_FILE)
    part, problems = validate(_Rates, read_yaml(chosen))
    if part is None:
        raise DefinitionError(problems)
    return SelfHostRates(
        part.machine_usd_per_month, part.runs_at_once, part.busy_share, part.fixed_usd_per_month, chosen
    )


def self_hosted(rates: SelfHostRates, runs: int, seconds: Decimal, hosted_usd_a_run: Decimal) -> SelfHosted:
    """A month of `runs` runs that take `seconds` each, at `hosted_usd_a_run` where they are hosted.

    Raises:
        ValueError: the number of runs or the seconds are negative.
    """
    if runs < 0 or seconds < 0:
        raise ValueError("a month has no negative runs or seconds")
    machines = _machines(rates, runs, seconds)
    return SelfHosted(
        runs=runs,
        seconds=seconds,
        hosted_usd=runs * hosted_usd_a_run,
        own_usd=rates.fixed_usd + machines * rates.machine_usd,
        machines=machines,
        cheaper_from=_cheaper_from(rates, seconds, hosted_usd_a_run),
    )


def _machines(rates: SelfHostRates, runs: int, seconds: Decimal) -> int:
    """The machines that so many runs need; one at least, since it must be there for the first run."""
    if seconds == 0:
        return 1
    return max(1, math.ceil(runs * Fraction(seconds) / Fraction(rates.seconds_per_machine)))


def _cheaper_from(rates: SelfHostRates, seconds: Decimal, hosted_usd_a_run: Decimal) -> int | None:
    """The least number of runs whose hosted runtime costs no less than the machines that they need.

    With m machines that is so from (fixed + m x machine) / hosted on, if they carry that many. The first m for which
    they do is the one whose full load has earned the fixed costs.
    """
    if hosted_usd_a_run <= 0 or seconds == 0:
        return None
    machine, fixed, hosted = Fraction(rates.machine_usd), Fraction(rates.fixed_usd), exact_price(hosted_usd_a_run)
    carried = Fraction(rates.seconds_per_machine) / Fraction(seconds)
    gain = carried * hosted - machine
    if gain < 0 or (gain == 0 and fixed > 0):
        return None
    first = 1 if fixed == 0 else max(1, math.ceil(fixed / gain))
    for machines in range(first, first + 3):  # whole runs may just not fit into the first
        runs = max(1, math.ceil((fixed + machines * machine) / hosted))
        if runs <= machines * carried:
            return max(runs, math.floor((machines - 1) * carried) + 1)
    return None


def exact_price(usd: Decimal) -> Fraction:
    """A price without the rounding of its last digits: what a part of an hour costs is a simple fraction."""
    return Fraction(usd).limit_denominator(_LARGEST_DENOMINATOR)


def _decimal(value: Any) -> Any:
    """A number exactly as it is written."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise fault("this is no number", expected="a number, such as 60")
    return Decimal(str(getattr(value, "text", value)))


_Amount = Annotated[Decimal, BeforeValidator(_decimal), Field(ge=0, le=1_000_000)]
_Share = Annotated[Decimal, BeforeValidator(_decimal), Field(gt=0, le=1)]


class _Rates(BaseModel):
    """The shape of selfhost.yaml."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    machine_usd_per_month: _Amount
    runs_at_once: Annotated[int, Field(ge=1, le=100_000)]
    busy_share: _Share
    fixed_usd_per_month: _Amount
