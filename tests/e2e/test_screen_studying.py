"""Going back into a run, replaying and comparing, in a real terminal, as a person does it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import workbench
from tests.e2e.terminal import Terminal, terminal
from tests.engine.conftest import HTTP_AGENT, PROMPT, Agent

SAYS_WHAT_IT_FOUND = """
    version: 1
    pace: {first_token: 0, tokens_per_second: 0}
    rules:
      - when: {called: {facts: 0}}
        reply:
          text: I look it up.
          calls: [{tool: facts, arguments: {method: GET, path: /one}}]
      - when: {called: {facts: 1}}
        reply:
          text: And once more.
          calls: [{tool: facts, arguments: {method: GET, path: /two}}]
      - reply: {text: "Found: {{ results.facts[-1].lines[-1] }}"}
    http:
      facts:
        - {request: GET /one, text: first fact}
        - {request: GET /two, text: second fact}
"""


@pytest.fixture
def agent(tmp_path: Path) -> Agent:
    """An agent that needs no sandbox, and says the last fact that it found."""
    made = Agent(tmp_path / "looker")
    made.write("prompt.md", PROMPT)
    made.write("agent.yaml", HTTP_AGENT)
    made.write("offline.yaml", SAYS_WHAT_IT_FOUND)
    made.write("inputs/first.txt", "what is it?")
    return made


def ran(shown: Terminal) -> None:
    """Run the first input to its end."""
    shown.see("looker", "OFFLINE SCRIPT", "watching")
    shown.press("r")
    shown.see("■ done")


def edit_last_result(shown: Terminal, text: str) -> None:
    """Go to the last tool result in the timeline, back to it in the replay editor, and put another text there."""
    shown.press("2", "G", "k", "k", "k", "k")
    shown.see("tool_result", "step 2", "3 of 3 steps from tape")
    shown.press("b")
    shown.see("⏎ Edit")
    beside = shown.text.count("second fact")
    shown.press("enter")
    shown.see("2.1 facts: result", "^s keep", "^s Keep")
    shown.wait(lambda seen: seen.count("second fact") == beside + 1)
    shown.press("f7", "backspace")  # seen to be done before more is typed: the framework runs text before such keys
    shown.wait(lambda seen: seen.count("second fact") == beside)
    shown.press(text)
    shown.see(text)
    shown.press("ctrl+s")
    shown.unsee("^s keep")
    shown.see("1 edit")


def runs(folder: Path) -> Sequence[dict[str, Any]]:
    """The stored runs, newest first."""
    return [json.loads(line) for line in workbench("runs", folder, "--json").out.splitlines()]


def leave(shown: Terminal) -> None:
    shown.press("ctrl+q")
    assert shown.ended() == 0
    shown.assert_restored()


def test_an_edited_result_is_replayed_and_compared_with_its_parent(agent: Agent, tmp_path: Path) -> None:
    with terminal(agent.folder, width=200, height=50, home=tmp_path) as shown:
        ran(shown)
        shown.see("Found: second fact")
        edit_last_result(shown, "another fact")
        shown.see("2 of 3 steps from tape", "live: model and tools", "est. $0.0008")
        shown.press("ctrl+r")
        shown.see("Found: another fact", "2 taped, saved", "replay of", "└ ✓", "C With parent")
        shown.press("C")
        shown.see("2 runs of looker · 3 of 9 rows differ", "3 (2 from tape)")
        shown.wait(lambda text: text.count("≠") == 3)
        shown.press("d")
        shown.unsee("GET /one")
        shown.press("escape")
        shown.see("2 timeline")
        leave(shown)
    replay, parent = runs(agent.folder)
    assert replay["parent_run_id"] == parent["run_id"]
    assert replay["fork_step"] == 3
    assert replay["outcome_gist"] == "Found: another fact"
    assert parent["outcome_gist"] == "Found: second fact"
    assert Decimal(replay["model_usd"]) < Decimal(parent["model_usd"]) / 2


def test_edits_are_undone_and_a_long_way_back_is_a_replay_of_its_own(agent: Agent, tmp_path: Path) -> None:
    with terminal(agent.folder, width=200, height=50, home=tmp_path) as shown:
        ran(shown)
        edit_last_result(shown, "another fact")
        shown.press("u")
        shown.see("nothing edited", "3 of 3 steps from tape", "costs nothing")
        shown.press("U")
        shown.see("1 edit", "2 of 3 steps from tape")
        shown.press("g")
        shown.see("§ system prompt")
        shown.press("enter")
        shown.see("system prompt", "^s keep")
        shown.press("Loudly. ")
        shown.see("Loudly. You")
        shown.press("ctrl+s")
        shown.see("2 edits", "0 of 3 steps from tape")
        shown.press("X")
        shown.see("nothing edited")
        leave(shown)
    assert len(runs(agent.folder)) == 1


def test_three_models_answer_at_once(agent: Agent, tmp_path: Path) -> None:
    with terminal(agent.folder, width=200, height=50, home=tmp_path) as shown:
        ran(shown)
        shown.press("c")
        shown.see("Compare models on one input", "claude-opus-4-6", "the fuse has", "what is it?")
        shown.wait(lambda text: text.count("▐✓▌") == 3)
        shown.press("ctrl+r")
        shown.see("3 models on: what is it?")
        shown.wait(lambda text: text.count("■ completed") == 3 and text.count("Found: second fact") == 6)
        shown.see("0 of 9 rows differ")
        shown.press("l", "o")
        shown.see("2 timeline", "claude-sonnet-4-6 1 message")
        leave(shown)
    compared = [run for run in runs(agent.folder) if run["trigger"] == "compare"]
    assert {run["model"] for run in compared} == {"claude-haiku-4-5", "claude-sonnet-4-6", "claude-opus-4-6"}
    assert all(run["status"] == "completed" for run in compared)
    assert max(run["started_at"] for run in compared) < min(run["last_at"] for run in compared)


def test_marked_runs_are_compared(agent: Agent, tmp_path: Path) -> None:
    with terminal(agent.folder, width=200, height=50, home=tmp_path) as shown:
        ran(shown)
        agent.write("prompt.md", PROMPT + "Be brief.\\n")
        shown.see("+ Be brief.")
        shown.press("r")
        shown.wait(lambda text: text.count("✓ ") >= 2)
        for keys, told in (("1", "⏎ Edit"), ("tab", "⏎ Run it"), ("tab", "space Mark")):
            shown.press(keys)
            shown.see(told)
        shown.press("g", "space", "j", "space")
        shown.wait(lambda text: text.count("◆") == 2)
        shown.press("c")
        shown.see("2 runs of looker", "rows differ")
        leave(shown)


def test_a_permission_is_asked_refused_and_granted(agent: Agent, tmp_path: Path) -> None:
    agent.write("agent.yaml", HTTP_AGENT.replace('.com"}', '.com", permission_policy: always_ask}'))
    with terminal(agent.folder, width=160, height=50, home=tmp_path) as shown:
        shown.see("looker", "OFFLINE SCRIPT", "watching")
        shown.press("r")
        shown.see("may it?", "facts GET /one", "y Allow")
        shown.press("y")
        shown.see("may it?", "/two")
        shown.press("w")
        shown.see("why not?")
        shown.press("not today", "enter")
        shown.unsee("may it?")
        shown.see("■ done", "granted facts", "refused facts not today", "Found: The user refused")
        leave(shown)


def test_a_run_that_was_cut_off_goes_on(agent: Agent, tmp_path: Path) -> None:
    slow = SAYS_WHAT_IT_FOUND.replace("tokens_per_second: 0", "tokens_per_second: 4").replace(
        "And once more.", "And once more, " + "which takes long, " * 20
    )
    agent.write("offline.yaml", slow)
    with terminal(agent.folder, width=160, height=50, home=tmp_path) as shown:
        shown.see("looker", "OFFLINE SCRIPT", "watching")
        shown.press("r")
        shown.see("And once more")
        shown.press("escape")
        shown.see("cancelled")
        shown.unsee("● running")
        agent.write("offline.yaml", SAYS_WHAT_IT_FOUND)
        shown.see("offline.yaml +", "live: the next run has it", "s Go on")
        shown.press("s")
        shown.see("■ done", "Found: second fact", "1 taped, saved")
        leave(shown)
    assert [run["status"] for run in runs(agent.folder)] == ["completed", "failed"]


@pytest.mark.docker
def test_a_review_changes_once_its_failing_test_had_passed(sample: Callable[[str], Path], tmp_path: Path) -> None:
    folder = sample("code-review")
    with terminal(folder, width=200, height=60, home=tmp_path) as shown:
        shown.see("code-review", "OFFLINE SCRIPT", "change-218.txt")
        shown.press("r")
        shown.see("gVisor proven", "■ done", "Request changes.", "$0.0231", seconds=90)
        shown.press("2", "g")
        shown.see("run_started")
        shown.press("e")
        shown.see("error · exit code 1", "step 2")
        shown.press("b")
        shown.see("⏎ Edit")
        shown.press("enter")
        shown.see("2.1 bash: result", "^s keep", "test_add")
        shown.see("FAILED (failures=1)")
        shown.press("f7", "backspace")
        shown.unsee("FAILED (failures=1)")
        shown.press("Ran 7 tests", "enter", "OK")
        shown.see("Ran 7 tests")
        shown.press("ctrl+s")
        shown.see("1 edit", "2 of 5 steps from tape", "live: model and tools", "est. $")
        shown.press("ctrl+r")
        shown.see("└ ✓", "Approve. No findings.", "2 taped, saved", "C With parent", seconds=90)
        shown.press("C")
        shown.see("2 runs of code-review", "5 (2 from tape)", "rows differ", "≠")
        shown.press("escape")
        shown.see("2 timeline")

        shown.press("c")
        shown.see("Compare models on one input", "at most $1.00 each")
        shown.press("ctrl+r")
        shown.see("3 models on: Review change 218")
        shown.wait(lambda text: text.count("■ completed") == 3, seconds=120)
        shown.press("escape")
        shown.see("2 timeline")
        leave(shown)
    reviews = {run["trigger"]: run["outcome_gist"] for run in runs(folder)}
    assert reviews["replay"] == "Approve. No findings."
    assert reviews["manual"].startswith("Request changes.")
    assert [run["status"] for run in runs(folder)] == ["completed"] * 5
