"""Agents that need no sandbox, and comparisons of them through the same doors as the command."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from textwrap import dedent

import pytest

from workbench.comparison.book import Book
from workbench.comparison.job import cell_jobs
from workbench.comparison.plan import Cell, Plan, PlannedInput, Variant
from workbench.comparison.planning import Planned, Wish, make_plan
from workbench.comparison.report import Report, make_report
from workbench.comparison.results import Measured, Result, read_results
from workbench.comparison.runner import Runner
from workbench.sitting.sitting import Sitting
from workbench.trace.runs import RunSummary

MODELS = ("claude-haiku-4-5", "claude-sonnet-4-6", "claude-opus-4-6")

PROMPT = "You look things up and say what you found.\n"

AGENT = """
    name: looker
    model: claude-haiku-4-5
    system_prompt: ./prompt.md
    max_iterations: 4
    mcp_servers:
      - {type: http, name: facts, url: "https://facts.example.com"}
"""

SCRIPT = """
    version: 1
    pace: {first_token: %(wait)s, tokens_per_second: 0}
    rules:
      - when: {called: {facts: 0}}
        reply:
          text: I look it up.
          calls: [{tool: facts, arguments: {method: GET, path: /one}}]
      - when: {input: endless, model: "claude-opus-*"}
        reply:
          calls: [{tool: facts, arguments: {method: GET, path: /one}}]
      - when: {system: briefly}
        reply: {text: "Fact."}
      - reply: {text: "Found: {{ results.facts[0].lines[-1] }}, asked for {{ input.text }}"}
    http:
      facts:
        - {request: GET /one, text: first fact}
"""


@dataclass
class Agent:
    """An agent's folder, and comparisons of it."""

    folder: Path

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
        return path

    def waits(self, seconds: float) -> None:
        """Let the model wait so long before each reply."""
        self.write("offline.yaml", SCRIPT % {"wait": seconds})

    def sitting(self, fuse_usd: Decimal | None = None) -> Sitting:
        return Sitting.open(self.folder, offline=True, environment={}, fuse_usd=fuse_usd)

    async def compare(
        self,
        wish: Wish,
        *,
        concurrency: int = 4,
        during: Callable[[Runner], None] = lambda runner: None,
        fuse_usd: Decimal | None = None,
    ) -> Compared:
        """Make the comparison; `during` is called once all has begun."""
        import asyncio

        sitting = self.sitting(fuse_usd)
        planned = make_plan(sitting, wish)
        with Book.open(self.folder) as book:
            book.save(planned.plan)
            async with sitting:
                runner = Runner(sitting, planned.plan.name, cell_jobs(planned), book, concurrency)
                running = asyncio.create_task(runner.execute())
                await asyncio.sleep(0)
                during(runner)
                await asyncio.wait_for(running, 60)
                results = read_results(planned.plan, book, sitting.store)
                runs = sitting.store.runs(None)
        report = make_report(planned.plan, results, stopped=runner.progress.stopped)
        return Compared(planned, report, runs, runner)


@dataclass
class Compared:
    """What a comparison left: its report, and all runs of the agent."""

    planned: Planned
    report: Report
    runs: Sequence[RunSummary]
    runner: Runner

    @property
    def run_ids(self) -> Sequence[str | None]:
        return [result.run_id for result in self.report.results]


@pytest.fixture
def agent(tmp_path: Path) -> Agent:
    """An agent with one REST API and a script that calls it once."""
    made = Agent(tmp_path)
    made.write("prompt.md", PROMPT)
    made.write("agent.yaml", AGENT)
    made.waits(0)
    return made


def plan_of(variants: Sequence[str], inputs: Sequence[str] = ("one",), repeats: int = 3) -> Plan:
    """A plan with these variants and inputs by name."""
    return Plan(
        name="made-up",
        agent="looker",
        variants=tuple(Variant(name, name, None, f"digest of {name}") for name in variants),
        inputs=tuple(PlannedInput(name, f"text of {name}") for name in inputs),
        repeats=repeats,
        offline=False,
    )


def run_of(cell: Cell, usd: str | None = "0.01", *, output: str | None = "an answer", seconds: str = "2") -> Result:
    """A result whose run cost `usd`; without an output it failed."""
    model = None if usd is None else Decimal(usd)
    run_id = f"run-{cell.key[:8]}"
    completed = output is not None
    run = Measured(
        run_id=run_id,
        completed=completed,
        error=None if completed else "timeout",
        output=output,
        seconds=Decimal(seconds),
        steps=3,
        tool_calls=2,
        input_tokens=1_000,
        output_tokens=100,
        runtime_seconds=Decimal("4.5"),
        model_usd=model,
        runtime_usd=Decimal("0.0001"),
        total_usd=None if model is None else model + Decimal("0.0001"),
    )
    return Result(cell, run, run_id)


def results_of(plan: Plan, costs: Mapping[str, Sequence[str]]) -> Sequence[Result]:
    """Results of a plan with one input: the costs of each variant's repeats."""
    return [run_of(cell, costs[cell.variant.name][cell.repeat - 1]) for cell in plan.cells]
