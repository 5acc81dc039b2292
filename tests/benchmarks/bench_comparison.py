"""How long a comparison takes next to its slowest run, and what its own parts cost.

    python tests/benchmarks/bench_comparison.py [--wait SECONDS] [--steps N] [--models N]

It needs Docker with gVisor. The model is an offline script that waits before each reply, as a real one does.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from workbench.comparison.formats.html import as_html
from workbench.comparison.plan import Plan, PlannedInput, Variant
from workbench.comparison.report import make_report
from workbench.comparison.results import Measured, Result

PROMISE = 1.3
MODELS = ("claude-haiku-4-5", "claude-sonnet-4-6", "claude-opus-4-6", "claude-opus-4-5")

AGENT = """
name: waits
model: claude-haiku-4-5
system_prompt: ./prompt.md
mcp_servers:
  - {type: filesystem}
  - {type: bash}
"""


def write_agent(folder: Path, wait: float, steps: int) -> None:
    """An agent whose model waits `wait` seconds before each of `steps` replies and calls bash in all but the last."""
    calls: list[dict[str, Any]] = [
        {
            "when": {"step": step},
            "reply": {"calls": [{"tool": "bash", "arguments": {"command": f"echo {step} >> log"}}]},
        }
        for step in range(1, steps)
    ]
    script = {
        "version": 1,
        "pace": {"first_token": wait, "tokens_per_second": 0},
        "rules": [*calls, {"reply": {"text": "done"}}],
    }
    (folder / "prompt.md").write_text("Do as the script says.\n")
    (folder / "agent.yaml").write_text(AGENT)
    (folder / "offline.yaml").write_text(json.dumps(script))


@dataclass(frozen=True, slots=True)
class Timed:
    """Seconds of the whole command, from the start of the first run to the end of the last, and of each run."""

    command: float
    runs: float
    each: list[float]

    def line(self, name: str, promised: bool) -> str:
        """The figures, with the promise next to them."""
        slowest = max(self.each)
        ratio = self.command / slowest
        kept = f"  promise {PROMISE:.1f}: {'kept' if ratio <= PROMISE else 'BROKEN'}" if promised else ""
        return (
            f"{name}: slowest run {slowest:6.2f} s, all runs {self.runs:6.2f} s ({self.runs / slowest:.2f} times), "
            f"whole command {self.command:6.2f} s ({ratio:.2f} times{kept}), "
            f"one after the other {sum(self.each):6.2f} s"
        )


def compare(folder: Path, models: int, repeats: int) -> Timed:
    """A comparison, timed."""
    command = [sys.executable, "-m", "workbench.cli", "compare", str(folder), "--offline", "--input", "go"]
    command += ["--models", ",".join(MODELS[:models]), "--repeat", str(repeats), "--format", "json"]
    begin = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wall = time.perf_counter() - begin
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    ids = [run["run"] for run in json.loads(done.stdout)["runs"]]
    from workbench.trace.store import Store

    with Store.open(folder, read_only=True) as store:
        runs = [store.run(run_id) for run_id in ids]
    span = max(run.last_at for run in runs) - min(run.started_at for run in runs)
    return Timed(wall, span.total_seconds(), [run.duration for run in runs])


def show_walls(wait: float, steps: int, models: int) -> None:
    """Comparisons with one run of each model, and with several."""
    for repeats in (1, 3):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write_agent(folder, wait, steps)
            timed_run = compare(folder, models, repeats)
        print(timed_run.line(f"{models} models × {repeats}", promised=repeats == 1))


def made_up(variants: int, inputs: int, repeats: int) -> tuple[Plan, list[Result]]:
    """A large comparison that was not run."""
    chance = Random(1)
    plan = Plan(
        name="large",
        agent="agent",
        variants=tuple(Variant(f"model-{v}", f"model-{v}", None, f"d{v}") for v in range(variants)),
        inputs=tuple(PlannedInput(f"input-{i}", f"text {i}") for i in range(inputs)),
        repeats=repeats,
        offline=False,
    )
    results = []
    for cell in plan.cells:
        usd, seconds = Decimal(str(round(chance.gauss(0.02, 0.004), 6))), Decimal(str(round(chance.gauss(9, 2), 3)))
        run = Measured(
            *(
                cell.key[:8],
                True,
                None,
                f"answer {chance.randrange(4)} " * 40,
                seconds,
                chance.randrange(3, 9),
                4,
                9_000,
            ),
            *(700, seconds, usd, Decimal("0.0002"), usd + Decimal("0.0002")),
        )
        results.append(Result(cell, run, run.run_id))
    return plan, results


def show_reports() -> None:
    """The statistics and the page of comparisons that are large."""
    for size in ((3, 1, 3), (3, 20, 5), (6, 50, 10)):
        plan, results = made_up(*size)
        report, seconds = timed(lambda plan=plan, results=results: make_report(plan, results))  # type: ignore[misc]
        page, page_seconds = timed(lambda report=report: as_html(report))  # type: ignore[misc]
        name = " × ".join(map(str, size))
        print(
            f"report of {name} = {len(results):,} runs: {seconds * 1000:7.0f} ms, "
            f"its page {page_seconds * 1000:6.0f} ms, {len(page) / 1e6:.2f} MB"
        )


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """What `work` gives, and the median of its seconds over three times."""
    times = []
    for _ in range(3):
        begin = time.perf_counter()
        result = work()
        times.append(time.perf_counter() - begin)
    return result, statistics.median(times)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--wait", type=float, default=2.5, help="seconds that the model waits before each reply")
    parser.add_argument("--steps", type=int, default=5, help="replies of each run")
    parser.add_argument("--models", type=int, default=3, choices=range(1, len(MODELS) + 1))
    options = parser.parse_args()
    show_reports()
    show_walls(options.wait, options.steps, options.models)


if __name__ == "__main__":
    main()
