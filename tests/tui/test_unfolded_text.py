"""The text of an entry below its line."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from workbench.tui.spans import plain
from workbench.tui.unfolded_text import SHOWN, unfolded

TEXTS = st.text(st.sampled_from("ab \nü漢\x1b"), max_size=60)


def told(text: str, original: str | None, width: int = 40) -> list[list[tuple[str, str]]]:
    return [[(span.text, span.role) for span in line] for line in unfolded(text, original, width)]


def test_a_text_is_wrapped_and_cut() -> None:
    assert told("one\ntwo", None) == [[("one", "")], [("two", "")]]
    assert told("x" * 25, "x" * 25, 10) == [[("x" * 10, "")], [("x" * 10, "")], [("x" * 5, "")]]
    lines = told("x" * (SHOWN + 7), None, 1000)
    assert lines[-1] == [("… 7 more characters; enter opens the whole", "faint")]


def test_an_edit_is_shown_word_by_word() -> None:
    assert told("the new house", "the old house") == [
        [("the", ""), (" old", "removed"), (" new", "added"), (" house", "")]
    ]
    assert told("", "gone") == [[("gone", "removed")]]


def test_far_from_a_difference_what_is_the_same_is_left_out() -> None:
    same = "word " * 2_000
    lines = told(f"{same}new {same}", f"{same}old {same}", 80)
    assert len(lines) < 12
    assert [("…", "")] in lines
    spans = [span for line in lines for span in line]
    assert [text.strip() for text, role in spans if role] == ["old", "new"]


@given(TEXTS, TEXTS | st.none(), st.integers(10, 50))
def test_every_line_fits_and_both_texts_are_there(text: str, original: str | None, width: int) -> None:
    lines = unfolded(text, original, width)
    assert all(cell_len(plain(line)) <= width for line in lines)
    assert not any("\x1b" in plain(line) for line in lines)
    shown = "".join(span.text for line in lines for span in line if span.role != "removed")
    assert _letters(shown.replace("␛", "\x1b")) == _letters(text)


def _letters(text: str) -> str:
    return "".join(text.split())
