from __future__ import annotations

import pytest

from workbench.definition.model_names import KNOWN_MODELS, meant_model


@pytest.mark.parametrize("model", [*KNOWN_MODELS, "claude-haiku-4-5-20251001", "claude-opus-4-5-20251101"])
def test_what_is_known_is_meant(model: str) -> None:
    assert meant_model(model) is None


@pytest.mark.parametrize(
    ("model", "meant"),
    [
        ("claude-haiku-4.5", "claude-haiku-4-5"),
        ("Claude-Haiku-4-5", "claude-haiku-4-5"),
        ("cluade-haiku-4-5", "claude-haiku-4-5"),
        ("haiku-4-5", "claude-haiku-4-5"),
        ("sonnet-4.6", "claude-sonnet-4-6"),
        ("claude-sonet-5", "claude-sonnet-5"),
        ("claude-opus-5_5", "claude-opus-5-5"),
    ],
)
def test_a_slip_of_the_pen(model: str, meant: str) -> None:
    assert meant_model(model) == meant


@pytest.mark.parametrize(
    "model",
    [
        "llama3.3:70b",
        "qwen3-coder",
        "anthropic/claude-haiku-4-5",
        "us.anthropic.claude-haiku-4-5-v1:0",
        "gpt-oss:20b",
        "x",
    ],
)
def test_models_of_others_are_left_alone(model: str) -> None:
    assert meant_model(model) is None
