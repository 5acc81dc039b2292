"""A few characters name a run."""

from __future__ import annotations

import pytest

from workbench.trace.errors import RunNotFoundError
from workbench.trace.lookup import Candidate, choose_run

RUNS = [
    Candidate("261122-093000-abcd", "triage", "third"),
    Candidate("261122-080000-wxyz", "triage", "second\x1b"),
    Candidate("261121-093000-9bcd", "review", "first"),
]


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("last", 0),
        ("LAST", 0),
        ("", 0),
        ("261122-080000-wxyz", 1),
        ("261122-08", 1),
        ("261121", 2),
        ("wxyz", 1),
        (" ABCD ", 0),
        ("9bcd", 2),
    ],
)
def test_a_beginning_or_an_end_is_enough(text: str, chosen: int) -> None:
    assert choose_run(text, RUNS) == RUNS[chosen].run_id


def test_a_whole_id_is_that_run_even_if_others_begin_with_it() -> None:
    runs = [Candidate("run-10", "a", ""), Candidate("run-1", "a", "")]
    assert choose_run("run-1", runs) == "run-1"


def test_several_runs_are_listed() -> None:
    with pytest.raises(RunNotFoundError) as caught:
        choose_run("261122", RUNS)
    assert str(caught.value) == (
        "2 runs are called '261122':\n  261122-093000-abcd  triage  third\n  261122-080000-wxyz  triage  second␛"
    )
    with pytest.raises(RunNotFoundError, match="2 runs are called 'bcd'"):
        choose_run("bcd", RUNS)


def test_a_long_list_is_cut() -> None:
    runs = [Candidate(f"run-{number:02}", "a", "") for number in range(20)]
    with pytest.raises(RunNotFoundError, match=r"run-07 .*\n  … and 12 more$"):
        choose_run("run", runs)


def test_no_run_names_the_nearest_or_the_newest() -> None:
    with pytest.raises(RunNotFoundError, match=r"Nearest are:\n  261122-080000-wxyz"):
        choose_run("261122-080000-wxyy", RUNS)
    with pytest.raises(RunNotFoundError, match=r"The newest are:\n  261122-093000-abcd"):
        choose_run("nothing-like-it", RUNS)
    with pytest.raises(RunNotFoundError, match="no run is called '␛'"):
        choose_run("\x1b", RUNS)


def test_without_runs_there_is_nothing_to_choose() -> None:
    with pytest.raises(RunNotFoundError, match="no runs yet"):
        choose_run("last", [])
