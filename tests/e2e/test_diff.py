"""`workbench diff` as a user calls it, on runs of an agent that needs no Docker."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest

from tests.e2e.conftest import Finished, workbench

AGENT = """
    name: looker
    model: claude-haiku-4-5
    system_prompt: ./prompt.md
    mcp_servers:
      - {type: http, name: facts, url: "https://facts.example.com"}
"""
SCRIPT = """
    version: 1
    pace: {first_token: 0, tokens_per_second: 0}
    rules:
      - when: {called: {facts: 0}}
        reply:
          text: I look it up.
          calls: [{tool: facts, arguments: {method: GET, path: /one}}]
      - when: {called: {facts: 1}}
        reply:
          text: And the second.
          calls: [{tool: facts, arguments: {method: GET, path: /two}}]
      - reply: {text: "Found: {{ results.facts[0].lines[-1] }}"}
    http:
      facts:
        - {request: GET /one, text: first fact}
        - {request: GET /two, text: second fact}
"""


@dataclass(frozen=True)
class Runs:
    """The runs that the tests compare: two of the same, one with everything changed, one whose model is hostile."""

    folder: Path
    one: str
    same: str
    changed: str
    hostile: str

    def diff(self, *arguments: str) -> Finished:
        return workbench("diff", *arguments, "--agent", self.folder)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    folder = tmp_path_factory.mktemp("agents") / "looker"
    folder.mkdir()
    (folder / "agent.yaml").write_text(dedent(AGENT))

    def run(prompt: str, script: str, *arguments: str) -> str:
        (folder / "prompt.md").write_text(prompt)
        (folder / "offline.yaml").write_text(dedent(script))
        done = workbench("run", folder, "--offline", "--json", "--input", "what is it?", *arguments)
        assert done.code == 0, done.err
        return str(done.events[0]["run_id"])

    brief, kind = "Look things up.\nBe brief.\n", "Look things up.\nBe kind.\n"
    other = (
        SCRIPT.replace("And the second.", "And the other.").replace("/two", "/2").replace("second fact", "third fact")
    )
    hostile = SCRIPT.replace("And the second.", r'"\e]2;PWNED\a and \u202E more"')
    return Runs(
        folder,
        run(brief, SCRIPT),
        run(brief, SCRIPT),
        run(kind, other, "--model", "claude-sonnet-4-6"),
        run(brief, hostile),
    )


def test_two_runs_of_the_same_are_the_same(runs: Runs) -> None:
    done = runs.diff(runs.one, runs.same)
    assert done.code == 0, done.out
    assert "The same in all that they were given, said and did." in done.out
    assert "steps 1 to 3  the same" in done.out
    assert "second fact" not in done.out
    assert max(map(len, done.out.splitlines())) <= 80
    assert "\x1b" not in done.out


def test_everything_is_shown_on_demand(runs: Runs) -> None:
    assert "second fact" in runs.diff(runs.one, runs.same, "--all").out


def test_what_differs_is_shown_and_where_they_part_is_said_first(runs: Runs) -> None:
    done = runs.diff(runs.one, runs.changed)
    assert done.code == 1, done.err
    said = done.out.splitlines()
    assert said[3] == "They part at step 2: message, tool calls and results."
    assert said[4] == "They were given another system prompt and settings."
    for expected in (
        "  -Be brief.",
        "  +Be kind.",
        "  model.id  claude-haiku-4-5 → claude-sonnet-4-6",
        "    And the [-second-]{+other+}.",
        "    path: /[-two-]{+2+}",
        "    [-second-]{+third+} fact",
        "step 1  the same",
    ):
        assert expected in said
    assert max(map(len, said)) <= 80


def test_as_json(runs: Runs) -> None:
    done = runs.diff(runs.one, runs.changed, "--json")
    assert done.code == 1
    told = json.loads(done.out)
    assert (told["left"]["run_id"], told["right"]["run_id"]) == (runs.one, runs.changed)
    assert {"name": "model.id", "left": "claude-haiku-4-5", "right": "claude-sonnet-4-6"} in told["settings"]
    assert told["parting"] == {"left": 2, "right": 2, "parts": ["message", "tool calls", "results"]}
    assert [step["same"] for step in told["steps"]] == [True, False, True]


def test_a_run_that_is_not_there(runs: Runs) -> None:
    done = runs.diff(runs.one, "nosuch")
    assert done.code == 2
    assert "no run is called 'nosuch'" in done.err
    assert "Traceback" not in done.err


def test_hostile_text_does_not_reach_the_terminal(runs: Runs) -> None:
    done = runs.diff(runs.one, runs.hostile)
    assert done.code == 1
    assert "PWNED" in done.out
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", done.out)


def test_a_replay_from_its_tape_alone_is_the_same_as_its_parent(runs: Runs) -> None:
    assert workbench("replay", runs.one, "--agent", runs.folder).code == 0
    done = runs.diff(runs.one, "last")
    assert done.code == 0, done.out
    assert "a replay of left" in done.out.splitlines()[1]
    assert "steps 1 to 3  the same  ▣ right from tape" in done.out
