"""A reply while it streams."""

from __future__ import annotations

from rich.style import Style

from tests.tui.timeline_cases import HOSTILE, many_rows, obeyed
from workbench.tui.live_rows import LiveRows
from workbench.tui.row_text import PAINTS

PLAIN = {name: Style() for name in PAINTS} | {"base": Style()}


def shown(live: LiveRows, width: int = 24) -> list[str]:
    return [live.strip(line, PLAIN, width).text.rstrip() for line in range(len(live))]


def test_text_grows_in_its_row() -> None:
    live = LiveRows(24)
    live.take(3, "reasoning", "Which team ")
    live.take(3, "reasoning", "owns it?")
    live.take(3, "text", "I look")
    live.take(3, "text", " at the files.")
    live.take(3, "tool_input", '{"a"')
    assert shown(live) == [
        *(" … ∴ reasoning  step 3", "  │ Which team owns it?", " … ❝ message  step 3", "  │ I look at the files."),
        *(" … ⚒ tool_call  step 3", '  │ {"a"'),
    ]
    keys = [live.key(line) for line in range(len(live))]
    assert len(set(keys)) == len(keys)
    live.take(3, "tool_input", ": 1}")
    assert [live.key(line) for line in range(len(live))][:5] == keys[:5]
    assert live.key(5) != keys[5]
    assert live.key(6) is None


def test_a_reset_takes_away_what_came() -> None:
    live = LiveRows(24)
    live.take(1, "text", "half")
    live.take(1, "reset", "")
    assert len(live) == 0
    live.take(1, "text", "whole")
    assert shown(live)[1] == "  │ whole"


def test_the_stored_reply_takes_its_place() -> None:
    live = LiveRows(24)
    live.take(1, "text", "half")
    rows = many_rows(5)
    live.stored(rows[:1])  # a request
    assert len(live) == 2
    live.stored(rows[1:2])  # a reply
    assert len(live) == 0
    assert not live.end()
    live.take(1, "text", "x")
    assert live.end()


def test_it_wraps_for_the_width_and_is_safe() -> None:
    live = LiveRows(24)
    live.take(1, "text", "one two three four five" + HOSTILE)
    assert shown(live)[1:3] == ["  │ one two three four", "  │ five␛]2;PWNED␛\\␛]52;"]
    live.rewrap(40)
    assert shown(live, 40)[1] == "  │ one two three four"
    assert not any(obeyed(line) for line in shown(live, 40))
