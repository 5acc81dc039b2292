from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from workbench.definition.problems import (
    DefinitionError,
    Problem,
    format_problem,
    format_problems,
    in_order,
    nearest,
    printable,
)

PROBLEM = Problem(
    file=Path("agent.yaml"),
    line=12,
    column=5,
    where="mcp_servers[2].permisions",
    found="'permisions'",
    expected="one of name, path, permissions",
    suggestion="permissions",
    message="unknown key 'permisions'",
    source="    permisions: [read]",
)


def test_a_problem_is_shown_with_place_line_caret_and_help() -> None:
    assert format_problem(PROBLEM).splitlines() == [
        "agent.yaml:12:5: error: mcp_servers[2].permisions: unknown key 'permisions'",
        "   12 |     permisions: [read]",
        "      |     ^",
        "    expected: one of name, path, permissions",
        "    did you mean 'permissions'?",
    ]


def test_what_was_found_is_told_where_the_message_does_not() -> None:
    shown = format_problem(replace(PROBLEM, message="this is no size", found="'12q'"))
    assert "    found: '12q'" in shown.splitlines()


def test_the_callers_lines_stand_in_for_the_own_line() -> None:
    lines = ["x"] * 11 + ["    hidden: ***"]
    assert "   12 |     hidden: ***" in format_problem(PROBLEM, lines).splitlines()


def test_no_source_line_no_caret() -> None:
    assert "^" not in format_problem(replace(PROBLEM, source=""))


def test_the_caret_stands_below_the_character_after_tabs_and_wide_characters() -> None:
    rows = format_problem(replace(PROBLEM, source="名前:\tx", column=5)).splitlines()
    # two wide characters, a colon and a tab shown as four blanks
    assert rows[1] == "   12 | 名前:    x"
    assert rows[2] == "      | " + " " * 9 + "^"


@pytest.mark.parametrize("column", [1, 50, 90, 5_000, 9_990, 10_001])
def test_a_long_line_is_cut_around_the_problem(column: int) -> None:
    source = "".join(chr(0x61 + index % 26) for index in range(10_000))
    rows = format_problem(replace(PROBLEM, source=source, column=column)).splitlines()
    assert len(rows[1]) < 120
    caret = rows[2].index("^")
    if column <= len(source):
        assert rows[1][caret] == source[column - 1]


def test_what_a_terminal_would_obey_is_escaped_everywhere() -> None:
    evil = "\x1b[2J\u202e\x9b\x07"
    problem = replace(
        PROBLEM,
        file=Path("a" + evil),
        message=evil,
        found=evil + "x",
        expected=evil,
        suggestion=evil,
        source=evil,
        where=evil,
    )
    shown = format_problem(problem)
    assert all(line.isprintable() for line in shown.splitlines())
    assert printable("\x1b") == "\\x1b"


def test_the_exception_tells_all_problems_and_formats_them() -> None:
    error = DefinitionError([PROBLEM, replace(PROBLEM, line=13)])
    assert str(error).count("unknown key") == 2
    assert len(error.problems) == 2
    assert format_problems(error.problems).count("\n\n") == 1


def test_order_is_by_place_and_each_once() -> None:
    later, first = replace(PROBLEM, line=20), replace(PROBLEM, line=3)
    assert in_order([later, PROBLEM, first, later]) == [first, PROBLEM, later]


def test_nearest_ignores_case_and_knows_when_nothing_is_near() -> None:
    assert nearest("get", ["GET", "PUT"]) == "GET"
    assert nearest("permisions", ["path", "permissions"]) == "permissions"
    assert nearest("zebra", ["path", "permissions"]) is None
