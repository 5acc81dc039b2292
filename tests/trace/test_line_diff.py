"""Unified diffs of prompts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from workbench.trace.line_diff import unified_lines

LINES = st.lists(
    st.sampled_from(["Be brief.", "Be kind.", "", "Never promise a refund.", "- one", "+ two"]), max_size=30
)


def shown(old: str, new: str, context: int = 3) -> list[str]:
    return [str(line) for line in unified_lines(old, new, context)]


def test_a_changed_line_with_what_is_around_it() -> None:
    old = "\n".join(f"line {number}" for number in range(10))
    assert shown(old, old.replace("line 4", "line four"), context=1) == [
        "@@ -4,3 +4,3 @@",
        " line 3",
        "-line 4",
        "+line four",
        " line 5",
    ]


def test_far_changes_are_hunks_of_their_own() -> None:
    old = "\n".join(f"line {number}" for number in range(40))
    new = old.replace("line 4\n", "").replace("line 30", "line thirty")
    assert [line for line in shown(old, new) if line.startswith("@@")] == ["@@ -2,7 +2,6 @@", "@@ -28,7 +27,7 @@"]


def test_no_difference_is_no_lines() -> None:
    assert shown("one\ntwo\n", "one\ntwo\n") == []


def test_ends_of_lines_are_differences_too() -> None:
    assert shown("one\ntwo\n", "one\ntwo") == ["@@ -1,3 +1,2 @@", " one", " two", "-"]
    assert shown("one\r\ntwo", "one\ntwo") == ["@@ -1,2 +1,2 @@", "-one\r", "+one", " two"]


@given(LINES, LINES)
def test_the_new_text_can_be_rebuilt(old: list[str], new: list[str]) -> None:
    lines = unified_lines("\n".join(old), "\n".join(new), context=100)
    if not lines:
        assert old == new or "\n".join(old) == "\n".join(new)
        return
    assert [line.text for line in lines if line.tag in ("same", "added")] == "\n".join(new).split("\n")
    assert [line.text for line in lines if line.tag in ("same", "removed")] == "\n".join(old).split("\n")


@given(LINES, LINES)
def test_the_heads_of_hunks_say_how_many_lines_follow(old: list[str], new: list[str]) -> None:
    lines = unified_lines("\n".join(old), "\n".join(new))
    for at, line in enumerate(lines):
        if line.tag != "hunk":
            continue
        body = []
        for following in lines[at + 1 :]:
            if following.tag == "hunk":
                break
            body.append(following.tag)
        counts = [int(part.split(",")[1]) if "," in part else 1 for part in line.text.split()[1:3]]
        assert counts == [sum(tag != "added" for tag in body), sum(tag != "removed" for tag in body)]
