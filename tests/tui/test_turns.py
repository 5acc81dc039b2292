"""The bracket that joins the calls and results of one turn."""

from __future__ import annotations

from tests.tui.timeline_cases import a_run, many_rows, rows_of
from workbench.trace.rows import EventRow
from workbench.tui.turns import Turns


def marks(rows: list[EventRow]) -> list[str]:
    turns = Turns()
    turns.extend(rows)
    return [turns.mark(row) for row in rows]


def test_parallel_calls_are_joined_and_results_say_which_call_they_answer() -> None:
    rows = rows_of(a_run())
    first = [row.seq for row in rows].index(7)
    assert marks(rows)[first : first + 7] == ["┏1", "┣2", "┣3", "┃", "┣3", "┣1", "┗2"]


def test_a_turn_with_one_call_has_a_light_bracket_without_numbers() -> None:
    rows = rows_of(a_run())
    assert marks(rows)[15:18] == ["┌", "│", "└"]
    assert marks(many_rows(5)) == ["", "", "", "┌", "└"]


def test_the_bracket_stays_open_until_every_call_is_answered() -> None:
    rows = rows_of(a_run())
    turns = Turns()
    turns.extend(rows[:8])
    assert [turns.mark(row) for row in rows[6:8]] == ["┏1", "┣2"]
    turns.extend(rows[8:12])
    assert turns.mark(rows[11]) == "┣1"
    turns.extend(rows[12:13])
    assert turns.mark(rows[12]) == "┗2"
    assert turns.call_number(rows[12]) == 2


def test_rows_without_the_id_of_a_call_are_joined_all_the_same() -> None:
    rows = [row._replace(call_id=None) for row in rows_of(a_run())[6:13]]
    assert marks(rows) == ["┏", "┣", "┣", "┃", "┣", "┣", "┗"]
