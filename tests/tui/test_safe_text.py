"""The line filter that lets no control character pass."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import ControlType, Segment
from rich.style import Style
from textual.color import Color

from tests.tui.timeline_cases import HOSTILE
from workbench.tui.safe_text import NO_CONTROL

BLACK = Color(0, 0, 0)


@given(text=st.text())
def test_no_text_passes_that_a_terminal_obeys_and_the_width_stays(text: str) -> None:
    (segment,) = NO_CONTROL.apply([Segment(text)], BLACK)
    assert cell_len(segment.text) == cell_len(text)
    assert not any(ord(letter) < 0x20 or 0x7F <= ord(letter) < 0xA0 for letter in segment.text)
    segment.text.encode("utf-8")  # a surrogate could not be written


def test_what_a_hostile_text_leaves() -> None:
    segments = NO_CONTROL.apply([Segment("plain"), Segment(HOSTILE, Style(bold=True))], BLACK)
    assert segments[0] == Segment("plain")
    assert segments[1] == Segment("]2;PWNED\\]52;c;UFdORUQ=2J·", Style(bold=True))


def test_links_with_controls_in_them_are_taken_off() -> None:
    good, bad = Style(link="https://example.com/"), Style(link="https://example.com/\x1b]52;c;eA==\x07", bold=True)
    segments = NO_CONTROL.apply([Segment("a", good), Segment("b", bad)], BLACK)
    assert segments[0].style == good
    assert segments[1].style is not None
    assert segments[1].style.link is None
    assert segments[1].style.bold


def test_safe_segments_come_back_as_they_are() -> None:
    segments = [Segment("漢字 👩‍💻 é"), Segment("x", None, [(ControlType.BELL,)])]
    assert NO_CONTROL.apply(segments, BLACK) is segments
