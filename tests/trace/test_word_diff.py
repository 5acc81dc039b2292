"""Differences of texts: both texts can be rebuilt from them, and no text makes them slow."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from workbench.trace.word_diff import Piece, word_diff

WORDS = st.lists(st.sampled_from(["the", "refund", "ticket", " ", "\n", ", ", "é", "\x1b", "(", "7"]), max_size=60)
TEXTS = st.one_of(st.text(max_size=80), WORDS.map("".join), WORDS.map(" ".join))


def without(pieces: Sequence[Piece], tag: str) -> str:
    return "".join(piece.text for piece in pieces if piece.tag != tag)


@given(TEXTS, TEXTS)
def test_both_texts_can_be_rebuilt(old: str, new: str) -> None:
    pieces = word_diff(old, new)
    assert without(pieces, "added") == old
    assert without(pieces, "removed") == new
    assert all(piece.text for piece in pieces)


@given(TEXTS, st.integers(150, 400), TEXTS, TEXTS)
def test_both_texts_can_be_rebuilt_when_much_has_changed(head: str, repeats: int, middle: str, tail: str) -> None:
    old = head + "the same line\n" * repeats + middle + "only here\n" + tail
    new = tail + "only here\n" + "the same line\n" * (repeats // 2) + head
    pieces = word_diff(old, new)
    assert without(pieces, "added") == old
    assert without(pieces, "removed") == new


@given(TEXTS)
def test_a_text_does_not_differ_from_itself(text: str) -> None:
    assert {piece.tag for piece in word_diff(text, text)} <= {"same"}


def test_only_the_changed_word_is_marked() -> None:
    assert word_diff("Route it to billing, please.", "Route it to support, please.") == [
        Piece("same", "Route it to"),
        Piece("removed", " billing"),
        Piece("added", " support"),
        Piece("same", ", please."),
    ]


def test_two_far_changes_in_a_long_text_are_two_changes() -> None:
    lines = [f"line {number} of a long report\n" for number in range(2_000)]
    changed = list(lines)
    changed[3], changed[1_990] = "line 3 of a short report\n", "line 1990 of a brief report\n"
    marked = [piece for piece in word_diff("".join(lines), "".join(changed)) if piece.tag != "same"]
    assert marked == [
        Piece("removed", " long"),
        Piece("added", " short"),
        Piece("removed", " long"),
        Piece("added", " brief"),
    ]


def test_a_repetitive_text_does_not_freeze() -> None:
    """A plain difflib takes minutes for this; the bound is generous because it is not a benchmark."""
    chooser = random.Random(1)
    old = " ".join(chooser.choices(["yes", "no", "maybe"], k=12_000))
    new = " ".join(chooser.choices(["yes", "no", "maybe"], k=12_000))
    begin = time.process_time()
    pieces = word_diff(old, new)
    assert time.process_time() - begin < 5
    assert without(pieces, "added") == old
    assert without(pieces, "removed") == new
