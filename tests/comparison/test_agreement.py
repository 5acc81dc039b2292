"""How alike answers are."""

from __future__ import annotations

import pytest

from workbench.comparison.agreement import agreement, normalised


def test_one_answer_agrees_with_nothing() -> None:
    assert agreement([]) is None
    assert agreement(["x"]) is None


def test_white_space_and_case_do_not_matter() -> None:
    found = agreement(["Billing, high", "billing,\n  high", "outage, urgent"])
    assert found is not None
    assert (found.answers, found.different, found.largest) == (3, 2, 2)
    assert found.similarity == pytest.approx(1 / 3)


def test_json_is_compared_by_its_value() -> None:
    assert normalised('{"a": 1, "b": [2.0]}') == normalised('{ "b": [2],\n "a": 1.0}')
    assert normalised('{"a": "X"}') != normalised('{"a": "x"}')


def test_similar_is_not_the_same() -> None:
    found = agreement(["the ticket is about billing", "the ticket is about an outage"])
    assert found is not None
    assert found.different == 2
    assert 0.5 < found.similarity < 1


def test_long_answers_do_not_take_long() -> None:
    found = agreement([f"{number} " + "word " * 200_000 for number in range(30)])
    assert found is not None
    assert found.similarity > 0.9


@pytest.mark.parametrize("text", ["[" * 100_000, "{" * 5, "NaN", "1e999", ""])
def test_odd_answers_can_be_compared(text: str) -> None:
    found = agreement([text, text, "x"])
    assert found is not None
    assert found.largest == 2
