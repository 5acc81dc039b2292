"""The list prices, and the arithmetic on them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.cost.pricefile import PriceFile, PriceFileError, parse_prices
from workbench.cost.prices import BUILTIN_FILE, PriceList, user_file
from workbench.cost.usage import Usage

CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

TODAY = date(2026, 11, 22)
MILLION = 1_000_000


@pytest.fixture(scope="module")
def prices() -> PriceList:
    return PriceList.of(parse_prices(BUILTIN_FILE.read_text("utf-8"), "prices.yaml"))


ROWS = {
    # input, 5m write, 1h write, cache read, output, context: USD per million tokens, tokens
    "claude-haiku-4-5": ("1", "1.25", "2", "0.10", "5", 200_000),
    "claude-haiku-4-5-20251001": ("1", "1.25", "2", "0.10", "5", 200_000),
    "claude-sonnet-4-5": ("3", "3.75", "6", "0.30", "15", 200_000),
    "claude-sonnet-4-5-20250929": ("3", "3.75", "6", "0.30", "15", 200_000),
    "claude-sonnet-4-6": ("3", "3.75", "6", "0.30", "15", MILLION),
    "claude-sonnet-5": ("2", "2.5", "4", "0.20", "10", MILLION),
    "claude-sonnet-5-5": ("2", "2.5", "4", "0.10", "10", MILLION),
    "claude-opus-4-5": ("5", "6.25", "10", "0.50", "25", 200_000),
    "claude-opus-4-5-20251101": ("5", "6.25", "10", "0.50", "25", 200_000),
    "claude-opus-4-6": ("5", "6.25", "10", "0.50", "25", MILLION),
    "claude-opus-4-7": ("5", "6.25", "10", "0.50", "25", MILLION),
    "claude-opus-4-8": ("5", "6.25", "10", "0.50", "25", MILLION),
    "claude-opus-5": ("5", "6.25", "10", "0.50", "25", MILLION),
    "claude-opus-5-5": ("4", "5", "8", "0.20", "20", MILLION),
    "claude-fable-5": ("10", "12.5", "20", "1.00", "50", MILLION),
    "claude-mythos-5": ("10", "12.5", "20", "1.00", "50", MILLION),
    "claude-fable-5-1": ("10", "12.5", "20", "0.25", "50", MILLION),
    "claude-mythos-5-1": ("10", "12.5", "20", "0.25", "50", MILLION),
    "claude-fable-5-2": ("8", "10", "16", "0.20", "40", MILLION),
    "claude-mythos-5-2": ("8", "10", "16", "0.20", "40", MILLION),
}


@pytest.mark.parametrize("model", ROWS)
def test_every_row_of_the_list(prices: PriceList, model: str) -> None:
    *rates, context = ROWS[model]
    usages = (
        Usage(input_tokens=MILLION),
        Usage(cache_write_5m_tokens=MILLION),
        Usage(cache_write_1h_tokens=MILLION),
        Usage(cache_read_tokens=MILLION),
        Usage(output_tokens=MILLION),
    )
    assert [prices.cost(model, usage, TODAY) for usage in usages] == [Decimal(str(rate)) for rate in rates]
    assert prices.context(model) == context


def test_the_list_has_no_row_that_is_not_checked(prices: PriceList) -> None:
    assert set(prices.names) == {*ROWS, "claude-haiku-5-5"}
    assert prices.sources["anthropic"].startswith("https://")


def test_a_long_prompt_of_haiku_5_5_has_another_price_as_a_whole(prices: PriceList) -> None:
    def cost(usage: Usage) -> Decimal | None:
        return prices.cost("claude-haiku-5-5", usage, TODAY)

    assert cost(Usage(input_tokens=100_000, output_tokens=1_000)) == Decimal("0.0105")
    assert cost(Usage(input_tokens=100_001, output_tokens=1_000)) == Decimal("0.0525005")
    assert cost(Usage(1, 0, 100_000)) == Decimal("0.0050005")  # what was cached is part of the prompt
    assert cost(Usage(0, 0, 0, 60_000, 60_000)) == Decimal("0.0975")


def test_prices_change_on_their_day(prices: PriceList) -> None:
    cached = Usage(cache_read_tokens=MILLION)
    assert prices.cost("claude-sonnet-5-5", cached, date(2026, 10, 6)) == Decimal("0.20")
    assert prices.cost("claude-sonnet-5-5", cached, date(2026, 10, 7)) == Decimal("0.10")
    long = Usage(input_tokens=300_000, output_tokens=1_000)
    assert prices.cost("claude-opus-4-6", long, date(2026, 3, 12)) == Decimal("3.0375")
    assert prices.cost("claude-opus-4-6", long, date(2026, 3, 13)) == Decimal("1.525")


def test_the_day_of_a_time_is_that_of_utc(prices: PriceList) -> None:
    cached = Usage(cache_read_tokens=MILLION)
    early = datetime(2026, 10, 7, 1, 0, tzinfo=timezone(timedelta(hours=2)))
    assert prices.cost("claude-sonnet-5-5", cached, early) == Decimal("0.20")
    assert prices.cost("claude-sonnet-5-5", cached, early.astimezone(UTC) + timedelta(hours=1)) == Decimal("0.10")


@pytest.mark.parametrize("model", ["claude-haiku-4-5-x", "haiku-4-5", "claude-haiku", "Claude-Haiku-4-5", "", "llama3"])
def test_a_model_that_is_not_listed_exactly_is_unknown_and_never_free(prices: PriceList, model: str) -> None:
    assert prices.cost(model, Usage(10, 10), TODAY) is None
    assert prices.cost(model, Usage(), TODAY) is None
    assert prices.worst_case(model, 10, 10, TODAY) is None
    assert prices.context(model) is None


def test_all_kinds_of_tokens_add_up_exactly(prices: PriceList) -> None:
    usage = Usage(1_234, 567, 89_012, 3_456, 7_890, 100, 3)
    by_hand = Decimal("0.001234") + Decimal("0.002835") + Decimal("0.0089012") + Decimal("0.00432") + Decimal("0.01578")
    assert prices.cost("claude-haiku-4-5", usage, TODAY) == by_hand + Decimal("0.03")


USAGES = st.builds(Usage, *[st.integers(0, 100_000)] * 5)


@CALM
@given(USAGES, USAGES)
def test_cost_adds_up_over_replies(one: Usage, other: Usage) -> None:
    prices = PriceList.load(BUILTIN_FILE)
    costs = [prices.cost("claude-opus-5-5", usage, TODAY) for usage in (one, other, one + other)]
    assert costs[0] is not None
    assert costs[1] is not None
    assert costs[0] + costs[1] == costs[2]


@CALM
@given(USAGES, st.sampled_from(["claude-haiku-4-5", "claude-haiku-5-5", "claude-opus-5-5"]), st.integers(0, 50_000))
def test_no_reply_costs_more_than_the_worst_case(usage: Usage, model: str, overestimate: int) -> None:
    prices = PriceList.load(BUILTIN_FILE)
    prompt, reply = usage.total_input_tokens + overestimate, usage.output_tokens + overestimate
    worst, cost = prices.worst_case(model, prompt, reply, TODAY), prices.cost(model, usage, TODAY)
    assert worst is not None
    assert cost is not None
    assert worst >= cost


def test_the_worst_case_by_hand(prices: PriceList) -> None:
    assert prices.worst_case("claude-haiku-4-5", 1_000, 8_192, TODAY) == Decimal("0.04296")
    assert prices.worst_case("claude-haiku-4-5", 0, 0, TODAY, web_searches=5) == Decimal("0.05")
    assert prices.worst_case("claude-haiku-5-5", 100_001, 0, TODAY) == Decimal("0.100001")


def test_running_time_is_metered_to_the_millisecond(prices: PriceList) -> None:
    assert prices.runtime_cost(Decimal(3_600)) == Decimal("0.08")
    assert prices.runtime_cost(Decimal("4.5")) == Decimal("0.0001")
    assert prices.runtime_cost(Decimal("0.0004")) == 0
    assert prices.runtime_cost(Decimal("0.0006")) == prices.runtime_cost(Decimal("0.001")) > 0
    assert prices.runtime_cost(Decimal(45), date(2020, 1, 1)) == Decimal("0.001")


def own(tmp_path: Path, text: str) -> PriceList:
    path = tmp_path / "own.yaml"
    path.write_text(text, "utf-8")
    return PriceList.load(path)


def test_the_user_s_prices_replace_and_add(tmp_path: Path, prices: PriceList) -> None:
    merged = own(
        tmp_path,
        """
        runtime: [{usd_per_hour: 0}, {from: 2027-01-01, usd_per_hour: 0.5}]
        models:
          llama3: {prices: [{input: 0, output: 0}]}
          claude-haiku-4-5: {context: 5, prices: [{input: 9, output: 9}]}
        """,
    )
    assert merged.cost("llama3", Usage(10, 10), TODAY) == 0
    assert merged.cost("claude-haiku-4-5", Usage(MILLION), TODAY) == 9
    assert merged.context("claude-haiku-4-5") == 5
    assert merged.cost("claude-haiku-4-5-20251001", Usage(MILLION), TODAY) is None  # it replaces the whole entry
    assert merged.cost("claude-opus-5", Usage(MILLION), TODAY) == 5
    assert merged.runtime_cost(Decimal(3_600), TODAY) == 0
    assert merged.runtime_cost(Decimal(3_600)) == Decimal("0.5")
    assert merged.cost("claude-opus-5", Usage(web_searches=1_000), TODAY) == 10
    assert merged.sources["yours"] == str(tmp_path / "own.yaml")
    assert merged.sources["anthropic"] == prices.sources["anthropic"]


def test_an_alias_that_the_user_takes_is_the_user_s(tmp_path: Path) -> None:
    merged = own(tmp_path, "models: {mine: {aliases: [claude-haiku-4-5-20251001], prices: [{input: 7, output: 7}]}}")
    assert merged.cost("claude-haiku-4-5-20251001", Usage(MILLION), TODAY) == 7
    assert merged.cost("claude-haiku-4-5", Usage(MILLION), TODAY) == 1


def test_a_kind_without_a_price_is_unknown_only_when_it_is_used(tmp_path: Path) -> None:
    merged = own(tmp_path, "models: {m: {prices: [{input: 1, output: 2, cache_read: 0}]}}")
    assert merged.cost("m", Usage(MILLION, MILLION, MILLION), TODAY) == 3
    assert merged.cost("m", Usage(cache_write_5m_tokens=1), TODAY) is None
    assert merged.worst_case("m", MILLION, 0, TODAY) == 1


def test_before_its_first_price_a_model_has_none(tmp_path: Path) -> None:
    merged = own(tmp_path, "models: {m: {prices: [{from: 2026-05-01, input: 1, output: 2}]}}")
    assert merged.cost("m", Usage(1), date(2026, 4, 30)) is None
    assert merged.cost("m", Usage(MILLION), date(2026, 5, 1)) == 1


def test_prices_may_be_listed_in_any_order(tmp_path: Path) -> None:
    merged = own(
        tmp_path,
        "models: {m: {prices: [{from: 2026-05-01, input: 3, output: 0}, {input: 1, output: 0},"
        " {from: 2026-02-01, input: 2, output: 0}]}}",
    )
    costs = [merged.cost("m", Usage(MILLION), date(2026, month, 10)) for month in (1, 3, 6)]
    assert costs == [1, 2, 3]


def test_without_searches_priced_a_search_is_unknown() -> None:
    bare = PriceList.of(PriceFile(parse_prices("models: {m: {prices: [{input: 1, output: 1}]}}", "x").models))
    assert bare.cost("m", Usage(web_searches=1), TODAY) is None
    assert bare.cost("m", Usage(MILLION), TODAY) == 1


BAD = {
    "models: {m: {prices: [{input: -1, output: 1}]}}": "own.yaml:1:31: input: expected an amount in USD",
    "models: {m: {prices: [{input: lots, output: 1}]}}": "found 'lots'",
    "models: {m: {prices: [{input: .nan, output: 1}]}}": "expected an amount",
    "models:\n  m:\n    price: []": "own.yaml:3:12: price: unknown key 'price'; allowed are aliases, context, prices",
    "models:\n  m:\n    prices:\n      - {input: 1}": "own.yaml:4:9: prices: output is missing",
    "models: {m: {}}": "prices is missing",
    "models: {m: {prices: []}}": "at least one price",
    "models: {m: {prices: {input: 1}}}": "expected a list",
    "models: [m]": "expected a mapping",
    "models: {m: {prices: [{from: soon, input: 1, output: 1}]}}": "expected a day such as 2026-10-07, found 'soon'",
    "models: {m: {context: 1.5, prices: [{input: 1, output: 1}]}}": "whole number of tokens, found '1.5'",
    "models: {m: {prices: [{input: 1, output: 1}, {input: 2, output: 2}]}}": "begin on the same day",
    "models: {m: {prices: [{input: 1, output: 1, tiers: [{input: 1, output: 2}]}]}}": "above is missing",
    "models: {m: {prices: [{input: 1, output: [1]}]}}": "output: expected text",
    "models: {m: {prices: [{input: 1, input: 2, output: 1}]}}": "input: is here twice",
    "models: {a: &a {aliases: [x], prices: [{input: 1, output: 1}]}, b: *a}": "x means both a and b",
    "runtime: [{usd_per_hour: 1, per: day}]": "unknown key 'per'",
    "surprise: 1": "unknown key 'surprise'",
    "just text": "expected a mapping",
    "a: [": "own.yaml: while parsing",
    "[" * 900_000: "own.yaml:1:19: nested too deeply",
    "- " * 400_000: "nested too deeply",
}


@pytest.mark.parametrize("text", BAD, ids=lambda text: text[:60])
def test_a_mistake_in_the_user_s_file_is_named_with_its_place(tmp_path: Path, text: str) -> None:
    with pytest.raises(PriceFileError) as caught:
        own(tmp_path, text)
    assert BAD[text] in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path / "own.yaml"))


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(PriceFileError, match="cannot be read"):
        PriceList.load(tmp_path / "missing.yaml")
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PriceFileError, match="UTF-8"):
        PriceList.load(tmp_path / "bytes.yaml")
    (tmp_path / "big.yaml").write_text("#" * (1 << 20) + "\n")
    with pytest.raises(PriceFileError, match="too big"):
        PriceList.load(tmp_path / "big.yaml")


@pytest.mark.parametrize("text", ["", "# nothing\n", "models: {}"])
def test_an_empty_file_changes_nothing(tmp_path: Path, text: str, prices: PriceList) -> None:
    assert own(tmp_path, text).models == prices.models


def test_where_the_user_s_file_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert user_file({"XDG_CONFIG_HOME": str(tmp_path)}) == tmp_path / "agent-workbench" / "prices.yaml"
    assert user_file({"XDG_CONFIG_HOME": "relative"}) == Path.home() / ".config/agent-workbench/prices.yaml"
    assert user_file({}) == Path.home() / ".config/agent-workbench/prices.yaml"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert PriceList.load().cost("mine", Usage(1), TODAY) is None
    (tmp_path / "agent-workbench").mkdir()
    (tmp_path / "agent-workbench" / "prices.yaml").write_text("models: {mine: {prices: [{input: 1, output: 1}]}}")
    assert PriceList.load().cost("mine", Usage(MILLION), TODAY) == 1
