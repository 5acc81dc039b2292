"""Text cut, filled and wrapped by the cells that it takes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from workbench.tui.wrapping import GrowingText, breaks, clean, fit, fit_right, wrap, wrap_line

CALM = settings(deadline=None)
WIDE = st.text(st.sampled_from("ab  漢字é👍─·"), max_size=60)
ANY = st.text(max_size=60)


@pytest.mark.parametrize(
    ("text", "width", "fitted"),
    [
        ("abc", 5, "abc  "),
        ("abcdef", 5, "abcd…"),
        ("abcde", 5, "abcde"),
        ("漢字漢", 5, "漢字…"),
        ("漢字漢", 6, "漢字漢"),
        ("漢字漢", 4, "漢 …"),
        ("👩‍💻x", 4, "👩‍💻x "),
        ("abc", 0, ""),
        ("abc", 1, "…"),
    ],
)
def test_text_fits_exactly(text: str, width: int, fitted: str) -> None:
    assert fit(text, width) == fitted


@CALM
@given(text=ANY, width=st.integers(1, 30))
def test_any_text_takes_the_cells_that_it_is_given(text: str, width: int) -> None:
    assert cell_len(fit(clean(text), width)) == width
    assert cell_len(fit_right(clean(text), width)) == width


@CALM
@given(text=WIDE, width=st.integers(2, 20))
def test_wrapped_lines_fit_and_nothing_is_lost(text: str, width: int) -> None:
    lines = wrap_line(text, width)
    assert all(cell_len(line) <= width for line in lines)
    whole, position = "", 0
    for start, end in breaks(text, width):
        assert text[position:start] in ("", " ")  # a break takes the place of at most one space
        whole += text[position:end]
        position = end
    assert whole == text


def test_words_stay_whole_where_they_can() -> None:
    assert wrap("one two three four", 9) == ["one two", "three", "four"]
    assert wrap("    indented text", 12) == ["    indented", "text"]
    assert wrap("abcdefghij kl", 4) == ["abcd", "efgh", "ij", "kl"]
    assert wrap("", 5) == [""]
    assert wrap("a\n\nb", 5) == ["a", "", "b"]
    assert wrap("漢字漢字", 5) == ["漢字", "漢字"]


@CALM
@given(pieces=st.lists(st.text(st.sampled_from("ab \n漢é"), max_size=25), max_size=12), width=st.integers(2, 20))
def test_text_that_grew_is_wrapped_as_if_it_had_come_at_once(pieces: list[str], width: int) -> None:
    growing = GrowingText(width)
    for piece in pieces:
        growing.append(piece)
    assert list(growing.lines) == wrap("".join(pieces), width)
    assert len(growing) == len(growing.lines)
    assert [growing.line(number) for number in range(len(growing))] == list(growing.lines)
    growing.rewrap(width + 3)
    assert list(growing.lines) == wrap("".join(pieces), width + 3)


def test_growing_text_is_made_safe() -> None:
    growing = GrowingText(40)
    growing.append("a\x1b[2J\tb\r\nc")
    assert list(growing.lines) == ["a␛[2J    b", "c"]
