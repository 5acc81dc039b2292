from __future__ import annotations

import pytest

from workbench.definition.agent import Thinking
from workbench.definition.model_names import KNOWN_MODELS
from workbench.model.capabilities import MODELS, UNKNOWN, base_id, capabilities, default_max_tokens


def test_every_current_model_is_in_the_table() -> None:
    assert set(KNOWN_MODELS) - set(MODELS) == {"claude-mythos-preview"}  # retired


@pytest.mark.parametrize(
    "written",
    [
        "claude-haiku-4-5",
        "claude-haiku-4-5-20251001",
        "claude-haiku-4-5-latest",
        "anthropic/claude-haiku-4-5",
        "us.anthropic.claude-haiku-4-5-20251001-v1:0",
        "claude-haiku-4-5@20251001",
        "Claude-Haiku-4-5",
        "claude-haiku-4-5[1m]",
    ],
)
def test_the_ways_to_write_an_id_mean_one_model(written: str) -> None:
    assert base_id(written) == "claude-haiku-4-5"
    assert capabilities(written) is MODELS["claude-haiku-4-5"]


@pytest.mark.parametrize("model", ["qwen3:8b", "llama", "", "claude", "claude-opus-9"])
def test_an_unknown_id_gets_the_smallest_assumptions(model: str) -> None:
    assert capabilities(model) is UNKNOWN


@pytest.mark.parametrize("model", [*MODELS, "qwen3:8b"])
def test_the_default_reply_fits_into_the_model(model: str) -> None:
    assert 4_096 <= default_max_tokens(model) <= capabilities(model).max_output


def test_models_that_think_get_more_room() -> None:
    assert default_max_tokens("claude-haiku-4-5") == 8_192
    assert default_max_tokens("claude-opus-5-5") == 16_384
    assert default_max_tokens("claude-opus-4-7", Thinking("adaptive")) == 16_384
    assert default_max_tokens("claude-opus-5", Thinking("disabled")) == 8_192


def test_a_thinking_budget_comes_on_top() -> None:
    assert default_max_tokens("claude-haiku-4-5", Thinking("enabled", 10_000)) == 18_192
    assert default_max_tokens("claude-haiku-4-5", Thinking("enabled", 60_000)) == 64_000
    assert default_max_tokens("qwen3:8b", Thinking("enabled", 10_000)) == 18_192


@pytest.mark.parametrize("model", MODELS)
def test_the_table_is_consistent(model: str) -> None:
    able = MODELS[model]
    assert able.max_output < able.context_window
    assert able.default_effort is None or able.default_effort in able.efforts
    assert able.thinks_unasked <= ("adaptive" in able.thinking)
    assert able.disabled_up_to is None or "disabled" in able.thinking
