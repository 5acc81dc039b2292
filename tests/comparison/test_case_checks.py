"""The checks of an agent's cases on the runs of a comparison."""

from __future__ import annotations

import json

import pytest

from tests.comparison.conftest import MODELS, Agent
from tests.e2e.conftest import workbench

SCRIPT = """
    version: 1
    pace: {first_token: 0, tokens_per_second: 0}
    rules:
      - when: {called: {facts: 0}, model: "claude-opus-*"}
        reply: {text: "I do not look it up."}
      - when: {called: {facts: 0}}
        reply: {calls: [{tool: facts, arguments: {method: GET, path: /one}}]}
      - reply: {text: "Found: {{ results.facts[0].lines[-1] }}"}
    http:
      facts:
        - {request: GET /one, text: first fact}
"""


@pytest.fixture
def kept(agent: Agent) -> Agent:
    """An agent with one case: the answer names the fact, the tool was called, and a rubric that nobody judges here."""
    agent.write("offline.yaml", SCRIPT)
    ran = workbench("run", agent.folder, "--offline", "--input", "what is it?")
    assert ran.code == 0, ran.err
    keep = workbench("keep", "last", "--as", "the-fact", "--agent", agent.folder)
    assert keep.code == 0, keep.err
    case = agent.folder / "cases" / "the-fact.yaml"
    text = case.read_text()
    begin, end = text.index("checks:"), text.find("\n", text.rindex("checks:"))
    del end
    rest = text[begin:].splitlines()[1:]
    after = next((at for at, line in enumerate(rest) if line and not line.startswith((" ", "-", "#"))), len(rest))
    checks = [
        "checks:",
        "  - output: {contains: first fact}",
        "  - called: facts",
        "  - rubric: It is short.",
        *rest[after:],
    ]
    case.write_text(text[:begin] + "\n".join(checks) + "\n")
    return agent


def test_checks_of_a_case_are_made_on_every_run(kept: Agent) -> None:
    done = workbench(
        *(
            "compare",
            kept.folder,
            "--offline",
            "--cases",
            "--models",
            ",".join(MODELS),
            "--repeat",
            "2",
            "--format",
            "json",
        )
    )
    assert done.code == 0, done.err
    figures = json.loads(done.out)
    assert figures["inputs"] == ["the-fact"]
    assert {v["model"]: (v["checks"]["passed"], v["checks"]["of"]) for v in figures["variants"]} == {
        "claude-haiku-4-5": (4, 4),
        "claude-sonnet-4-6": (4, 4),
        "claude-opus-4-6": (0, 4),
    }
    failed = [run["checks_failed"] for run in figures["runs"] if run["model"] == "claude-opus-4-6"]
    assert all("called: expected" in text and "output: expected" in text for text in failed)
    assert {d["verdict"] for d in figures["differences"] if d["measure"] == "checks passed"} == {"cannot tell"}
    table = workbench("compare", kept.folder, "--no-run").out
    assert "checks passed" in table
    assert "0 of 4 (0–49 %)" in table


def test_an_input_without_a_case_is_not_checked(kept: Agent) -> None:
    done = workbench("compare", kept.folder, "--offline", "--input", "something else", "--format", "json")
    assert json.loads(done.out)["variants"][0]["checks"] == {"passed": None, "of": None}
    assert "checks passed" not in workbench("compare", kept.folder, "--no-run").out


def test_cases_that_cannot_be_read_do_not_take_the_report_away(kept: Agent) -> None:
    (kept.folder / "cases" / "the-fact.yaml").write_text("nonsense: [")
    done = workbench("compare", kept.folder, "--offline", "--input", "what is it?")
    assert done.code == 0, done.err
    assert "The agent's cases cannot be read, so none of their checks was made" in done.out
    asked = workbench("compare", kept.folder, "--offline", "--cases")
    assert asked.code == 2
    assert "the-fact.yaml:1" in asked.err
