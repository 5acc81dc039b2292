"""Agents from the template and copies of samples."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.definition.loader import check_agent
from workbench.definition.new_agent import NewAgentError, copy_sample, new_agent, samples
from workbench.model.offline_loader import load_offline


def test_a_new_agent_has_no_problem_and_can_run_offline(tmp_path: Path) -> None:
    folder = new_agent("my-agent", tmp_path)
    report = check_agent(folder, {})
    assert not report.problems
    assert report.agent is not None
    assert report.agent.definition.name == "my-agent"
    assert load_offline(folder).rules
    assert (folder / "inputs" / "first.txt").is_file()


def test_every_sample_can_be_copied(tmp_path: Path) -> None:
    assert [sample.name for sample in samples()] == ["code-review", "nightly-enrichment", "support-triage"]
    for sample in samples():
        assert sample.description
        folder = copy_sample(sample.name, tmp_path)
        assert check_agent(folder, {}, {"helpdesk"}).agent is not None
        assert not (folder / ".workbench").exists()


@pytest.mark.parametrize("name", ["", "../up", "a b", "-x", "x" * 65, ".hidden"])
def test_a_name_that_cannot_be_one_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(NewAgentError, match="cannot be an agent's name"):
        new_agent(name, tmp_path)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    new_agent("one", tmp_path)
    with pytest.raises(NewAgentError, match="exists already"):
        new_agent("one", tmp_path)
    with pytest.raises(NewAgentError, match="exists already"):
        copy_sample("code-review", tmp_path, "one")


def test_an_unknown_sample_is_told_with_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(NewAgentError, match="support-triage"):
        copy_sample("support", tmp_path)
