"""Pieces of text as lines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from workbench.trace.diff_lines import elided, wrapped
from workbench.trace.word_diff import Piece

PIECES = st.lists(
    st.builds(Piece, st.sampled_from(["same", "removed", "added"]), st.text("ab \n\t日\x1b\u202e", max_size=30)),
    max_size=6,
)


def texts(lines: list[list[Piece]]) -> list[str]:
    return ["".join(piece.text for piece in line) for line in lines]


@given(PIECES, st.integers(4, 20))
def test_lines_fit_are_safe_and_lose_nothing_but_spaces(pieces: list[Piece], width: int) -> None:
    lines = texts(wrapped(pieces, width))
    assert all(cell_len(line) <= width for line in lines)
    assert all(line.isprintable() for line in lines)
    said = "".join(piece.text for piece in pieces)
    for letter in "ab日":
        assert "".join(lines).count(letter) == said.count(letter)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", [""]),
        ("one two three", ["one two ", "three"]),
        ("one\n\ntwo", ["one", "", "two"]),
        ("  indented", ["  ", "indented"]),
        ("abcdefghijkl", ["abcdefgh", "ijkl"]),
        ("日本語日本語", ["日本語日", "本語"]),
    ],
)
def test_lines_break_at_spaces_where_there_are_any(text: str, lines: list[str]) -> None:
    assert texts(wrapped([Piece("same", text)], 8)) == lines


def test_a_line_keeps_the_kind_of_each_piece() -> None:
    assert wrapped([Piece("same", "route it to "), Piece("removed", "billing"), Piece("added", "support")], 60) == [
        [Piece("same", "route it to "), Piece("removed", "billing"), Piece("added", "support")]
    ]


def test_unchanged_lines_far_from_a_change_are_counted() -> None:
    lines = [[Piece("same", str(number))] for number in range(10)]
    lines[5] = [Piece("added", "new")]
    assert elided(lines) == [4, lines[4], lines[5], lines[6], 3]


def test_a_single_unchanged_line_is_shown() -> None:
    lines = [[Piece("same", str(number))] for number in range(3)]
    lines[2] = [Piece("added", "new")]
    assert elided(lines) == lines
