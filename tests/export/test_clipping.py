"""Cutting texts so that all fit together."""

from __future__ import annotations

from html import escape

from hypothesis import given
from hypothesis import strategies as st

from workbench.export.clipping import clipped, common_limit


def size(text: str) -> int:
    return len(escape(text).encode())


def test_what_fits_stays_whole() -> None:
    assert [each.text for each in clipped(["a", "bb", ""], 3)] == ["a", "bb", ""]


def test_the_longest_are_cut_to_one_length() -> None:
    found = clipped(["a" * 10, "b" * 1_000, "c" * 2_000], 110)
    assert [len(each.text) for each in found] == [10, 50, 50]
    assert [each.left_out for each in found] == [0, 950, 1_950]


def test_what_escaping_adds_counts() -> None:
    (found,) = clipped(["<" * 100], 40)
    assert (found.text, found.left_out) == ("<" * 10, 90)


@given(st.lists(st.text(max_size=50), max_size=20), st.integers(0, 500))
def test_all_together_fit(texts: list[str], budget: int) -> None:
    found = clipped(texts, budget)
    assert sum(size(each.text) for each in found) <= budget or sum(map(size, texts)) <= budget
    for text, each in zip(texts, found, strict=True):
        assert text.startswith(each.text)
        assert len(each.text) + each.left_out == len(text)


@given(st.lists(st.integers(0, 100), min_size=1, max_size=20), st.integers(0, 1_000))
def test_no_larger_limit_fits(sizes: list[int], budget: int) -> None:
    limit = common_limit(sizes, budget)
    assert sum(min(each, limit) for each in sizes) <= budget or limit == max(sizes)
    if limit < max(sizes):
        assert sum(min(each, limit + 1) for each in sizes) > budget
