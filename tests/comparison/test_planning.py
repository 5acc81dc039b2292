"""From what is asked for to a plan."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.comparison.conftest import MODELS, Agent
from workbench.comparison.planning import PlanError, Wish, make_plan, plan_again
from workbench.definition.inputs import InputError
from workbench.sitting.sitting import Sitting


def test_nothing_asked_for_is_the_agent_as_it_is(agent: Agent) -> None:
    agent.write("inputs/first.txt", "from the folder")
    plan = make_plan(agent.sitting(), Wish()).plan
    assert [variant.name for variant in plan.variants] == ["claude-haiku-4-5"]
    assert [(item.name, item.text) for item in plan.inputs] == [("first.txt", "from the folder")]
    assert len(plan.cells) == 1
    assert plan.offline


def test_inputs_come_as_text_from_files_and_from_a_folder(agent: Agent) -> None:
    agent.write("inputs/a.txt", "alpha")
    file = agent.write("elsewhere/b.txt", "beta")
    agent.write("many/c.txt", "gamma")
    agent.write("many/d.txt", "delta")
    agent.write("many/.hidden", "no")
    wish = Wish(inputs=("what is it?", "a", f"@{file}"), folder=agent.folder / "many")
    inputs = make_plan(agent.sitting(), wish).plan.inputs
    assert [(item.name, item.text) for item in inputs] == [
        ("what is it?", "what is it?"),
        ("a", "alpha"),
        ("b.txt", "beta"),
        ("c.txt", "gamma"),
        ("d.txt", "delta"),
    ]


def test_the_standard_input_is_an_input_where_it_was_read(agent: Agent) -> None:
    inputs = make_plan(agent.sitting(), Wish(inputs=("-",), standard_input="from a pipe")).plan.inputs
    assert [(item.name, item.text) for item in inputs] == [("standard input", "from a pipe")]
    with pytest.raises(InputError, match="nobody reads it"):
        make_plan(agent.sitting(), Wish(inputs=("-",)))


def test_the_same_input_twice_is_one(agent: Agent) -> None:
    plan = make_plan(agent.sitting(), Wish(inputs=("x", "x"), models=(MODELS[0], MODELS[0]))).plan
    assert len(plan.cells) == 1


def test_inputs_of_one_name_are_told_apart(agent: Agent) -> None:
    one, other = agent.write("one/a.txt", "alpha"), agent.write("other/a.txt", "beta")
    plan = make_plan(agent.sitting(), Wish(inputs=(f"@{one}", f"@{other}"))).plan
    assert [item.name for item in plan.inputs] == ["a.txt #1", "a.txt #2"]


def test_the_same_question_has_the_same_name(agent: Agent) -> None:
    def name(**wish: object) -> str:
        return make_plan(agent.sitting(), Wish(inputs=("x",), **wish)).plan.name  # type: ignore[arg-type]

    assert name(models=MODELS) == name(models=MODELS, repeats=5)
    assert name(models=MODELS) != name(models=MODELS[:2])
    assert name(name="mine") == "mine"


def test_a_secret_in_an_input_is_not_kept(agent: Agent) -> None:
    agent.write(
        "agent.yaml",
        """
        name: looker
        model: claude-haiku-4-5
        system_prompt: ./prompt.md
        mcp_servers:
          - {type: http, name: facts, url: "https://facts.example.com", headers: {Authorization: "Bearer ${FACTS_KEY}"}}
        """,
    )
    sitting = Sitting.open(agent.folder, offline=True, environment={"FACTS_KEY": "hunter2hunter2"})
    plan = make_plan(sitting, Wish(inputs=("use hunter2hunter2 please", f"{'x' * 33}hunter2hunter2"))).plan
    assert "hunter2" not in repr(plan)


def test_an_agent_that_keeps_its_workspace_gets_a_copy_for_each_run(agent: Agent) -> None:
    agent.write(
        "agent.yaml",
        """
        name: keeper
        model: claude-haiku-4-5
        system_prompt: ./prompt.md
        mcp_servers: [{type: bash}]
        storage: {persistent: true}
        """,
    )
    fresh = make_plan(agent.sitting(), Wish(inputs=("x",)))
    assert fresh.plan.files is None
    assert not next(iter(fresh.definitions.values())).persistent
    agent.write(".workbench/storage/state.json", "{}")
    copied = make_plan(agent.sitting(), Wish(inputs=("x",)))
    assert copied.plan.files is not None
    assert copied.plan.cells[0].key != fresh.plan.cells[0].key


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        (Wish(inputs=("x",), repeats=0), "the number of repeats is 1 to 1,000, not 0"),
        (Wish(inputs=("x",), name="no/path"), "a comparison's name is letters"),
        (Wish(inputs=tuple("abcdefghijkl"), repeats=1_000), "that would be 12,000 runs; a comparison may have 10,000"),
        (Wish(inputs=("x",), prompts=(Path("missing.md"),)), "the prompt missing.md cannot be read"),
    ],
)
def test_what_cannot_be_is_told(agent: Agent, wish: Wish, said: str) -> None:
    with pytest.raises(PlanError, match=said):
        make_plan(agent.sitting(), wish)


def test_two_prompts_with_one_text_are_no_comparison(agent: Agent) -> None:
    prompts = (agent.write("a.md", "Same.\n"), agent.write("b.md", "Same.\n"))
    with pytest.raises(PlanError, match="two prompts are the same text"):
        make_plan(agent.sitting(), Wish(prompts=prompts, inputs=("x",)))


def test_an_empty_folder_of_inputs_is_told(agent: Agent) -> None:
    (agent.folder / "empty").mkdir()
    with pytest.raises(InputError, match="there is no file in"):
        make_plan(agent.sitting(), Wish(folder=agent.folder / "empty"))


def test_a_stored_plan_is_gone_on_with(agent: Agent) -> None:
    prompt = agent.write("short.md", "Briefly.\n")
    planned = make_plan(agent.sitting(), Wish(models=MODELS, prompts=(prompt,), inputs=("x",), name="kept"))
    again = plan_again(agent.sitting(), planned.plan)
    assert again.plan == planned.plan
    assert again.definitions == planned.definitions
    prompt.write_text("Even more briefly.\n")
    with pytest.raises(PlanError, match="has changed since the comparison kept was made"):
        plan_again(agent.sitting(), planned.plan)
