"""The estimate of prompt tokens errs on the high side."""

from __future__ import annotations

import base64
import json
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.cost.tokens import (
    IMAGE_TOKENS,
    TOOL_USE_TOKENS,
    GrowingEstimate,
    estimate_prompt_tokens,
    estimate_text_tokens,
)
from workbench.jsontypes import JsonObject

CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

PROSE = "The quick brown fox jumps over the lazy dog. " * 200


def message(content: str | list[JsonObject]) -> JsonObject:
    return {"role": "user", "content": content}


def test_prose_is_counted_at_half_a_token_a_byte() -> None:
    assert estimate_text_tokens(PROSE) == len(PROSE) // 2
    assert estimate_text_tokens("") == 0
    assert estimate_text_tokens("a") == 1


@pytest.mark.parametrize(
    "text",
    ["日本語のテキスト", "😀😀", base64.b64encode(Random(1).randbytes(300)).decode(), "0123456789abcdef" * 4, "\ud800"],
)
def test_what_tokenizes_badly_is_counted_by_the_byte(text: str) -> None:
    """No byte-pair tokenizer makes more tokens than there are bytes."""
    assert estimate_text_tokens(text) == len(text.encode("utf-8", "surrogatepass"))


@CALM
@given(st.text(), st.text())
def test_more_text_is_never_fewer_tokens(one: str, other: str) -> None:
    assert estimate_text_tokens(one + other) >= max(estimate_text_tokens(one), estimate_text_tokens(other))
    assert 2 * estimate_text_tokens(one) >= len(one.encode("utf-8", "surrogatepass"))


def test_every_part_of_a_request_counts() -> None:
    system: list[JsonObject] = [{"type": "text", "text": PROSE}]
    tools: list[JsonObject] = [{"name": "bash", "description": PROSE, "input_schema": {"type": "object"}}]
    messages = [message(PROSE), message([{"type": "text", "text": PROSE}])]
    alone = len(PROSE) // 2
    whole = estimate_prompt_tokens(system, messages, tools)
    assert whole > 4 * alone + TOOL_USE_TOKENS
    parts = (
        estimate_prompt_tokens(system, [], []),
        *(estimate_prompt_tokens([], [one], []) for one in messages),
        estimate_prompt_tokens([], [], tools),
    )
    assert whole == sum(parts)
    assert all(part > alone for part in parts)


def test_arguments_and_results_of_tools_count() -> None:
    call: JsonObject = {
        "type": "tool_use",
        "id": "t",
        "name": "x",
        "input": {"a": [1, None, True, 2.5], "b": {"c": PROSE}},
    }
    result: JsonObject = {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": PROSE}]}
    estimate = estimate_prompt_tokens([], [message([call]), message([result])], [])
    assert estimate > len(json.dumps([call, result])) // 2


def test_an_image_counts_as_the_largest_one_whatever_its_bytes() -> None:
    def image(size: int) -> JsonObject:
        return {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "A" * size}}

    small, large = (estimate_prompt_tokens([], [message([image(size)])], []) for size in (10, 4_000_000))
    assert small == large > IMAGE_TOKENS
    nested: JsonObject = {"type": "tool_result", "tool_use_id": "t", "content": [image(10), image(10)]}
    assert estimate_prompt_tokens([], [message([nested])], []) > 2 * IMAGE_TOKENS


def test_a_document_counts_by_its_bytes() -> None:
    source: JsonObject = {
        "type": "base64",
        "media_type": "application/pdf",
        "data": base64.b64encode(bytes(30_000)).decode(),
    }
    assert estimate_prompt_tokens([], [message([{"type": "document", "source": source}])], []) >= 30_000


def test_a_growing_conversation_is_estimated_as_if_it_were_counted_whole() -> None:
    system: list[JsonObject] = [{"type": "text", "text": "Be brief."}]
    tools: list[JsonObject] = [{"name": "read", "input_schema": {"type": "object"}}]
    messages = [message([{"type": "text", "text": f"message {number} " * number}]) for number in range(1, 9)]
    growing = GrowingEstimate()
    for known in (1, 3, 8):
        told = messages[:known]
        assert growing.prompt_tokens(system, told, tools) == estimate_prompt_tokens(system, told, tools)
    replaced = [*messages[:4], message([{"type": "text", "text": "another"}])]
    assert growing.prompt_tokens(system, replaced, []) == estimate_prompt_tokens(system, replaced, [])
