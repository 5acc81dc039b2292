"""Which panes a screen shows, and how wide they are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from workbench.tui.layout import ALL_PANES, MIN_TIMELINE, MIN_WIDTH, PANES, TWO_PANES, PaneName, arrange


def test_a_narrow_screen_shows_the_pane_in_use() -> None:
    assert arrange(80, "cost", "cost", {}).shown == ("cost",)


def test_two_panes_are_the_timeline_and_the_one_used_last() -> None:
    assert arrange(120, "timeline", "replay", {}).shown == ("timeline", "replay")
    assert arrange(120, "agent", "replay", {}).shown == ("agent", "timeline")


@pytest.mark.parametrize("width", [160, 200, 240, 400])
def test_a_wide_screen_shows_all_and_leaves_the_timeline_most(width: int) -> None:
    arrangement = arrange(width, "timeline", "agent", {})
    assert arrangement.shown == PANES
    timeline = width - sum(arrangement.widths.values()) - 3
    assert timeline > max(arrangement.widths.values())


def test_a_maximised_pane_is_alone() -> None:
    assert arrange(240, "replay", "replay", {}, maximised=True).shown == ("replay",)


def test_a_chosen_width_holds() -> None:
    assert arrange(200, "timeline", "agent", {"cost": 50}).widths["cost"] == 50


@given(
    width=some.integers(TWO_PANES, 400),
    current=some.sampled_from(PANES),
    chosen=some.dictionaries(some.sampled_from([*PANES[:1], *PANES[2:]]), some.integers(1, 500)),
)
def test_the_timeline_always_keeps_its_least(width: int, current: PaneName, chosen: dict[PaneName, int]) -> None:
    arrangement = arrange(width, current, "agent", chosen)
    if "timeline" in arrangement.shown:
        assert width - sum(arrangement.widths.values()) - len(arrangement.widths) >= MIN_TIMELINE
    assert all(columns >= MIN_WIDTH for columns in arrangement.widths.values())
    assert (len(arrangement.shown) == len(PANES)) == (width >= ALL_PANES)
