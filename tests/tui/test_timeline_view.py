"""Which rows are shown and on which line: the arithmetic of the timeline."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tui.timeline_cases import many_rows
from workbench.trace.rows import EventRow
from workbench.tui.timeline_view import Line, TimelineView

CALM = settings(deadline=None)


def even(row: EventRow) -> bool:
    return row.seq % 2 == 0


def check_bijection(view: TimelineView) -> None:
    """Every line shows one part of one row, in order, and every part of every shown row has its line."""
    lines = [view.at(line) for line in range(view.line_count)]
    expected = [Line(place, part) for place in range(len(view)) for part in range(view.height_of(place))]
    assert lines == expected
    for line, at in enumerate(expected):
        assert view.line_of(at.place) + at.part == line
    assert view.at(view.line_count) is None
    assert view.at(-1) is None


heights = st.dictionaries(st.integers(0, 59), st.integers(0, 7), max_size=12)


@CALM
@given(count=st.integers(0, 40), more=st.integers(0, 20), expanded=heights, again=heights, filtered=st.booleans())
def test_rows_and_lines_are_a_bijection_whatever_happens(
    count: int, more: int, expanded: dict[int, int], again: dict[int, int], filtered: bool
) -> None:
    """Filtered, expanded, appended to, expanded to other heights (a resize), and the filter taken away."""
    view = TimelineView()
    view.replace(many_rows(count))
    check_bijection(view)
    for index, lines in expanded.items():
        if index < count:
            view.expand(index, lines)
    check_bijection(view)
    view.filter(even if filtered else None)
    check_bijection(view)
    assert len(view) == (count // 2 if filtered else count)
    assert view.extend(many_rows(more, first=count + 1)) == len(view) - (count // 2 if filtered else count)
    check_bijection(view)
    for index, lines in again.items():
        if index < count + more:
            view.expand(index, lines)
    check_bijection(view)
    view.filter(None)
    check_bijection(view)
    assert len(view) == count + more
    assert view.line_count == count + more + sum((expanded | again).get(index, 0) for index in range(count + more)) - (
        sum(expanded.get(index, 0) for index in range(count, count + more) if index not in again)
    )


def test_appending_passes_over_what_is_there() -> None:
    view = TimelineView()
    view.replace(many_rows(10))
    assert view.extend(many_rows(12)) == 2
    assert [row.seq for row in view.rows] == list(range(1, 13))
    assert view.extend(many_rows(12)) == 0


def test_the_place_of_a_row_that_the_filter_hides() -> None:
    view = TimelineView()
    view.replace(many_rows(10))
    view.filter(even)
    assert view.place_of(0) is None
    assert view.place_of(1) == 0
    assert view.nearest_place(0) == 0
    assert view.nearest_place(9) == 4
    assert view.row_at(4).seq == 10
    view.filter(lambda row: row.seq < 3)
    assert view.nearest_place(9) == 1
    view.filter(lambda row: False)
    assert view.nearest_place(9) == -1
    assert view.line_count == 0


def test_what_is_expanded_stays_so_under_a_filter() -> None:
    view = TimelineView()
    view.replace(many_rows(10))
    view.expand(2, 5)
    view.filter(even)
    assert view.line_count == 5
    assert view.is_expanded(2)
    view.filter(None)
    assert view.line_count == 15
    assert view.expanded == [2]
    view.replace(many_rows(3))
    assert view.expanded == []


def test_a_row_is_found_by_its_seq() -> None:
    view = TimelineView()
    view.replace(many_rows(10, first=5))
    assert view.index_of_seq(5) == 0
    assert view.index_of_seq(14) == 9
    assert view.index_of_seq(4) is None
    assert view.index_of_seq(15) is None


def test_the_way_to_other_rows() -> None:
    view = TimelineView()
    view.replace(many_rows(300))
    assert view.next_place(0, lambda row: row.is_error, 1) == 99
    assert view.next_place(99, lambda row: row.is_error, 1) == 199
    assert view.next_place(99, lambda row: row.is_error, -1) is None
    assert view.next_place(250, lambda row: row.is_error, -1) == 199


def test_the_way_to_other_steps() -> None:
    view = TimelineView()
    view.replace(many_rows(13))  # steps of five
    assert view.next_step(0, 1) == 5
    assert view.next_step(7, 1) == 10
    assert view.next_step(11, 1) is None
    assert view.next_step(7, -1) == 5
    assert view.next_step(5, -1) == 0
    assert view.next_step(0, -1) is None
    view.filter(lambda row: row.step != 2)
    assert view.next_step(0, 1) == 5
    assert view.row_at(5).step == 3
