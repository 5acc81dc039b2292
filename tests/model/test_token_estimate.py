from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from workbench.model.token_estimate import output_tokens, prompt_tokens, segments, text_tokens

HAIKU, OPUS = "claude-haiku-4-5", "claude-opus-5-5"


def test_a_token_is_three_and_a_half_bytes() -> None:
    assert [text_tokens("x" * size, HAIKU) for size in (0, 1, 3, 4, 7, 8, 350)] == [0, 1, 1, 2, 2, 3, 100]
    assert text_tokens("é" * 7, HAIKU) == 4
    assert text_tokens("x" * 350, OPUS) == 130


@given(st.text(), st.text())
def test_more_text_is_more_tokens(one: str, other: str) -> None:
    both = text_tokens(one + other, HAIKU)
    assert max(text_tokens(one, HAIKU), text_tokens(other, HAIKU)) <= both
    assert both <= text_tokens(one, HAIKU) + text_tokens(other, HAIKU)


def test_the_parts_of_a_prompt() -> None:
    body: dict[str, Any] = {
        "model": HAIKU,
        "tools": [{"name": "t", "input_schema": {}, "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
        "system": [{"type": "text", "text": "x" * 35, "cache_control": {"type": "ephemeral"}}],
        "messages": [
            {"role": "user", "content": "x" * 35},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "1", "name": "t", "input": {}}]},
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "1", "content": "x" * 35},
                    {"type": "image", "source": {"data": "A" * 100_000}},
                ],
            },
        ],
    }
    parts = segments(body)
    assert [part.lifetime for part in parts] == ["1h", "5m", None, None, None, None, None]
    assert [part.tokens for part in parts[1:]] == [10, 0, 14, 4 + 8 + 1, 4 + 8 + 10, 1_600]
    assert parts[0].tokens > 300
    assert prompt_tokens(parts) == sum(part.tokens for part in parts)
    plain = {**body, "system": "x" * 35}
    assert segments(plain)[1].content == parts[1].content


def test_the_tokens_of_a_reply() -> None:
    content: list[dict[str, Any]] = [
        {"type": "thinking", "thinking": "x" * 35, "signature": "s" * 1000},
        {"type": "text", "text": "x" * 70},
        {"type": "web_search_tool_result", "content": [{"encrypted_content": "x" * 10_000}]},
    ]
    assert output_tokens(content, HAIKU) == (30, 10)
    assert output_tokens([], HAIKU) == (1, 0)
