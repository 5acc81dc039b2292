"""The aligned rows of a comparison, without a screen."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tui.compared import column_of, empty_column, run_of
from workbench.tui.compare_column import CompareColumn
from workbench.tui.compare_rows import CompareRows, Line


def table_of(*columns: CompareColumn) -> CompareRows:
    table = CompareRows(columns)
    table.align()
    return table


def shown(table: CompareRows) -> list[str]:
    """Each row as the steps and types of its cells."""
    rows = []
    for row in range(len(table.rows)):
        cells = [table.cell(row, column) for column in range(len(table.columns))]
        rows.append(
            " ".join("-" if cell is None else f"{cell.step}:{cell.type.removeprefix('tool_')}" for cell in cells)
        )
    return rows


def test_a_step_that_one_run_lacks_is_a_gap() -> None:
    table = table_of(column_of(run_of("r1", 3)), column_of(run_of("r2", 3, without=[2])))
    assert shown(table) == [
        "0:run_started 0:run_started",
        *("1:message 1:message", "1:call 1:call", "1:result 1:result"),
        *("2:message -", "2:call -", "2:result -"),
        *("3:message 3:message", "3:call 3:call", "3:result 3:result"),
        "3:run_completed 3:run_completed",
    ]
    assert [row for row in range(len(table.rows)) if table.differs(row, (0, 1))] == [4, 5, 6]


def test_only_the_columns_in_view_decide_whether_a_row_differs() -> None:
    table = table_of(
        column_of(run_of("r1")), column_of(run_of("r2")), column_of(run_of("r3", said={2: "Looking elsewhere"}))
    )
    row = next(row for row in range(len(table.rows)) if table.differs(row, (0, 1, 2)))
    assert not table.differs(row, (0, 1))
    assert table.differs(row, (0, 2))


def test_what_a_run_may_still_say_is_no_difference() -> None:
    going_on = column_of(run_of("r2")[:9])
    table = table_of(column_of(run_of("r1")), going_on)
    last = len(table.rows) - 1
    assert table.cell(last, 1) is None
    assert table.is_pending(last, 1)
    assert not table.differs(last, (0, 1))
    going_on.take(run_of("r2")[9:12])
    going_on.failed_to_start("lost")
    table.align()
    assert not table.is_pending(last, 1)
    assert table.differs(last, (0, 1))


def test_growing_columns_give_the_rows_of_whole_ones() -> None:
    events = [run_of("r1", 12), run_of("r2", 12, without=[5], said={7: "other"}), run_of("r3", 12, said={3: "else"})]
    columns = [empty_column(run) for run in events]
    table = CompareRows(columns)
    for begin in range(0, 70, 3):
        for column, run in zip(columns, events, strict=True):
            column.take(run[begin : begin + 3])
        assert table.is_stale or begin > len(events[1])
        table.align()
    assert shown(table) == shown(table_of(*(column_of(run) for run in events)))


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 9)), max_size=40))
def test_in_whatever_order_runs_grow_every_row_is_there_once(portions: list[tuple[int, int]]) -> None:
    events = [run_of("r1", 8), run_of("r2", 8, without=[4]), run_of("r3", 8, said={2: "x", 6: "y"})]
    columns = [empty_column(run) for run in events]
    table, taken = CompareRows(columns), [0, 0, 0]
    for which, count in portions:
        columns[which].take(events[which][taken[which] : taken[which] + count])
        taken[which] += count
        table.align()
        for number, column in enumerate(columns):
            assert [row[number] for row in table.rows if row[number] is not None] == list(range(len(column.rows)))


def test_lines_and_rows_with_expansions() -> None:
    table = table_of(column_of(run_of("r1", 2)), column_of(run_of("r2", 2)))
    assert table.line_count == 8
    table.expand({1: 3, 4: 2})
    assert table.line_count == 13
    assert [table.at(line) for line in (0, 1, 2, 4, 5, 7, 8, 9, 10)] == [
        Line(0, 0),
        Line(1, 0),
        Line(1, 1),
        Line(1, 3),
        Line(2, 0),
        Line(4, 0),
        Line(4, 1),
        Line(4, 2),
        Line(5, 0),
    ]
    assert table.at(13) is None
    assert all(table.at(table.line_of(place)) == Line(place, 0) for place in range(8))


def test_only_differences() -> None:
    table = table_of(column_of(run_of("r1", 3)), column_of(run_of("r2", 3, without=[2])))
    table.show(only_differences=True)
    assert table.shown == [4, 5, 6]
    assert (table.line_count, table.place_of(5), table.place_of(0), table.place_of(9)) == (3, 1, 0, 2)
    table.show(only_differences=False)
    assert len(table.shown) == 11


def test_what_a_column_knows_of_its_run() -> None:
    column = empty_column(run_of("r1", 2), "Haiku")
    assert (column.status, column.is_going_on, column.run_id) == ("waiting", True, None)
    events = run_of("r1", 2)
    column.take(events[:6])
    assert (column.status, column.steps, column.run_id) == ("running", 1, "r1")
    column.take(events[6:])
    assert (column.status, column.is_going_on, column.duration, column.steps) == ("completed", False, 4.5, 2)
    assert column.total_usd(lambda seconds: Decimal(0)) == Decimal("0.00062")
    lost = empty_column(events)
    lost.failed_to_start("no sandbox")
    assert (lost.status, lost.is_going_on) == ("not started", False)
