"""Prints what testing cases from their tapes takes, by the number of cases and the steps of each.

Run it with `python tests/benchmarks/bench_cases.py`. Nothing here is asserted: the numbers depend on the machine.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from textwrap import dedent

from workbench.cases.case import load_cases
from workbench.cases.keeping import keep_run
from workbench.cases.testing import CaseSettings, results_of
from workbench.sitting.sitting import Sitting
from workbench.trace.events import Event

AGENT = """
    name: looker
    model: claude-haiku-4-5
    system_prompt: ./prompt.md
    max_iterations: 1000
    mcp_servers:
      - {type: http, name: facts, url: "https://facts.example.com"}
"""
SCRIPT = """
    version: 1
    pace: {first_token: 0, tokens_per_second: 0}
    rules:
      - when: {called: {facts: "0-%d"}}
        reply: {text: Once more., calls: [{tool: facts, arguments: {method: GET, path: /one}}]}
      - reply: {text: Enough.}
    http:
      facts: [{request: GET /one, text: "%s"}]
"""
FACT = "a fact that is worth two kilobytes " * 57


def write(folder: Path, steps: int) -> None:
    """An agent whose run has so many steps."""
    (folder / "prompt.md").write_text("Look it up.\n")
    (folder / "agent.yaml").write_text(dedent(AGENT))
    (folder / "offline.yaml").write_text(dedent(SCRIPT) % (steps - 2, FACT))


async def recorded(folder: Path) -> list[Event]:
    """The events of one run."""
    events: list[Event] = []
    async with Sitting.open(folder, offline=True, environment={}) as sitting:
        await sitting.new_run("go", show=events.append).execute()
    return events


async def tested(folder: Path) -> tuple[float, float, int]:
    """Seconds that loading and testing all cases took, and how many passed."""
    begin = time.perf_counter()
    sitting = Sitting.open(folder, tape_only=True, environment={})
    cases = load_cases(folder)
    loaded = time.perf_counter()
    async with sitting:
        results = await results_of(sitting, cases, CaseSettings())
    return loaded - begin, time.perf_counter() - loaded, sum(result.state == "passed" for result in results)


def main() -> None:
    """Test cases of several lengths."""
    for cases, steps in ((1, 5), (20, 5), (100, 5), (1, 200), (10, 200)):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write(folder, steps)
            events = asyncio.run(recorded(folder))
            for number in range(cases):
                keep_run(folder, events, f"case-{number}", equals=True)
            loading, testing, passed = asyncio.run(tested(folder))
        print(
            f"{cases:4} cases of {steps:3} steps: {passed} passed, loading {loading * 1000:6.0f} ms, "
            f"testing {testing * 1000:6.0f} ms, {(loading + testing) * 1000 / cases:6.1f} ms a case"
        )


if __name__ == "__main__":
    main()
