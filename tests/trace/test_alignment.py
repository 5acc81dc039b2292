"""Runs side by side: every step has a row, in order, next to what corresponds to it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.trace import alignment
from workbench.trace.alignment import Key, Row, align, pairs, realign, settled

KEYS = st.builds(lambda kind, said: Key((kind, said), kind), st.integers(0, 3), st.integers(0, 4))
RUNS = st.lists(st.lists(KEYS, max_size=25), min_size=1, max_size=4)


def keys(*said: str) -> list[Key]:
    """`bash:1` is a call of bash whose content is 1."""
    return [Key(text, text.partition(":")[0]) for text in said]


def shown(rows: Sequence[Row], *runs: Sequence[Key]) -> list[str]:
    return [
        " ".join("-" if at is None else str(run[at].exact) for at, run in zip(row, runs, strict=True)) for row in rows
    ]


def check(rows: Sequence[Row], runs: Sequence[Sequence[Key]]) -> None:
    for column, run in enumerate(runs):
        assert [row[column] for row in rows if row[column] is not None] == list(range(len(run)))
    assert all(any(at is not None for at in row) for row in rows)


@given(RUNS)
def test_every_item_is_in_one_row_and_in_order(runs: list[list[Key]]) -> None:
    check(align(runs), runs)


@given(RUNS)
def test_what_shares_a_row_with_the_first_run_is_of_its_kind(runs: list[list[Key]]) -> None:
    for row in align(runs):
        if row[0] is not None:
            kinds = {run[at].kind for run, at in zip(runs, row, strict=True) if at is not None}
            assert len(kinds) == 1


@given(st.lists(KEYS, max_size=30), st.integers(2, 4))
def test_a_run_beside_itself_has_no_gaps(run: list[Key], times: int) -> None:
    assert align([run] * times) == [(at,) * times for at in range(len(run))]


@given(RUNS, st.data())
def test_runs_that_grow_are_aligned_again_from_their_last_common_row(
    runs: list[list[Key]], data: st.DataObject
) -> None:
    before = [run[: data.draw(st.integers(0, len(run)))] for run in runs]
    rows = align(before)
    kept = settled(rows, before)
    grown = realign(rows, runs, kept)
    check(grown, runs)
    assert grown[:kept] == rows[:kept]


@given(st.lists(KEYS, max_size=40), st.lists(KEYS, max_size=40))
def test_in_a_large_gap_pairs_still_rise_and_are_of_one_kind(one: list[Key], other: list[Key]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(alignment, "_MOST_PAIRS", 0)
        found = pairs(one, other)
    assert found == sorted(found)
    assert len({a for a, _ in found}) == len({b for _, b in found}) == len(found)


def test_a_step_more_is_a_gap_on_the_other_side() -> None:
    one = keys("say:hello", "bash:ls", "say:done")
    other = keys("say:hello", "read:a", "bash:ls", "say:done")
    assert shown(align([one, other]), one, other) == [
        "say:hello say:hello",
        "- read:a",
        "bash:ls bash:ls",
        "say:done say:done",
    ]


def test_calls_of_the_same_tool_are_partners_though_they_differ() -> None:
    one = keys("say:a", "bash:1", "read:2", "say:z")
    other = keys("say:b", "read:7", "say:y")
    assert shown(align([one, other]), one, other) == ["say:a say:b", "bash:1 -", "read:2 read:7", "say:z say:y"]


def test_the_very_same_is_preferred_to_the_same_kind() -> None:
    one = keys("bash:x", "bash:x", "bash:y")
    other = keys("bash:q", "bash:x", "bash:x", "bash:z")
    assert shown(align([one, other]), one, other) == ["- bash:q", "bash:x bash:x", "bash:x bash:x", "bash:y bash:z"]


def test_what_the_first_run_lacks_is_compared_among_the_others() -> None:
    one = keys("say:a", "say:z")
    two = keys("say:a", "bash:1", "read:2", "say:z")
    three = keys("say:a", "read:2", "say:z")
    assert shown(align([one, two, three]), one, two, three) == [
        "say:a say:a say:a",
        "- bash:1 -",
        "- read:2 read:2",
        "say:z say:z say:z",
    ]


def test_a_run_that_has_not_begun_is_a_column_of_gaps() -> None:
    one = keys("say:a", "bash:1")
    assert align([[], one, one]) == [(None, 0, 0), (None, 1, 1)]
    assert align([[], []]) == []
