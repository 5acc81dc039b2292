"""Keeping a run: what the files say, what is refused, and how another run takes its place."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from tests.cases.conftest import TestedAgent
from tests.engine.conftest import LOOK_UP, Ran
from tests.engine.scripted_world import Stage, Turn
from workbench.cases.case import CaseError, load_case, load_cases
from workbench.cases.keeping import keep_run
from workbench.definition.problems import DefinitionError
from workbench.sitting.overrides import Overrides
from workbench.trace.export import export_jsonl
from workbench.trace.store import Store


async def test_a_case_has_the_whole_trace_the_input_the_output_and_default_checks(agent: TestedAgent) -> None:
    ran = await agent.run("first line\nsecond line")
    kept = agent.keep(ran, "looks-up", description="it looks up twice")
    assert [path.name for path in kept.files] == ["looks-up.yaml", "looks-up.tape.jsonl"]
    with Store.open(agent.folder, read_only=True) as store:
        exported = [line + "\n" for line in export_jsonl(store, ran.run_id)]
    assert kept.files[1].read_text() == "".join(exported)
    lines = agent.case_text("looks-up").splitlines()
    assert lines[1:4] == ["version: 1", "description: it looks up twice", f"run: '{ran.run_id}'"]
    assert lines[5:] == [
        "input: |-",
        "  first line",
        "  second line",
        "reference: 'Found: first fact'",
        "checks:",
        "  - outcome: completed",
        "  - called: facts",
    ]
    case = load_case(kept.path)
    assert (case.name, case.input, case.description) == ("looks-up", "first line\nsecond line", "it looks up twice")
    assert [check.line for check in case.checks] == [11, 12]


async def test_a_name_is_taken_once(agent: TestedAgent) -> None:
    ran = await agent.run()
    agent.keep(ran)
    before = agent.case_text()
    with pytest.raises(CaseError, match="--again"):
        agent.keep(ran)
    assert agent.case_text() == before


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "x.yaml", "with space", "n" * 81])
async def test_a_name_that_is_no_name_of_a_file_is_refused(agent: TestedAgent, name: str) -> None:
    with pytest.raises(CaseError, match="cannot be the name of a case"):
        agent.keep(Ran(agent.folder), name)
    assert not (agent.folder / "cases").exists()


async def test_another_run_takes_the_place_and_leaves_what_a_person_wrote(agent: TestedAgent) -> None:
    agent.keep(await agent.run())
    agent.edit_case("  - called: facts\n", "  # twice, please\n  - called: {tool: facts, at_least: 2}   # or more\n")
    agent.write("prompt.md", "Another prompt.\n")
    (stale,) = await agent.test()
    assert stale.state == "stale"
    ran = await agent.run()
    before = agent.case_text()
    agent.keep(ran, again=True)
    changed = [
        (old, new) for old, new in zip(before.splitlines(), agent.case_text().splitlines(), strict=True) if old != new
    ]
    assert [old.partition(":")[0] for old, _ in changed] == ["run", "tape"]
    (result,) = await agent.test()
    assert result.state == "passed"
    assert result.case.kept.tape.run_id == ran.run_id


async def test_a_run_of_another_input_does_not_take_the_place(agent: TestedAgent) -> None:
    agent.keep(await agent.run())
    other = await agent.run("something else")
    with pytest.raises(CaseError, match="answers another input"):
        agent.keep(other, again=True)
    with pytest.raises(CaseError, match="stay as they are"):
        agent.keep(other, again=True, checks=[{"max_steps": 3}])
    with pytest.raises(DefinitionError, match="no such file"):
        agent.keep(other, "never-kept", again=True)


def test_a_run_without_its_own_end_is_no_case(tmp_path: Path) -> None:
    run = Stage([Turn(calls=[("read", "a")]), Turn("done")]).run()
    with pytest.raises(CaseError, match=r"has no end.*workbench resume run-1"):
        keep_run(tmp_path, run.events[:-1], "cut")
    assert not (tmp_path / "cases").exists()


async def test_a_run_that_was_stopped_is_no_case(agent: TestedAgent) -> None:
    ran = await agent.run(during=lambda run, event: run.cancel() if event.type == "tool_call" else None)
    with pytest.raises(CaseError, match="was stopped"):
        agent.keep(ran)


async def test_only_an_output_can_stay_the_same(agent: TestedAgent) -> None:
    ran = await agent.run(overrides=Overrides(budget_usd=Decimal("0.000001")))
    with pytest.raises(CaseError, match="has no output"):
        agent.keep(ran, equals=True)


async def test_a_long_input_stays_on_the_tape(agent: TestedAgent) -> None:
    text = "x" * 30_000
    agent.keep(await agent.run(text))
    assert "input:" not in agent.case_text()
    (case,) = load_cases(agent.folder)
    assert case.input == text


async def test_secrets_are_not_kept(agent: TestedAgent) -> None:
    agent.write(
        "agent.yaml",
        """
        name: looker
        model: claude-haiku-4-5
        system_prompt: ./prompt.md
        mcp_servers:
          - {type: http, name: facts, url: "https://facts.example.com", headers: {Authorization: "${FACTS_TOKEN}"}}
        """,
    )
    agent.write("offline.yaml", LOOK_UP.replace("first fact", "first fact of very-secret-value"))
    ran = await agent.run("my token is very-secret-value", environment={"FACTS_TOKEN": "very-secret-value"})
    kept = agent.keep(ran, equals=True)
    for path in kept.files:
        assert "very-secret-value" not in path.read_text()
    (result,) = await agent.test()  # the variable is unset here, and nothing needs it
    assert result.state == "passed"


async def test_all_that_is_wrong_with_the_cases_is_told_at_once(agent: TestedAgent) -> None:
    ran = await agent.run()
    for name in ("a", "b", "c", "d"):
        agent.keep(ran, name)
    agent.edit_case("  - called: facts", "  - caled: facts", "a")
    agent.edit_case("version: 1", "version: 2", "b")
    tape = agent.folder / "cases" / "c.tape.jsonl"
    tape.write_text(tape.read_text().replace("first fact", "worst fact"))
    agent.edit_case(f"run: '{ran.run_id}'", "run: another", "d")
    with pytest.raises(DefinitionError) as caught:
        load_cases(agent.folder)
    told = [(problem.file.name, problem.line, problem.message) for problem in caught.value.problems]
    assert [(name, line) for name, line, _ in told] == [
        ("a.yaml", 10),
        ("b.yaml", 2),
        ("c.tape.jsonl", 1),
        ("d.yaml", 4),
    ]
    assert "unknown key 'caled'" in told[0][2]
    assert "the number 2 is not known here" in told[1][2]
    assert "another SHA-256" in told[2][2]
    assert f"the tape is that of run {ran.run_id}" in told[3][2]


async def test_a_tape_stands_beside_its_case(agent: TestedAgent) -> None:
    agent.keep(await agent.run())
    agent.edit_case("file: one.tape.jsonl", "file: ../one.tape.jsonl")
    with pytest.raises(DefinitionError, match="stands beside the case"):
        load_cases(agent.folder)


async def test_facts_that_are_damaged_are_told_and_left_alone(agent: TestedAgent) -> None:
    agent.keep(await agent.run())
    facts = agent.folder / "cases" / "one.facts.json"
    for bad in (b"{", b'{"files": {"a": 1}}', b'{"more": {}}', b"\xff", b"[1]"):
        facts.write_bytes(bad)
        with pytest.raises(DefinitionError, match=r"one\.facts\.json:1:1: error: what is kept cannot be read"):
            load_cases(agent.folder)
        assert facts.read_bytes() == bad


async def test_a_case_that_is_not_there_is_told_with_the_nearest(agent: TestedAgent) -> None:
    with pytest.raises(CaseError, match=r"has no cases.*workbench keep"):
        load_cases(agent.folder)
    agent.keep(await agent.run(), "look-up")
    with pytest.raises(CaseError, match="did you mean look-up"):
        load_cases(agent.folder, ["lookup"])
