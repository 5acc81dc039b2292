"""The language in which a person says which rows to show."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tui.timeline_cases import a_run, many_rows, rows_of
from workbench.tui.timeline_filter import LANGUAGE, FilterError, completions, parse_filter

ROWS = rows_of(a_run())


def shown(text: str) -> list[int]:
    condition = parse_filter(text)
    return [row.seq for row in ROWS if condition is None or condition(row)]


@pytest.mark.parametrize(
    ("text", "seqs"),
    [
        ("kind:tool_call", [7, 8, 9, 16]),
        ("kind:call", [7, 8, 9, 16]),
        ("kind:call,result tool:bash", [8, 13]),
        ("KIND:egress", [10]),
        ("tool:read,grep", [7, 12, 16, 17, 18]),
        ("error", [10, 13]),
        ("error -kind:egress", [13]),
        ("step:0", [1, 2]),
        ("step:2-", [14, 15, 16, 17, 18, 19]),
        ("step:2-2 origin:tape", [15]),
        ("step:-0", [1, 2]),
        ("origin:edited", [18]),
        ("slower:1.3", [13, 15]),
        ("BILLING", [19]),
        ('"three files"', [6]),
        ("three files", [6]),
        ('kind:"tool_call" step:1 -"a.py" pytest', [8]),
        ("read", [6, 7, 12]),
        ("漢字", [1]),
    ],
)
def test_what_a_filter_shows(text: str, seqs: list[int]) -> None:
    assert shown(text) == seqs


def test_an_empty_filter_shows_everything() -> None:
    assert parse_filter("") is None
    assert parse_filter("  ") is None


@pytest.mark.parametrize(
    ("text", "message", "column"),
    [
        ("kind:tool_cal", "no kind of event is called 'tool_cal'; did you mean 'tool_call'?", 5),
        ("error  kin:egress", "no filter is called 'kin'; did you mean 'kind'", 7),
        ("http://x", 'To look for the text, write "http://x"', 0),
        ("kind:", "kind: needs a value: kind:tool_call", 5),
        ("step:x", "'x' is no step: step:3 or step:3-7", 5),
        ("step:-", "is no step", 5),
        ("slower:fast", "'fast' is no number of seconds", 7),
        ("origin:cloud", "no origin is called 'cloud'; there is live, tape, edited", 7),
        ('x "abc', "a quotation mark is not closed", 2),
        ("a - b", "expected one after it, such as -kind:egress", 2),
    ],
)
def test_what_means_nothing_is_explained(text: str, message: str, column: int) -> None:
    with pytest.raises(FilterError) as caught:
        parse_filter(text)
    assert message in str(caught.value)
    assert caught.value.column == column


@given(text=st.text(st.sampled_from('kind:tol"-, 3xerstp'), max_size=20))
def test_any_text_is_a_filter_or_is_refused_in_words(text: str) -> None:
    try:
        condition = parse_filter(text)
    except FilterError as error:
        assert str(error)
        assert 0 <= error.column <= len(text)
    else:
        assert condition is None or [condition(row) for row in many_rows(5)]


@pytest.mark.parametrize("line", [line for line in LANGUAGE.split("\n") if line and not line.startswith("Words")])
def test_every_example_of_the_description_means_something(line: str) -> None:
    examples = line[:20].split("  ")
    assert all(parse_filter(example) for example in examples if example.strip())


def test_completions_are_filters_that_mean_something() -> None:
    assert completions("k") == ["kind:"]
    assert completions("error -k") == ["error -kind:"]
    assert completions("e") == ["error"]
    assert completions("") == []
    assert completions("kind:tool_") == ["kind:tool_call", "kind:tool_result"]
    assert "kind:call,result" in completions("kind:call,re")
    assert completions("x tool:b", ["read", "bash", "bash"]) == ["x tool:bash"]
    assert completions("origin:") == ["origin:live", "origin:tape", "origin:edited"]
    assert completions("step:") == []
    for text in completions("kind:"):
        assert parse_filter(text) is not None
