"""The same runs on machines of one's own: what they cost, and from when on that is cheaper."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.cost.prices import BUILTIN_FILE as PRICE_FILE
from workbench.cost.prices import PriceList
from workbench.cost.selfhost import BUILTIN_FILE, SelfHostRates, exact_price, load_rates, self_hosted, user_file
from workbench.definition.problems import DefinitionError

PRICES = PriceList.load(PRICE_FILE)
EXAMPLE = SelfHostRates(Decimal(60), 8, Decimal("0.3"), Decimal(0), BUILTIN_FILE)


@pytest.mark.parametrize(
    ("runs", "seconds", "hosted", "cheaper_from"),
    [
        pytest.param(10_000, "3.2", "0.71", 843_750, id="tickets"),
        pytest.param(800, "270", "4.80", 10_000, id="reviews"),
        pytest.param(30, "12600", "8.40", 215, id="nights"),
    ],
)
def test_three_workloads(runs: int, seconds: str, hosted: str, cheaper_from: int) -> None:
    found = self_hosted(EXAMPLE, runs, Decimal(seconds), PRICES.runtime_cost(Decimal(seconds)))
    assert found.hosted_usd.quantize(Decimal("0.01")) == Decimal(hosted)
    assert (found.machines, found.own_usd) == (1, Decimal(60))
    assert found.cheaper_from == cheaper_from


def test_the_example_is_read() -> None:
    rates = load_rates(BUILTIN_FILE)
    assert rates == EXAMPLE
    assert rates.is_example


def test_the_users_file_is_beside_the_users_prices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert load_rates().is_example
    mine = user_file({"XDG_CONFIG_HOME": str(tmp_path)})
    assert mine == tmp_path / "agent-workbench" / "selfhost.yaml"
    mine.parent.mkdir()
    mine.write_text("machine_usd_per_month: 33.10\nruns_at_once: 4\nbusy_share: 1\nfixed_usd_per_month: 0\n")
    rates = load_rates()
    assert (rates.machine_usd, rates.busy_share, rates.source) == (Decimal("33.10"), Decimal(1), mine)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("busy_share: 1.5", "busy_share"),
        ("busy_share: some", "this is no number"),
        ("runs_at_once: 0", "runs_at_once"),
        ("machine_usd_per_mont: 3", "machine_usd_per_month"),
    ],
)
def test_mistakes_are_told_with_their_line(tmp_path: Path, line: str, said: str) -> None:
    values = {"machine_usd_per_month": "60", "runs_at_once": "8", "busy_share": "0.3", "fixed_usd_per_month": "0"}
    key, value = line.split(": ")
    values.pop("machine_usd_per_month" if key not in values else key)
    file = tmp_path / "selfhost.yaml"
    file.write_text(f"# mine\n{key}: {value}\n" + "".join(f"{name}: {text}\n" for name, text in values.items()))
    with pytest.raises(DefinitionError) as error:
        load_rates(file)
    assert f"{file}:2:" in str(error.value)
    assert said in str(error.value) + str(error.value.problems)


def test_a_machine_that_costs_more_than_all_it_carries_never_pays() -> None:
    dear = SelfHostRates(Decimal(10_000), 1, Decimal("0.1"), Decimal(0), Path("mine"))
    assert self_hosted(dear, 100, Decimal(60), PRICES.runtime_cost(Decimal(60))).cheaper_from is None


def test_runs_that_take_no_time_cost_nothing_hosted() -> None:
    found = self_hosted(EXAMPLE, 100, Decimal(0), Decimal(0))
    assert (found.hosted_usd, found.own_usd, found.cheaper_from) == (Decimal(0), Decimal(60), None)


@settings(deadline=None, max_examples=60)
@given(
    machine=st.integers(1, 400),
    fixed=st.integers(0, 600),
    at_once=st.integers(1, 3),
    busy=st.sampled_from(["0.1", "0.5", "1"]),
    seconds=st.integers(20_000, 900_000),
)
def test_it_is_the_first_number_of_runs_that_is_not_dearer(
    machine: int, fixed: int, at_once: int, busy: str, seconds: int
) -> None:
    """The plain definition, by trying one number after the other."""
    rates = SelfHostRates(Decimal(machine), at_once, Decimal(busy), Decimal(fixed), Path("mine"))
    a_run = PRICES.runtime_cost(Decimal(seconds))

    def pays(runs: int) -> bool:
        found = self_hosted(rates, runs, Decimal(seconds), a_run)
        return Fraction(found.own_usd) <= runs * exact_price(a_run)

    said = self_hosted(rates, 1, Decimal(seconds), a_run).cheaper_from
    tried = next((runs for runs in range(1, 3_000) if pays(runs)), None)
    assert tried == said or (tried is None and said is not None and said >= 3_000 and pays(said))
