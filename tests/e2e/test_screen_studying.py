"""Going back into a run, replaying and comparing, in a real terminal, as a person does it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import workbench
from tests.e2e.terminal import Terminal, terminal
from tests.engine.conftest import HTTP_AGENT, LOOK_UP, PROMPT, Agent

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
    shown.see("tool_result", "step 2")
    shown.press("b")
    shown.see("⏎ Edit")
    shown.press("enter")
    shown.see("2.1 facts: result", "^s keep")
    shown.press("f7", text)
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
        print(shown.see("2 of 3 steps from tape"))
        shown.press("ctrl+r")
        print(shown.see("Found: another fact", "from tape"))
        shown.wait(lambda text: "└ ✓" in text)
        print(shown.text)
        shown.press("C")
        print(shown.see("2 runs of looker", "rows differ"))
        shown.press("escape")
        leave(shown)
    replay, parent = runs(agent.folder)
    print(json.dumps(replay, indent=1), parent)


def test_three_models_answer_at_once(agent: Agent, tmp_path: Path) -> None:
    with terminal(agent.folder, width=200, height=50, home=tmp_path) as shown:
        ran(shown)
        shown.press("c")
        print(shown.see("Compare models on one input", "claude-opus-4-6", "what is it?"))
        shown.press("ctrl+r")
        print(shown.see("3 models on: what is it?"))
        shown.wait(lambda text: text.count("Found: second fact") >= 3)
        print(shown.text)
        leave(shown)
    assert len(runs(agent.folder)) == 4


def test_marked_runs_are_compared(agent: Agent, tmp_path: Path) -> None:
    with terminal(agent.folder, width=200, height=50, home=tmp_path) as shown:
        ran(shown)
        agent.write("prompt.md", PROMPT + "Be brief.\\n")
        shown.see("+ Be brief.")
        shown.press("r")
        shown.wait(lambda text: text.count("✓ ") >= 2)
        print(shown.text)
        shown.press("1", "tab", "tab", "g", "space", "j", "space")
        shown.wait(lambda text: text.count("◆") == 2)
        shown.press("c")
        print(shown.see("2 runs of looker"))
        leave(shown)


def test_a_permission_is_asked_refused_and_granted(agent: Agent, tmp_path: Path) -> None:
    agent.write("agent.yaml", HTTP_AGENT.replace('.com"}', '.com", permission_policy: always_ask}'))
    with terminal(agent.folder, width=160, height=50, home=tmp_path) as shown:
        shown.see("looker", "OFFLINE SCRIPT", "watching")
        shown.press("r")
        print(shown.see("may it?", "GET", "/one"))
        shown.press("y")
        shown.see("may it?", "/two")
        shown.press("w")
        shown.see("why not?")
        shown.press("not today", "enter")
        shown.unsee("may it?")
        print(shown.see("■ done", "not today"))
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
        shown.see("offline.yaml", "live")
        print(shown.see("s Go on"))
        shown.press("s")
        print(shown.see("■ done", "Found: second fact"))
        leave(shown)
    assert [run["status"] for run in runs(agent.folder)] == ["completed", "failed"]
