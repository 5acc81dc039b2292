"""The replay editor with runs of 200 and 2,000 steps: how long until it shows one, and until it has answered a key.

    python tests/benchmarks/bench_replay_editor.py

The framework runs without a terminal; a key is answered when all that it caused has been handled and drawn.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path

from textual.app import App, ComposeResult
from textual.pilot import Pilot

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.tui.taped import Call, Turn, taped
from workbench.tui.replay_draft import DraftProblem
from workbench.tui.replay_script import Place
from workbench.tui.widgets.replay_editor import ReplayEditor

SIZE = (100, 40)
REPEATS = 15


class Host(App[None]):
    """Nothing but the editor; plans are made at once."""

    def compose(self) -> ComposeResult:
        yield ReplayEditor()

    def on_replay_editor_plan_needed(self, event: ReplayEditor.PlanNeeded) -> None:
        """Answer for the plan as the main screen does."""
        plan = event.draft.plan(lambda usage: Decimal("0.001"))
        event.editor.show_plan(plan.text if isinstance(plan, DraftProblem) else plan, event.draft)


async def median(action: Callable[[], Awaitable[object]]) -> float:
    """The median time of an action in milliseconds."""
    times = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        await action()
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


async def measure(steps: int) -> None:
    """Print the figures for a run of so many steps, each with two calls."""
    turns = [
        Turn(f"Step {step}.", [Call("bash", {"command": f"ls {step}"}, "a\n" * 40), Call("read", {"file_path": "x"})])
        for step in range(1, steps)
    ]
    tape = taped(*turns, Turn("Done."))
    app = Host()
    async with app.run_test(size=SIZE) as pilot:
        editor = app.query_one(ReplayEditor)
        began = time.perf_counter()
        editor.show_tape(tape)
        await pilot.pause()
        shown = (time.perf_counter() - began) * 1000
        editor.script.focus()
        editor.script.select(Place("result", steps // 2, 1))
        idle = await median(lambda: pilot.press("f12"))
        print(f"{steps:>5,} steps  shown {shown:7.1f} ms  a key that does nothing {idle:6.1f} ms")
        for key, what in (("j", "cursor"), ("space", "unfold"), ("m", "switch, with a new plan"), ("f", "fork here")):
            print(f"             {what:<24} {await median(_press(pilot, key)):7.1f} ms")


def _press(pilot: Pilot[None], key: str) -> Callable[[], Awaitable[object]]:
    return lambda: pilot.press(key)


if __name__ == "__main__":
    for length in (200, 2_000):
        asyncio.run(measure(length))
