"""Text from outside made fit."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from workbench.tools.text import clean, clean_json, head, one_line, size, valid_unicode

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=60)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=8,
)


@given(ANY_TEXT)
def test_cleaned_text_is_valid_and_as_long(text: str) -> None:
    cleaned = clean(text)
    cleaned.encode()
    assert "\0" not in cleaned
    assert len(cleaned) == len(text)


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_good_text_stays(text: str) -> None:
    assert clean(text) == text


@given(ANY_JSON)
def test_cleaned_json_can_be_sent(value: object) -> None:
    json.dumps(clean_json(value), allow_nan=False, ensure_ascii=False).encode()


def test_an_object_keeps_its_shape() -> None:
    assert clean_json({"a": [1, 1.5, float("nan"), None, True, "\ud800x"]}) == {
        "a": [1, 1.5, None, None, True, "\ufffdx"]
    }


def test_a_nul_in_arguments_is_not_touched() -> None:
    assert valid_unicode("a\0b\udfff") == "a\0b\ufffd"


@given(st.text(max_size=40), st.integers(0, 60))
def test_a_head_is_a_beginning_within_its_limit(text: str, limit: int) -> None:
    kept = head(text, limit)
    assert text.startswith(kept)
    assert size(kept) <= limit
    assert size(kept) > limit - 4 or kept == text


def test_a_line_has_no_escapes_and_an_end() -> None:
    assert one_line("\x1b[31mred\x1b[0m\r\n\tand\x07 so \x9b on") == "red and so on"
    assert one_line("x" * 30, 10) == "xxxxxxxxx…"
