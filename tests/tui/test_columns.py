"""Which columns have room."""

from __future__ import annotations

import pytest

from workbench.tui.columns import LEAD, ORDER, layout


@pytest.mark.parametrize("width", range(20, 260))
def test_columns_take_the_width_exactly_and_keep_their_order(width: int) -> None:
    columns = layout(width)
    names = [column.name for column in columns]
    assert names == [name for name in ORDER if name in names]
    assert LEAD + sum(column.width for column in columns) + len(columns) - 1 == width


def widths(width: int) -> dict[str, int]:
    return {column.name: column.width for column in layout(width)}


def test_what_drops_out_as_it_gets_narrow() -> None:
    assert set(widths(200)) == set(ORDER)
    assert widths(200)["waterfall"] >= 30
    assert set(widths(84)) == {"offset", "step", "kind", "turn", "gist", "latency", "cost", "origin", "waterfall"}
    assert set(widths(60)) == {"step", "kind", "turn", "gist", "latency", "origin"}


def test_the_gist_keeps_its_room() -> None:
    for width in range(60, 240):
        assert widths(width)["gist"] >= 22


@pytest.mark.parametrize("width", range(60, 260))
def test_what_had_room_has_room_on_a_wider_screen(width: int) -> None:
    assert set(widths(width)) <= set(widths(width + 1))
