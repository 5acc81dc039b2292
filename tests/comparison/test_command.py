"""`workbench compare` as a person uses it, mistakes included."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.comparison.conftest import Agent
from tests.e2e.conftest import workbench

TWO = ("--offline", "--models", "claude-haiku-4-5,claude-sonnet-4-6", "--input", "what?")


def test_a_comparison_is_made_listed_and_shown_again(agent: Agent, tmp_path: Path) -> None:
    page = tmp_path / "out.html"
    made = workbench("compare", agent.folder, *TWO, "--name", "two", "--format", "html", "--output", page)
    assert made.code == 0, made.err
    assert "comparison two: 2 runs" in made.err
    assert page.read_text().startswith("<!doctype html>")
    assert workbench("compare", agent.folder, "--list").out.startswith("two  ")
    shown = workbench("compare", agent.folder, "--no-run", "--name", "two", "--format", "json")
    assert json.loads(shown.out)["complete"]
    again = workbench("compare", agent.folder, "--offline", "--name", "two", "--format", "json")
    assert again.out == shown.out
    assert "every run was finished before" in again.err


def test_fresh_runs_everything_anew(agent: Agent) -> None:
    first, second = (workbench("compare", agent.folder, *TWO, "--fresh", "--format", "json") for _ in range(2))
    one, other = ({run["run"] for run in json.loads(done.out)["runs"]} for done in (first, second))
    assert not one & other


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--offline", "--repeat", "0", "--input", "x"), "the number of repeats is 1 to 1,000"),
        (("--offline",), "no input: give --input"),
        (("--offline", "--prompts", "missing.md", "--input", "x"), "the prompt missing.md cannot be read"),
        (("--no-run", "--name", "nothing"), "there is no comparison 'nothing'"),
        (("--offline", "--input", "x", "--fuse", "none"), "--fuse takes an amount of USD above 0"),
        (("--offline", "--input", "x", "--inputs", "nowhere"), "nowhere cannot be read"),
    ],
)
def test_mistakes_are_told_without_a_traceback(agent: Agent, arguments: tuple[str, ...], said: str) -> None:
    workbench("compare", agent.folder, *TWO, "--name", "first")
    done = workbench("compare", agent.folder, *arguments)
    assert done.code == 2
    assert said in done.err
    assert "Traceback" not in done.err


def test_an_agent_that_is_none_is_told(tmp_path: Path) -> None:
    for arguments in (("--list",), ("--no-run",), ("--offline", "--input", "x")):
        done = workbench("compare", tmp_path / "nothing", *arguments)
        assert done.code == 2
        assert "Traceback" not in done.err


def test_a_blown_fuse_ends_with_the_code_of_a_limit(agent: Agent) -> None:
    done = workbench("compare", agent.folder, *TWO, "--repeat", "20", "--concurrency", "1", "--fuse", "0.12")
    assert done.code == 3
    assert "Not complete: fuse" in done.out
    more = workbench("compare", agent.folder, *TWO, "--repeat", "20", "--fuse", "9")
    assert more.code == 0, more.err
    assert "runs were finished before" in more.err
