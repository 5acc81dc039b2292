from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.definition.agent import Effort, ModelSettings, Thinking
from workbench.jsontypes import JsonObject
from workbench.model.capabilities import MODELS
from workbench.model.conversation import ModelError
from workbench.model.parameters import parameters

AUTO, ADAPTIVE, DISABLED = Thinking(), Thinking("adaptive"), Thinking("disabled")
BUDGET = Thinking("enabled", 2_000)
SUMMARY = {"type": "adaptive", "display": "summarized"}


def sent(model: str, thinking: Thinking = AUTO, effort: Effort | None = None, max_tokens: int = 4_096) -> JsonObject:
    return parameters(ModelSettings(model, effort=effort, thinking=thinking), max_tokens)


@pytest.mark.parametrize(
    ("model", "thinking", "expected"),
    [
        ("claude-haiku-4-5", AUTO, None),
        ("claude-haiku-4-5", BUDGET, {"type": "enabled", "budget_tokens": 2_000}),
        ("claude-haiku-4-5", DISABLED, {"type": "disabled"}),
        ("claude-sonnet-4-6", AUTO, None),
        ("claude-sonnet-4-6", ADAPTIVE, {"type": "adaptive"}),
        ("claude-opus-4-6", BUDGET, {"type": "enabled", "budget_tokens": 2_000}),
        ("claude-opus-4-8", AUTO, None),
        ("claude-opus-4-8", ADAPTIVE, SUMMARY),
        ("claude-sonnet-5", AUTO, SUMMARY),
        ("claude-opus-5", DISABLED, {"type": "disabled"}),
        ("claude-opus-5-5", AUTO, SUMMARY),
        ("claude-opus-5-5-20261101", ADAPTIVE, SUMMARY),
        ("claude-sonnet-5-5", AUTO, SUMMARY),
        ("claude-haiku-5-5", DISABLED, {"type": "disabled"}),
        ("qwen3:8b", AUTO, None),
        ("qwen3:8b", ADAPTIVE, {"type": "adaptive"}),
        ("qwen3:8b", BUDGET, {"type": "enabled", "budget_tokens": 2_000}),
    ],
)
def test_thinking_is_sent_as_the_model_takes_it(model: str, thinking: Thinking, expected: JsonObject | None) -> None:
    assert sent(model, thinking).get("thinking") == expected


@pytest.mark.parametrize(
    ("model", "thinking", "words"),
    [
        ("claude-haiku-4-5", ADAPTIVE, "claude-haiku-4-5 does not accept thinking adaptive. It accepts auto, enabled"),
        ("claude-opus-4-7", BUDGET, "does not accept thinking enabled. It accepts auto, adaptive and disabled"),
        ("claude-opus-5-5", BUDGET, "does not accept thinking enabled. It accepts auto and adaptive"),
        ("claude-opus-5-5", DISABLED, "does not accept thinking disabled. It always thinks."),
        ("claude-fable-5-1", DISABLED, "It always thinks."),
        ("claude-sonnet-5-5", DISABLED, "does not accept thinking disabled"),
    ],
)
def test_thinking_that_a_model_refuses_is_never_sent(model: str, thinking: Thinking, words: str) -> None:
    with pytest.raises(ModelError, match=words) as caught:
        sent(model, thinking)
    assert caught.value.kind == "unsupported_setting"
    assert caught.value.status is None


def test_effort_goes_into_the_output_config() -> None:
    assert sent("claude-opus-4-6", effort="max") == {"max_tokens": 4_096, "output_config": {"effort": "max"}}
    assert "output_config" not in sent("claude-opus-4-6")


@pytest.mark.parametrize(
    ("model", "effort", "words"),
    [
        ("claude-haiku-4-5", "low", "has no effort setting"),
        ("claude-sonnet-4-5", "high", "has no effort setting"),
        ("claude-opus-4-5", "max", "accepts low, medium and high"),
        ("claude-sonnet-4-6", "xhigh", "accepts low, medium, high and max"),
    ],
)
def test_effort_that_a_model_refuses_is_never_sent(model: str, effort: Effort, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        sent(model, effort=effort)


@pytest.mark.parametrize("model", ["claude-opus-5", "claude-haiku-5-5"])
def test_without_thinking_effort_is_limited(model: str) -> None:
    assert sent(model, DISABLED, "high")["thinking"] == {"type": "disabled"}
    with pytest.raises(ModelError, match="only up to effort high, and the effort is xhigh"):
        sent(model, DISABLED, "xhigh")


@pytest.mark.parametrize(
    ("thinking", "max_tokens", "words"),
    [
        (Thinking("enabled"), 4_096, "without budget_tokens"),
        (Thinking("enabled", 500), 4_096, "the least is 1,024"),
        (Thinking("enabled", 4_096), 4_096, "must be less than max_tokens, which is 4,096"),
        (AUTO, 64_001, "holds at most 64,000"),
        (AUTO, 0, "at least 1"),
    ],
)
def test_sizes_must_fit(thinking: Thinking, max_tokens: int, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        sent("claude-haiku-4-5", thinking, max_tokens=max_tokens)


@given(
    model=st.sampled_from([*MODELS, "local"]),
    thinking=st.builds(
        Thinking,
        st.sampled_from(["auto", "adaptive", "enabled", "disabled"]),
        st.one_of(st.none(), st.integers(0, 9_000)),
    ),
    effort=st.sampled_from([None, "low", "medium", "high", "xhigh", "max"]),
    max_tokens=st.integers(1, 200_000),
)
def test_what_is_sent_is_what_the_table_allows(
    model: str, thinking: Thinking, effort: Effort | None, max_tokens: int
) -> None:
    try:
        given_parameters = sent(model, thinking, effort, max_tokens)
    except ModelError as error:
        assert error.kind == "unsupported_setting"
        return
    able = MODELS.get(model)
    if able is None:
        return
    asked = given_parameters.get("thinking")
    assert asked is None or (isinstance(asked, dict) and asked["type"] in able.thinking and None not in asked.values())
    assert effort is None or effort in able.efforts
    assert max_tokens <= able.max_output
