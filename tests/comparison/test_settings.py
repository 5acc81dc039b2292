"""An agent's settings on models that do not accept all of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.comparison.conftest import Agent
from workbench.comparison import wording
from workbench.comparison.planning import Wish, make_plan
from workbench.comparison.report import make_report
from workbench.comparison.results import Result
from workbench.comparison.settings import on_model
from workbench.definition.agent import ModelSettings, Thinking
from workbench.model.parameters import check_settings

TUNED = ModelSettings("claude-sonnet-4-6", effort="medium", max_tokens=100_000, thinking=Thinking("enabled", 4_000))


@pytest.mark.parametrize(
    ("model", "left_out"),
    [
        ("claude-opus-4-6", []),
        ("claude-haiku-4-5", ["effort medium", "max_tokens above 64,000"]),
        ("claude-opus-5", ["thinking enabled"]),
        ("claude-sonnet-4-6", []),
        ("local-model", []),
    ],
)
def test_what_a_model_does_not_accept_is_left_out(agent: Agent, model: str, left_out: list[str]) -> None:
    tuned = replace(agent.sitting().definition, model=TUNED)
    changed, missing = on_model(tuned, model)
    assert missing == left_out or (not missing and not left_out)
    assert changed.model.id == model
    if model != "local-model":
        check_settings(changed.model, changed.model.max_tokens or 1)


def test_the_agents_own_model_keeps_its_mistakes(agent: Agent) -> None:
    wrong = replace(agent.sitting().definition, model=ModelSettings("claude-haiku-4-5", effort="high"))
    assert on_model(wrong, "claude-haiku-4-5") == (wrong, ())


def test_the_report_says_so(agent: Agent) -> None:
    agent.write(
        "agent.yaml",
        "name: a\nmodel: {id: claude-sonnet-4-6, effort: medium}\nsystem_prompt: ./prompt.md\n",
    )
    plan = make_plan(agent.sitting(), Wish(models=("claude-sonnet-4-6", "claude-haiku-4-5"), inputs=("x",))).plan
    report = make_report(plan, [Result(cell, None) for cell in plan.cells])
    assert "claude-haiku-4-5 runs without effort medium, which its model does not accept." in wording.notes(report)
