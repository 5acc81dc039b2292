"""Testing cases: from the tape, as recorded, live; what makes a tape stale; what judges say."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pytest

from tests.cases.conftest import TestedAgent
from tests.engine.conftest import HTTP_AGENT, LOOK_UP
from workbench.cases.kept_facts import facts_file, verdict_key
from workbench.cases.report import headline, problem_lines
from workbench.cases.testing import CaseResult
from workbench.cost.usage import Usage
from workbench.jsontypes import JsonObject
from workbench.model.conversation import Reply, Request
from workbench.sitting.overrides import Overrides
from workbench.trace.events import ModelSource, RunStarted
from workbench.trace.store import Store

JUDGE = """
      - when: {input: {contains: '"rubric"'}}
        reply: {text: 'Well. {"holds": %s, "reason": "it names the fact"}'}
"""


def judging(holds: str) -> str:
    return LOOK_UP.replace("    rules:\n", f"    rules:{JUDGE % holds}", 1)


def said(results: Sequence[CaseResult]) -> str:
    return "\n".join(line for result in results for line in (headline(result), *problem_lines(result)))


async def test_a_run_that_was_kept_passes_from_its_tape_and_live(agent: TestedAgent) -> None:
    ran = await agent.run()
    agent.keep(ran, equals=True)
    for answers in ("tape", "recorded", "live"):
        (result,) = await agent.test(answers)
        assert result.state == "passed", said([result])
        assert len(result.checks) == 3


async def test_a_test_is_a_run_in_the_store_that_says_which_case_it_tested(agent: TestedAgent) -> None:
    ran = await agent.run()
    agent.keep(ran)
    (result,) = await agent.test()
    assert result.run_id is not None
    with Store.open(agent.folder, read_only=True) as store:
        started = next(store.events(result.run_id)).data
    assert isinstance(started, RunStarted)
    assert (started.trigger.kind, started.trigger.detail) == ("test", "one")
    assert (started.parent_run_id, started.model_source) == (ran.run_id, "tape")


async def test_the_tape_alone_is_enough_on_another_machine(agent: TestedAgent) -> None:
    ran = await agent.run()
    agent.keep(ran)
    for leftover in (agent.folder / ".workbench").iterdir():
        leftover.unlink()
    (agent.folder / "offline.yaml").unlink()
    (result,) = await agent.test()
    assert result.state == "passed"


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ("model: claude-haiku-4-5", "model: claude-sonnet-4-6", "the model or its settings"),
        ("model: claude-haiku-4-5", "model: {id: claude-haiku-4-5, max_tokens: 100}", "the model or its settings"),
        ("https://facts.example.com", "https://other.example.com", "the servers"),
        ("system_prompt: ./prompt.md", "system_prompt: ./prompt.md\n    network: {allow: [a.example]}", "the network"),
    ],
)
async def test_what_a_tape_cannot_answer_for_makes_it_stale(
    agent: TestedAgent, old: str, new: str, changed: str
) -> None:
    agent.keep(await agent.run())
    assert HTTP_AGENT.count(old) == 1
    agent.write("agent.yaml", HTTP_AGENT.replace(old, new))
    (result,) = await agent.test()
    assert (result.state, result.changed, result.run_id) == ("stale", [f"{changed} changed"], None)
    (result,) = await agent.test("recorded")
    assert result.state == "passed"


async def test_a_changed_prompt_is_stale_from_the_tape_and_tested_live(agent: TestedAgent) -> None:
    agent.keep(await agent.run())
    agent.write("prompt.md", "Say nothing.\n")
    (result,) = await agent.test()
    assert (result.state, result.changed) == ("stale", ["the prompt changed"])
    (result,) = await agent.test("live")
    assert result.state == "passed"


async def test_an_edited_input_is_stale_from_the_tape_and_asked_live(agent: TestedAgent) -> None:
    agent.keep(await agent.run("what is it?"))
    agent.edit_case("input: what is it?", "input: and what is that?")
    (result,) = await agent.test()
    assert (result.state, result.changed) == ("stale", ["the input changed"])
    (result,) = await agent.test("live")
    assert result.run_id is not None
    with Store.open(agent.folder, read_only=True) as store:
        assert store.run(result.run_id).input_gist == "and what is that?"


async def test_a_limit_is_no_reason_for_a_tape_to_be_stale_but_for_a_case_to_fail(agent: TestedAgent) -> None:
    agent.keep(await agent.run())
    agent.write("agent.yaml", HTTP_AGENT + "    max_iterations: 1\n    description: other\n")
    (result,) = await agent.test()
    assert (result.state, result.limit) == ("failed", "max_iterations")
    assert "expected the run completed" in said([result])
    assert "found    the run failed with max_iterations" in said([result])


async def test_a_failed_check_says_what_was_expected_found_and_where(agent: TestedAgent) -> None:
    agent.keep(await agent.run(), checks=[{"output": {"contains": "second fact"}}])
    line = agent.case_text().splitlines().index("  - output: {contains: second fact}") + 1
    (result,) = await agent.test()
    assert result.state == "failed"
    assert problem_lines(result) == [
        f"cases/one.yaml:{line}: output",
        "  expected the output contains 'second fact'",
        "  found    Found: first fact",
    ]


async def test_cost_and_time_are_those_that_were_recorded(agent: TestedAgent) -> None:
    ran = await agent.run()
    recorded = ran.answer.costs.total
    assert recorded is not None
    checks = [{"max_usd": 0.000001}, {"max_seconds": 0.000001}, {"max_steps": 1}]
    agent.keep(ran, checks=checks)
    (result,) = await agent.test()
    faults = [check.faults[0].found for check in result.checks if check.faults]
    assert faults == [f"${recorded:.6f}", f"{ran.answer.duration:.2f} s", "2 steps"]
    assert result.cost_usd == 0


async def test_a_case_of_a_failure_passes_as_long_as_it_fails_so(agent: TestedAgent) -> None:
    ran = await agent.run(overrides=Overrides(budget_usd=Decimal("0.000001")))
    assert ran.failure.error == "budget"
    agent.keep(ran)
    assert "outcome: budget" in agent.case_text()
    (result,) = await agent.test("recorded")
    assert result.state == "passed"


async def test_many_cases_come_in_their_order_and_as_named(agent: TestedAgent) -> None:
    ran = await agent.run()
    for name in ("b", "c", "a"):
        agent.keep(ran, name)
    results = await agent.test(jobs=3)
    assert [result.case.name for result in results] == ["a", "b", "c"]
    assert [result.case.name for result in await agent.test(names=["c", "a", "c"])] == ["c", "a"]


@pytest.mark.parametrize(("holds", "state"), [("true", "passed"), ("false", "failed")])
async def test_live_a_judge_is_asked_and_paid(agent: TestedAgent, holds: str, state: str) -> None:
    agent.write("offline.yaml", judging(holds))
    agent.keep(await agent.run(), checks=[{"rubric": "it names the fact"}])
    (result,) = await agent.test("live")
    assert result.state == state
    assert result.checks[-1].reason == "it names the fact"
    with Store.open(agent.folder, read_only=True) as store:
        run = store.run(result.run_id or "")
    assert run.costs is not None
    assert run.costs.total is not None
    assert result.cost_usd is not None
    assert result.cost_usd > run.costs.total


async def test_without_a_kept_verdict_a_tape_is_not_judged_and_does_not_pass(agent: TestedAgent) -> None:
    agent.keep(await agent.run(), checks=[{"rubric": "it names the fact"}])
    (result,) = await agent.test()
    assert result.state == "not_judged"
    assert "not judged: no verdict is kept for this output" in said([result])


async def test_a_verdict_is_kept_with_the_case_for_exactly_what_was_judged(agent: TestedAgent) -> None:
    agent.keep(await agent.run(), checks=[{"rubric": "it names the fact", "judge": "claude-opus-4-5"}])
    case = agent.folder / "cases" / "one.yaml"
    key = verdict_key("it names the fact", "claude-opus-4-5", "Found: first fact")
    facts_file(case).write_text(f'{{"verdicts": {{"{key}": {{"holds": true, "reason": "so it is"}}}}}}')
    (result,) = await agent.test()
    assert (result.state, result.checks[-1].reason) == ("passed", "so it is")
    agent.edit_case("rubric: it names the fact", "rubric: it names both facts")
    (result,) = await agent.test()
    assert result.state == "not_judged"


class Endpoint:
    """A model at an endpoint that says one thing, and counts how often it is asked."""

    source: ModelSource = "endpoint"
    endpoint = "http://localhost"

    def __init__(self, text: str) -> None:
        self.text = text
        self.asked: list[Request] = []

    def parameters(self, request: Request) -> JsonObject:
        return {}

    async def respond(self, request: Request, on_delta: object, on_retry: object) -> Reply:
        self.asked.append(request)
        return Reply("m", [{"type": "text", "text": self.text}], "end_turn", Usage(100, 20), 0.1)

    async def close(self) -> None:
        pass


async def test_a_verdict_on_a_tape_is_asked_for_once_and_kept(
    agent: TestedAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent.keep(await agent.run(), checks=[{"rubric": "it names the fact"}])
    endpoint = Endpoint('{"holds": true, "reason": "it does"}')
    monkeypatch.setattr("workbench.model.connect.connect", lambda environment: endpoint)
    (result,) = await agent.test(judge=True)
    assert (result.state, result.checks[-1].reason) == ("passed", "it does")
    assert result.cost_usd is not None
    assert result.cost_usd > 0
    (request,) = endpoint.asked
    assert request.settings.id == "claude-haiku-4-5"
    said_to_it = str(request.messages)
    assert all(part in said_to_it for part in ("what is it?", "Found: first fact", "it names the fact"))
    for judge in (True, False):
        (result,) = await agent.test(judge=judge)
        assert (result.state, result.cost_usd) == ("passed", Decimal(0))
    assert len(endpoint.asked) == 1


async def test_without_a_model_to_ask_a_tape_is_not_judged(agent: TestedAgent) -> None:
    agent.keep(await agent.run(), checks=[{"rubric": "it names the fact"}])
    (result,) = await agent.test(judge=True)
    assert result.state == "not_judged"
    assert "the judge could not be asked" in said([result])
    assert not facts_file(agent.folder / "cases" / "one.yaml").exists()


async def test_a_judge_that_gives_no_verdict_is_no_verdict(agent: TestedAgent) -> None:
    agent.write("offline.yaml", judging('"perhaps"'))
    agent.keep(await agent.run(), checks=[{"rubric": "it names the fact"}])
    (result,) = await agent.test("live")
    assert result.state == "not_judged"
    assert "gave no verdict" in said([result])


async def test_a_judge_who_could_pass_the_fuse_is_not_asked(agent: TestedAgent) -> None:
    agent.keep(await agent.run(fuse_usd=Decimal("0.30")), checks=[{"rubric": "it names the fact"}])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("workbench.cases.judging.MAX_TOKENS", 10_000_000)
        (result,) = await agent.test("live")
    assert result.state == "not_judged"
    assert "fuse" in said([result])
