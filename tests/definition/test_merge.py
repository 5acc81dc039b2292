"""Merging two changes of one text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from workbench.definition.merge import merge

BASE = "one\ntwo\nthree\nfour\n"
TEXTS = some.lists(some.sampled_from(["a\n", "b\n", "c\n", "d\n"]), max_size=8).map("".join)


def test_changes_in_different_lines_are_both_made() -> None:
    merged = merge(BASE, BASE.replace("one", "ONE"), BASE.replace("four", "FOUR"))
    assert merged.text == "ONE\ntwo\nthree\nFOUR\n"
    assert merged.conflicts == 0


def test_the_same_line_changed_differently_is_kept_twice_between_marks() -> None:
    merged = merge(BASE, BASE.replace("two", "2"), BASE.replace("two", "zwei"))
    assert merged.text == "one\n<<<<<<< mine\n2\n=======\nzwei\n>>>>>>> disk\nthree\nfour\n"
    assert merged.conflicts == 1


def test_a_last_line_without_an_end_does_not_swallow_the_marks() -> None:
    merged = merge("a", "b", "c")
    assert merged.text == "<<<<<<< mine\nb\n=======\nc\n>>>>>>> disk\n"


def test_lines_that_one_inserts_and_the_other_deletes_nearby() -> None:
    merged = merge(BASE, BASE.replace("three\n", ""), "zero\n" + BASE)
    assert merged.text == "zero\none\ntwo\nfour\n"


@given(base=TEXTS, mine=TEXTS)
def test_a_change_of_one_side_only_is_taken_as_it_is(base: str, mine: str) -> None:
    assert merge(base, mine, base).text == mine
    assert merge(base, base, mine).text == mine


@given(base=TEXTS, both=TEXTS)
def test_the_same_change_on_both_sides_is_no_conflict(base: str, both: str) -> None:
    merged = merge(base, both, both)
    assert merged.text == both
    assert merged.conflicts == 0
