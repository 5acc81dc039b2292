"""Lines of content laid out, painted and searched."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.style import Style

from tests.tui.timeline_cases import BEGIN, HOSTILE, a_run, obeyed, text_block
from workbench.trace.events import Event, Message, ToolResult
from workbench.tui.page import LineForm, Page, SourceLine, event_lines
from workbench.tui.row_text import PAINTS

PAINTED = {name: Style(meta={"name": name}) for name in PAINTS} | {"base": Style()}
FORMS: list[LineForm] = ["title", "fact", "text", "json", "diff", "note"]

CALM = settings(deadline=None)


def text_of(page: Page, number: int, needle: str = "") -> str:
    return "".join(segment.text for segment in page.segments(number, PAINTED, needle))


def styles(line: SourceLine, needle: str = "") -> list[tuple[str, str]]:
    """The pieces of a line and the name of the last style that each was given."""
    page = Page([line], 200)
    return [
        (segment.text, segment.style.meta.get("name", "") if segment.style else "")
        for segment in page.segments(0, PAINTED, needle)
    ]


@CALM
@given(
    texts=st.lists(st.text(st.sampled_from('ab "{}:1,\\漢-+@ '), max_size=50), max_size=6),
    form=st.sampled_from(FORMS),
    width=st.integers(2, 30),
    wrapped=st.booleans(),
    needle=st.sampled_from(["", "a", "漢", '"']),
)
def test_painting_changes_no_text(texts: list[str], form: LineForm, width: int, wrapped: bool, needle: str) -> None:
    lines = [SourceLine(text, form) for text in texts]
    page = Page(lines, width, wrapped=wrapped)
    shown: dict[int, str] = {}
    for number in range(len(page)):
        source = page.source_of(number)
        shown[source] = shown.get(source, "") + text_of(page, number, needle)
    for source, text in enumerate(texts):
        assert shown[source].replace(" ", "") == text.replace(" ", "")
        assert page.source_of(page.line_of(source)) == source


def test_json_is_highlighted() -> None:
    assert styles(SourceLine('  "a": "x\\"y", -1.5e3, null', "json")) == [
        *(("  ", ""), ('"a"', "key"), (": ", ""), ('"x\\"y"', "string"), (", ", ""), ("-1.5e3", "number"), (", ", "")),
        ("null", "number"),
    ]


def test_a_difference_is_highlighted() -> None:
    assert styles(SourceLine("+new", "diff")) == [("+new", "added")]
    assert styles(SourceLine("-old", "diff")) == [("-old", "removed")]
    assert styles(SourceLine("+++ file", "diff")) == [("+++ file", "faint")]
    assert styles(SourceLine(" same", "diff")) == [(" same", "")]


def test_found_text_is_marked_in_any_case() -> None:
    assert styles(SourceLine("One two ONE", "text"), "one") == [("One", "hit"), (" two ", ""), ("ONE", "hit")]


def test_places_are_found_and_known_by_their_line() -> None:
    page = Page([SourceLine("aaa bbb ccc bbb", "text"), SourceLine("BBB", "text")], 8)
    assert [text_of(page, number) for number in range(len(page))] == ["aaa bbb", "ccc bbb", "BBB"]
    found = page.find("bbb")
    assert found == [(0, 4), (0, 12), (1, 0)]
    assert [page.line_of(*place) for place in found] == [0, 1, 2]


def test_the_lines_of_an_event_are_safe_and_long_parts_are_cut() -> None:
    for event in [*a_run(), Event("r", 1, 1, BEGIN, 1.0, Message(HOSTILE))]:
        lines, cut = event_lines(event, 1_000)
        assert not cut
        assert not any(obeyed(line.text) for line in lines)
    large = ToolResult("t", "bash", "bash", [text_block("word " * 1_000_000)], 5_000_000, False, 1.0)
    lines, cut = event_lines(Event("r", 1, 1, BEGIN, 1.0, large), 10_000)
    assert sum(len(line.text) for line in lines) < 11_000
    assert lines[-1].text == "… cut after 10,000 characters; o opens the whole"
    assert len(cut[0].text) == 5_000_001
