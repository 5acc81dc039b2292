"""Replaying a tape of 200 steps, and a fork at step 150 of 200: how long, and what is sent.

    python tests/benchmarks/bench_replay.py

The run that is replayed is a real one: the agent's offline script answers behind the SDK, its REST API is scripted too.
No container is needed.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
import time
from pathlib import Path

from workbench.engine.replay_request import ForkPoint, ReplayRequest
from workbench.sitting.sitting import Sitting
from workbench.trace.events import Event, ModelRequest, ModelResponse, RunCompleted

STEPS = 200
FORK = 150
REPEATS = 9

AGENT = """\
name: looker
model: claude-haiku-4-5
system_prompt: ./prompt.md
mcp_servers:
  - {type: http, name: facts, url: "https://facts.example.com"}
max_iterations: 250
"""


def write_agent(folder: Path) -> None:
    """An agent whose script calls its API once in each of 199 steps and answers in the 200th."""
    (folder / "prompt.md").write_text("You look things up and say what you found.\n")
    (folder / "agent.yaml").write_text(AGENT)
    call = {"tool": "facts", "arguments": {"method": "GET", "path": "/fact/{{ step }}"}}
    script = {
        "version": 1,
        "pace": {"first_token": 0, "tokens_per_second": 0},
        "rules": [
            {"when": {"called": {"facts": f"0-{STEPS - 2}"}}, "reply": {"text": "Next.", "calls": [call]}},
            {"reply": {"text": "Done."}},
        ],
        "http": {"facts": [{"request": "GET /fact/{number}", "text": "a fact of some length " * 20}]},
    }
    (folder / "offline.yaml").write_text(json.dumps(script))


async def main() -> None:
    """Run once, replay often, print."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_agent(folder)
        async with Sitting.open(folder, offline=True, environment={}) as sitting:
            run = sitting.new_run("what is it?")
            end = await run.execute()
            assert isinstance(end, RunCompleted) and end.steps == STEPS, end
            identity = ReplayRequest(run.run_id, model="tape", tools="tape")
            times = [await timed(sitting, identity) for _ in range(REPEATS)]
            print(
                f"replay of {STEPS} steps from tape  median {statistics.median(times) * 1000:6.0f} ms   promise 500 ms"
            )
            events: list[Event] = []
            fork = ReplayRequest(run.run_id, ForkPoint(FORK), model="live", tools="live")
            seconds = await timed(sitting, fork, events)
            asked = [event.step for event in events if _live(event, ModelRequest)]
            answered = sum(_live(event, ModelResponse) for event in events)
            print(
                f"fork at step {FORK} of {STEPS}: {len(asked)} requests sent, the first at step {asked[0]}, "
                f"{answered} replies paid, {seconds * 1000:.0f} ms"
            )


async def timed(sitting: Sitting, request: ReplayRequest, events: list[Event] | None = None) -> float:
    """Seconds from the request to the replay's end, everything stored."""
    shown: list[Event] = [] if events is None else events
    begin = time.perf_counter()
    end = await sitting.new_replay(request, show=shown.append).execute()
    seconds = time.perf_counter() - begin
    assert isinstance(end, RunCompleted) and end.steps == STEPS, end
    return seconds


def _live(event: Event, kind: type[ModelRequest] | type[ModelResponse]) -> bool:
    return isinstance(event.data, kind) and event.data.origin == "live"


if __name__ == "__main__":
    asyncio.run(main())
