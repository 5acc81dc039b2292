"""Runs as a tree of parents and replays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from rich.cells import cell_len

from workbench.trace.runs import RunSummary
from workbench.tui.run_tree import Branch, branch_line, tree

NOW = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)


def run(number: int, parent: int | None = None) -> RunSummary:
    at = NOW + timedelta(minutes=number)
    return RunSummary(
        run_id=f"run-{number}",
        agent="a",
        digest="d",
        started_at=at,
        trigger="manual",
        input_gist="input",
        model="m",
        model_source="offline",
        endpoint=None,
        budget_usd=None,
        parent_run_id=None if parent is None else f"run-{parent}",
        fork_step=None if parent is None else 3,
        last_at=at,
        status="completed",
        model_usd=Decimal("0.0123"),
    )


def shape(*newest_first: RunSummary) -> list[str]:
    return [f"{branch.lead}{branch.run.run_id}" for branch in tree(newest_first)]


def test_replays_follow_their_parent_in_the_order_in_which_they_were_made() -> None:
    assert shape(run(5), run(4, 1), run(3, 2), run(2, 1), run(1)) == [
        "run-5",
        "run-1",
        "├ run-2",
        "│ └ run-3",
        "└ run-4",
    ]


def test_a_replay_whose_parent_is_not_listed_stands_by_itself() -> None:
    assert shape(run(3, 1), run(2)) == ["run-3", "run-2"]


def test_a_run_that_names_itself_as_its_parent_is_shown_once() -> None:
    assert shape(run(1, 1)) == ["run-1"]


def test_a_line_is_as_wide_as_it_may_be() -> None:
    for width in (24, 30, 60):
        line = branch_line(Branch(run(2, 1), "└ "), "a very long name of an input", NOW, width, shown=True)
        assert cell_len(line.plain) == width
        assert line.plain.startswith("└ ✓ ")
        assert "$0.0123" in line.plain
