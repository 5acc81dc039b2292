"""Nothing that is printed can command the terminal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.trace.terminal import one_line, printable

CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

ANY_TEXT = st.text(st.characters())
COMMANDS = {*map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0)), "\u2028", "\u2029"}


def is_harmless(character: str) -> bool:
    return character not in COMMANDS and unicodedata.bidirectional(character) not in (
        *("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"),
    )


@CALM
@given(ANY_TEXT)
def test_no_character_that_is_printed_is_a_command(text: str) -> None:
    shown = printable(text)
    assert all(map(is_harmless, shown))
    shown.encode("utf-8")


@CALM
@given(ANY_TEXT)
def test_line_breaks_and_tabs_stay_where_they_are_wanted(text: str) -> None:
    shown = printable(text, keep="\n\t")
    assert all(is_harmless(character) or character in "\n\t" for character in shown)
    assert shown.count("\n") == text.count("\n")
    assert shown.count("\t") == text.count("\t")


@CALM
@given(st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs"))))
def test_ordinary_text_is_not_changed(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2Jgone", "␛[2Jgone"),
        ("a\x00b\x7f", "a␀b␡"),
        ("\x9b31m", "⟨U+009B⟩31m"),
        ("abc\u202edef", "abc⟨U+202E⟩def"),
        ("\u2066x\u2069\u200e\u061c", "⟨U+2066⟩x⟨U+2069⟩⟨U+200E⟩⟨U+061C⟩"),
        ("\ud800", "⟨U+D800⟩"),
        ("rub\rout", "rub␍out"),
        ("a\nb", "a␊b"),
        ("naïve 日本語 👩‍👩‍👧 שלום", "naïve 日本語 👩‍👩‍👧 שלום"),
    ],
)
def test_marks(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_windows_line_breaks_become_plain_ones_but_a_lone_return_is_marked() -> None:
    assert printable("a\r\nb\rc", keep="\n") == "a\nb␍c"


@CALM
@given(ANY_TEXT, st.integers(2, 60))
def test_one_line_is_one_short_harmless_line(text: str, limit: int) -> None:
    shown = one_line(text, limit)
    assert len(shown) <= limit
    assert all(map(is_harmless, shown))


def test_one_line_tells_that_there_is_more() -> None:
    assert one_line("  two \n\n words ", 20) == "two words"
    assert one_line("x" * 30, 10) == "xxxxxxxxx…"
    assert one_line("x" * 10, 10) == "x" * 10
    assert one_line("end" + " " * 1_000 + "more", 10).endswith("…")
