"""What holds for every run: kept, it passes its default checks from the tape, and its file says what it was told."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.engine.scripted_world import Played, Stage, Turn
from tests.engine.test_replay_properties import agents, programs
from workbench.cases.case import load_case
from workbench.cases.case_text import CaseText, text_of
from workbench.cases.keeping import keep_run
from workbench.cases.report import headline, problem_lines
from workbench.cases.schema import CaseFile
from workbench.cases.testing import CaseResult, CaseSettings, results_of
from workbench.definition.agent import AgentDefinition
from workbench.definition.validation import validate
from workbench.definition.yamlfile import parse_yaml
from workbench.engine.replay_request import Edits, ForkPoint, ReplayRequest
from workbench.jsontypes import JsonObject
from workbench.sitting.sitting import Sitting
from workbench.trace.events import RunCompleted, RunFailed

relaxed = settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)


def results_from_tape(folder: Path, run: Played, definition: AgentDefinition) -> Sequence[CaseResult]:
    """Keep the run and test it, by the tape for the agent as it is, and as it was recorded."""
    (folder / "prompt.md").write_text("do it\n")
    (folder / "agent.yaml").write_text("name: scripted\nmodel: claude-haiku-4-5\nsystem_prompt: ./prompt.md\n")
    case_file = folder / "cases" / "any.yaml"
    case_file.unlink(missing_ok=True)
    equals = isinstance(run.end, RunCompleted) and bool(run.end.output)
    kept = keep_run(folder, run.events, "any", equals=equals)
    case = load_case(kept.path)

    async def both() -> Sequence[CaseResult]:
        async with Sitting.open(folder, tape_only=True, environment={}) as sitting:
            recorded = await results_of(sitting, [case], CaseSettings("recorded"))
            sitting.definition = definition
            return [*recorded, *await results_of(sitting, [case], CaseSettings("tape"))]

    return asyncio.run(both())


@relaxed
@given(programs, agents)
def test_any_run_passes_its_default_checks_from_its_tape(
    tmp_path: Path, program: Sequence[Turn], definition: AgentDefinition
) -> None:
    run = Stage(program).run(definition)
    for result in results_from_tape(tmp_path, run, definition):
        assert result.state == "passed", [headline(result), *problem_lines(result)]


@relaxed
@given(programs, agents, st.data())
def test_any_replay_passes_its_default_checks_from_its_tape(
    tmp_path: Path, program: Sequence[Turn], definition: AgentDefinition, data: st.DataObject
) -> None:
    stage = Stage(program)
    parent = stage.run(definition)
    turns = parent.tape.turns
    fork = ForkPoint(data.draw(st.integers(1, len(turns) + 1)))
    said = data.draw(st.dictionaries(st.integers(0, len(turns)), st.just("And then?"), max_size=2))
    request = ReplayRequest("run-1", fork if not said else None, Edits(messages=said))
    replay = stage.replay(parent, request, definition)
    assume(not (isinstance(replay.end, RunFailed) and replay.end.error == "divergence"))
    for result in results_from_tape(tmp_path, replay, definition):
        assert result.state == "passed", [headline(result), *problem_lines(result)]


texts = st.one_of(
    st.text(max_size=60),
    st.text(st.sampled_from(" \n\t:#-'\"{}[]|>&*!%@`,?ab1.e0x\x00\x1b\x85\u2028\ufeff\U0001f600"), max_size=30),
    st.sampled_from(
        ["yes", "1e3", "0o17", "0x1f", "~", "null", ".inf", "1_000", "2026-11-27", "=", "<<", "\ud800", ""]
    ),
)
values: st.SearchStrategy[Any] = st.recursive(
    st.one_of(texts.filter(lambda text: "\ud800" not in text), st.integers(-5, 5), st.booleans()),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", "b c", "1", "on"]), inner, max_size=2)
    ),
    max_leaves=4,
)


@settings(relaxed, max_examples=300)
@given(texts, texts, texts.filter(lambda text: text and "\ud800" not in text), values)
def test_a_case_file_says_what_it_was_told(given_input: str, output: str, wanted: str, argument: Any) -> None:
    checks: list[JsonObject] = [
        {"output": {"contains": [wanted]}},
        {"called": {"tool": "bash", "arguments": {"x": {"equals": argument}}}},
        {"rubric": wanted, "judge": "claude-haiku-4-5"},
    ]
    said = CaseText("about it", "1e5", "t.tape.jsonl", "1" * 64, given_input, output, checks)
    yaml = parse_yaml(Path("case.yaml"), text_of(said, Path("case.yaml")).encode("utf-8"))
    file, problems = validate(CaseFile, yaml)
    assert file is not None, problems
    assert yaml.at(("checks",)) == checks
    assert file.input in (given_input, None)
    assert file.reference in (output, None)
    assert (file.run, file.tape.sha256) == ("1e5", "1" * 64)
