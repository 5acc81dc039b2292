"""Rows that say a text, and the way from one to the next."""

from __future__ import annotations

from tests.tui.timeline_cases import many_rows
from workbench.tui.timeline_search import TimelineSearch
from workbench.tui.timeline_view import TimelineView


def searched(count: int, text: str) -> tuple[TimelineView, TimelineSearch]:
    view = TimelineView()
    view.replace(many_rows(count))
    search = TimelineSearch(view)
    search.look_for(text)
    return view, search


def test_what_is_found() -> None:
    _, search = searched(30, "NEEDLE")
    assert search.hits == [9, 19, 29]
    search.look_for("bash")
    assert len(search.hits) == 12
    search.look_for("")
    assert search.hits == []


def test_rows_that_are_appended_are_searched_too() -> None:
    view, search = searched(30, "needle")
    view.extend(many_rows(40))
    search.look_from(30)
    assert search.hits == [9, 19, 29, 39]


def test_next_goes_around_the_end() -> None:
    _, search = searched(30, "needle")
    assert [search.next_place(place, 1) for place in (-1, 0, 9, 29)] == [9, 9, 19, 9]
    assert [search.next_place(place, -1) for place in (0, 9, 10, 29)] == [29, 29, 9, 19]


def test_next_passes_over_what_the_filter_hides() -> None:
    view, search = searched(30, "needle")
    view.filter(lambda row: row.seq != 20)
    assert search.next_place(9, 1) == 28
    assert view.row_at(28).seq == 30
    view.filter(lambda row: row.seq % 10 != 0)
    assert search.next_place(0, 1) is None


def test_hits_in_contents_count_too() -> None:
    _, search = searched(30, "needle")
    search.add([4, 9])
    assert search.hits == [4, 9, 19, 29]
    assert search.rank(4) == 1
    assert search.rank(5) is None
    assert search.next_place(0, 1) == 4
