"""Agents without a container, runs of them that are kept, and the results of their tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.engine.conftest import HTTP_AGENT, LOOK_UP, PROMPT, Agent, Ran
from workbench.cases.case import load_cases
from workbench.cases.keeping import Kept, keep_run
from workbench.cases.testing import CaseResult, CaseSettings, From, results_of
from workbench.sitting.sitting import Sitting


class TestedAgent(Agent):
    """An agent whose runs can be kept and tested."""

    __test__ = False

    def keep(self, ran: Ran, name: str = "one", **options: Any) -> Kept:
        return keep_run(self.folder, ran.events, name, **options)

    def case_text(self, name: str = "one") -> str:
        return (self.folder / "cases" / f"{name}.yaml").read_text("utf-8")

    def edit_case(self, old: str, new: str, name: str = "one") -> None:
        text = self.case_text(name)
        assert text.count(old) == 1, text
        (self.folder / "cases" / f"{name}.yaml").write_text(text.replace(old, new), encoding="utf-8")

    async def test(
        self, answers: From = "tape", *, names: Sequence[str] = (), judge: bool = False, jobs: int = 2
    ) -> Sequence[CaseResult]:
        """The results of all cases, or those that are named."""
        sitting = Sitting.open(self.folder, offline=True, tape_only=answers != "live", environment={})
        cases = load_cases(self.folder, names)
        async with sitting:
            return await results_of(sitting, cases, CaseSettings(answers, jobs, judge))


@pytest.fixture
def agent(tmp_path: Path) -> TestedAgent:
    """An agent with one REST API and a script that calls it twice at once."""
    made = TestedAgent(tmp_path)
    made.write("prompt.md", PROMPT)
    made.write("agent.yaml", HTTP_AGENT)
    made.write("offline.yaml", LOOK_UP)
    return made
