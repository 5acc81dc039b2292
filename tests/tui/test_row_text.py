"""A row as a strip of text."""

from __future__ import annotations

import pytest
from rich.style import Style

from tests.tui.timeline_cases import HOSTILE, a_run, rows_of
from workbench.trace.rows import EventRow
from workbench.tui.columns import layout
from workbench.tui.kinds import KINDS, kind_of
from workbench.tui.row_text import PAINTS, RowState, head_strip, row_strip

PLAIN = {name: Style() for name in PAINTS} | {"base": Style()}
ROWS = rows_of(a_run())


def shown(row: EventRow, width: int, state: RowState | None = None) -> str:
    return row_strip(row, layout(width), state or RowState(whole=10), PLAIN).text


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120, 160, 200])
def test_every_row_takes_the_width_exactly_with_wide_letters_too(width: int) -> None:
    for row in ROWS:
        for state in (RowState(), RowState("┏12", True, True, 10.0, "i")):
            assert row_strip(row, layout(width), state, PLAIN).cell_length == width
    assert head_strip(layout(width), 10.0, "19 events", PLAIN).cell_length == width


def test_a_reply_on_a_wide_screen() -> None:
    assert shown(ROWS[3], 160, RowState(whole=10)).split() == [
        *("▸", "1.610", "1", "←", "model_response", "tool_use", "2,100", "in", "140", "out", "1.20", "s"),
        *("2.1k→140", "$0.0019", "●", "live", "██▎"),
    ]


def test_a_price_that_is_not_known_is_unknown() -> None:
    assert "unknown" in shown(ROWS[14], 100)
    assert "$0.0000" not in shown(ROWS[14], 100)
    assert "unknown" not in shown(ROWS[5], 100)


def test_meaning_is_never_in_colour_only() -> None:
    assert "✗" in shown(ROWS[12], 60)
    assert "▌" in shown(ROWS[12], 60, RowState(cursor=True))
    assert shown(ROWS[12], 60, RowState(expanded=True)).startswith(" ▾")
    assert "▣" in shown(ROWS[14], 60)
    assert "✎" in shown(ROWS[17], 60)
    assert len({kind.glyph for kind in KINDS.values()} | {"✗"}) == len(KINDS)


def test_the_tools_name_is_said_once() -> None:
    assert shown(ROWS[7], 160).count("bash") == 1
    assert shown(ROWS[7], 80).count("bash") == 1


def test_hostile_text_has_become_visible_marks() -> None:
    assert "\x1b" not in shown(ROWS[17], 200)
    assert "␛]2;PWNED" in shown(ROWS[17], 200)
    assert HOSTILE not in shown(ROWS[15], 200)


def test_a_kind_of_a_later_version_has_its_name() -> None:
    row = EventRow(1, 1, "handover", None, "to another", 1.0)
    assert "handover" in shown(row, 120)
    assert kind_of("handover").glyph == "·"
