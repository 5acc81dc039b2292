"""Prints what the store costs: appending, opening a long run, and the size of a trace by its number of steps.

Run it with `python tests/benchmarks/bench_store.py`. Nothing here is asserted: the numbers depend on the machine.
"""

from __future__ import annotations

import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

from workbench.cost.usage import Usage
from workbench.jsontypes import JsonObject
from workbench.trace.events import (
    Costs,
    Event,
    EventData,
    Message,
    ModelRequest,
    ModelResponse,
    RunCompleted,
    RunStarted,
    ToolCall,
    ToolResult,
    Trigger,
)
from workbench.trace.places import store_file
from workbench.trace.store import Store

BEGIN = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
STEMS = ("ticket", "order", "parser", "refund", "invoice", "queue", "module", "test", "branch")
WORDS = [stem + ending for stem in STEMS for ending in ("s", "ed", "er")]


def text(seed: int, size: int) -> str:
    """Prose of about `size` bytes, another one for each seed."""
    chooser = random.Random(seed)
    return " ".join(chooser.choices(WORDS, k=size // 7))


def run_of(run_id: str, steps: int, result_bytes: int = 2_000) -> Iterator[Event]:
    """A run whose every step is a request, a reply, a message, a tool call and its result."""
    data: list[tuple[int, EventData]] = [(0, started())]
    for step in range(1, steps + 1):
        data.extend((step, item) for item in step_of(step, result_bytes))
    usage = Usage(input_tokens=100 * steps, output_tokens=50 * steps)
    costs = Costs(Decimal("0.01"), Decimal("0.001"), Decimal("0.011"), Decimal("45.000"))
    data.append((steps, RunCompleted(text(0, 600), "end_turn", steps, usage, costs, 45.0)))
    for seq, (step, item) in enumerate(data, start=1):
        yield Event(run_id, seq, step, BEGIN + timedelta(milliseconds=seq), seq / 1000, item)


def started() -> RunStarted:
    """The first event."""
    definition = {"name": "bench", "model": "claude-haiku-4-5", "system_prompt": text(1, 4_000)}
    return RunStarted(
        "bench", "0" * 32, definition, Trigger(), text(2, 300), "claude-haiku-4-5", "offline", None, Decimal("0.5")
    )


def step_of(step: int, result_bytes: int) -> Sequence[EventData]:
    """One step: what was added to the conversation is in the request, the reply and the result, as in a real run."""
    said, output = text(step * 2, 700), text(step * 2 + 1, result_bytes)
    arguments = {"command": f"pytest -q tests/test_{step}.py"}
    result = {"type": "tool_result", "tool_use_id": f"toolu_{step - 1}", "content": text(step * 2 - 1, result_bytes)}
    call: JsonObject = {"type": "tool_use", "id": f"toolu_{step}", "name": "bash", "input": arguments}
    reply: Sequence[JsonObject] = [{"type": "text", "text": said}, call]
    usage = Usage(input_tokens=100, output_tokens=50, cache_read_tokens=step * 600)
    return (
        ModelRequest(
            "claude-haiku-4-5",
            step * 2,
            f"{step:032x}",
            step * 2 - 2,
            [{"role": "assistant", "content": reply}, {"role": "user", "content": [result]}],
            {"max_tokens": 8192},
        ),
        ModelResponse("claude-haiku-4-5", reply, "tool_use", usage, Decimal("0.0005"), 1.2, 0.4, f"req_{step}"),
        Message(said),
        ToolCall(f"toolu_{step}", 1, "bash", "bash", arguments, 40, f"{step:032x}"),
        ToolResult(
            f"toolu_{step}", "bash", "bash", [{"type": "text", "text": output}], len(output), False, 0.2, exit_code=0
        ),
    )


def timed(work: Callable[[], object]) -> float:
    """Seconds that `work` takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def bench_append(folder: Path) -> None:
    """One transaction per event, as the engine does it."""
    with Store.open(folder) as store:
        events = list(run_of("append", 400))
        taken = sorted(timed(partial(store.append, event)) * 1000 for event in events)
    middle, late = statistics.median(taken), taken[int(len(taken) * 0.95)]
    print(f"append, one event a transaction   median {middle:.3f} ms   p95 {late:.3f} ms   worst {taken[-1]:.1f} ms")
    print("                                  promise: 0.5 ms typical")


def bench_long_run(folder: Path, steps: int = 20_000) -> None:
    """A run of 100,000 events, opened as a screen opens it."""
    with Store.open(folder) as store:
        filling = timed(lambda: store.append_many(run_of("long", steps, result_bytes=600)))
    count = steps * 5 + 2
    print(f"filling a run of {count:,} events    {filling:.1f} s in one transaction")
    begin = time.perf_counter()
    with Store.open(folder, read_only=True) as store:
        summary = store.run(store.find("long"))
        first = store.rows("long", limit=100)
        print(f"open, summary, first 100 rows     {(time.perf_counter() - begin) * 1000:.1f} ms")
        last = timed(lambda: store.rows("long", after=summary.events - 100))
        everything = timed(lambda: store.rows("long"))
        none_new = timed(lambda: store.rows("long", after=summary.events))
        whole = timed(lambda: list(store.events("long", limit=5_000)))
        named = timed(store.snapshots)
        missing = timed(lambda: store.search("no such text anywhere"))
    print(f"last 100 rows                     {last * 1000:.1f} ms")
    print(f"asking for new rows, none there   {none_new * 1000:.2f} ms")
    print(f"all {count:,} rows                  {everything:.2f} s   promise: <= 1 s to first paint")
    print(f"5,000 whole events                {whole:.2f} s")
    print(f"all snapshots that events name    {named:.2f} s")
    print(f"searching all of it, no hit       {missing:.2f} s   ({len(first)} rows first)")


def bench_size() -> None:
    """The size of the file by steps: twice the steps, twice the size."""
    for steps in (100, 200, 400, 800):
        with tempfile.TemporaryDirectory() as name:
            with Store.open(Path(name)) as store:
                store.append_many(run_of("size", steps))
            size = store_file(Path(name)).stat().st_size
        print(f"{steps:4} steps of 2 KB results          {size / 1024:7.0f} KiB   {size / steps:6.0f} bytes a step")


def main() -> None:
    """Run all of them."""
    with tempfile.TemporaryDirectory() as name:
        bench_append(Path(name))
        bench_long_run(Path(name))
    bench_size()


if __name__ == "__main__":
    main()
