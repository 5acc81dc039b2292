"""What a request under way will probably cost."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from workbench.cost.estimate import Estimate, estimate
from workbench.cost.meter import Meter, StepCost
from workbench.cost.usage import Usage
from workbench.jsontypes import JsonObject
from workbench.trace.events import ModelRequest

WORST = Decimal("0.03")


def request(said: str) -> ModelRequest:
    """The request that carries the last reply and a result of `said`."""
    reply: JsonObject = {"role": "assistant", "content": [{"type": "text", "text": "x" * 10_000}]}
    result: JsonObject = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": said}]}
    return ModelRequest("claude-haiku-4-5", 3, "d" * 32, 1, (reply, result), {}, worst_case_usd=WORST)


def meter(*replies: Usage) -> Meter:
    steps = tuple(
        StepCost(step, usage, Decimal("0.01"), from_tape=False) for step, usage in enumerate(replies, start=1)
    )
    return Meter(usage=sum(replies, Usage()), replies=len(replies), steps=steps)


def asked(before: Meter, said: str = "") -> tuple[Usage, Estimate]:
    """The usage that is expected, and the estimate."""
    priced: list[Usage] = []

    def price(usage: Usage) -> Decimal:
        priced.append(usage)
        return Decimal("0.004")

    made = estimate(before, request(said), price)
    return (priced[0] if priced else Usage()), made


def test_before_the_first_reply_only_the_worst_case_is_known() -> None:
    assert asked(Meter())[1] == Estimate(WORST, None)


def test_the_next_prompt_is_the_last_one_the_last_reply_and_what_was_added() -> None:
    usage, made = asked(meter(Usage(1_000, 60), Usage(1_100, 40)), "result " * 400)
    assert made == Estimate(WORST, Decimal("0.004"))
    assert usage.output_tokens == 50
    assert 1_140 + 400 < usage.input_tokens < 1_140 + 1_000
    assert usage.cache_read_tokens == 0


def test_the_models_own_reply_is_counted_once() -> None:
    usage, _ = asked(meter(Usage(1_000, 60)))
    assert 1_060 <= usage.input_tokens < 1_160


def test_a_cached_prompt_is_expected_from_the_cache() -> None:
    usage, _ = asked(meter(Usage(5, 60, 900, 100)))
    assert (usage.input_tokens, usage.cache_read_tokens) == (0, 1_005)
    assert usage.cache_write_5m_tokens >= 60
    assert usage.cache_write_1h_tokens == 0
    assert asked(meter(Usage(5, 60, 900, 0, 100)))[0].cache_write_1h_tokens >= 60


def test_after_a_reply_from_tape_the_cache_is_cold() -> None:
    taped = meter(Usage(5, 60, 900, 100))
    taped = replace(taped, steps=tuple(replace(step, from_tape=True) for step in taped.steps))
    usage, _ = asked(taped)
    assert usage.cache_read_tokens == 0
    assert usage.cache_write_5m_tokens >= 1_065


def test_an_unknown_price_is_not_guessed() -> None:
    assert estimate(meter(Usage(1, 1)), request(""), lambda usage: None) == Estimate(WORST, None)
