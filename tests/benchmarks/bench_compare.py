"""Prints what comparing costs: aligning runs, marking changed words, and a frame of the compare view while it scrolls.

Run it with `python tests/benchmarks/bench_compare.py`. Nothing here is asserted: the numbers depend on the machine.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from textual.app import App

from workbench.cost.usage import Usage
from workbench.trace.alignment import Key, align, realign, settled
from workbench.trace.events import Event, EventData, Message, ModelResponse, RunStarted, ToolCall, ToolResult, Trigger
from workbench.trace.word_diff import word_diff
from workbench.tui.compare_column import CompareColumn
from workbench.tui.screens.compare import CompareScreen
from workbench.tui.widgets.compare_view import CompareView

BEGIN = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)

KINDS = ("message", "bash", "result of bash", "read", "result of read")


def run_of(seed: int, steps: int) -> list[Key]:
    """A run that shares most of what happens with the others: some steps are missing, some added, some changed."""
    chooser = random.Random(seed)
    keys: list[Key] = []
    for step in range(steps):
        kind = KINDS[step % len(KINDS)]
        if seed and chooser.random() < 0.06:
            continue
        if seed and chooser.random() < 0.05:
            keys.append(Key(("extra", seed, step), "grep"))
        changed = seed if seed and chooser.random() < 0.3 else 0
        keys.append(Key((kind, step, changed), kind))
    return keys


def milliseconds(work: Callable[[], object], times: int = 7) -> float:
    """The median time of `work`."""
    taken = []
    for _ in range(times):
        begin = time.perf_counter()
        work()
        taken.append((time.perf_counter() - begin) * 1000)
    return statistics.median(taken)


def bench_alignment() -> None:
    """Three runs side by side, whole and live."""
    for steps in (200, 2_000, 10_000):
        runs = [run_of(seed, steps) for seed in range(3)]
        print(f"align 3 x {steps:,} steps".ljust(44), f"{milliseconds(lambda runs=runs: align(runs)):9.1f} ms")  # type: ignore[misc]
    runs = [run_of(seed, 2_000) for seed in range(3)]
    before = [run[: len(run) - 5] for run in runs]
    rows = align(before)

    def grow() -> None:
        realign(rows, runs, settled(rows, before))

    print("five more steps each, tail aligned again".ljust(44), f"{milliseconds(grow):9.1f} ms")
    strangers = [[Key((seed, step), KINDS[step % 5]) for step in range(2_000)] for seed in range(3)]
    print(
        "align 3 x 2,000 steps with nothing in common".ljust(44), f"{milliseconds(lambda: align(strangers), 3):9.1f} ms"
    )
    alike = [[Key(KINDS[step % 5], KINDS[step % 5]) for step in range(2_000 - seed * 7)] for seed in range(3)]
    print("align 3 x 2,000 steps that all repeat".ljust(44), f"{milliseconds(lambda: align(alike), 3):9.1f} ms")


def bench_words() -> None:
    """Words of long texts; without care each of the last two takes minutes."""
    chooser = random.Random(1)
    prose = " ".join(chooser.choices([f"word{number}" for number in range(400)], k=9_000))
    one_word = prose.replace(prose.split()[4_500], "changed", 1)
    lines = "".join(f"{prose[at : at + 70]}\n" for at in range(0, 64_000, 70))
    scattered = "".join(
        line.replace("word1", "other") if number % 9 == 0 else line
        for number, line in enumerate(lines.splitlines(keepends=True))
    )
    noise = [" ".join(chooser.choices(["yes", "no", "maybe"], k=16_000)) for _ in range(2)]
    for name, old, new in (
        ("one word", prose, one_word),
        ("a word in every ninth line", lines, scattered),
        ("nothing in common but its three words", *noise),
    ):
        size = f"{len(old) // 1024} KiB, {name} changed" if "nothing" not in name else f"{len(old) // 1024} KiB, {name}"
        print(f"word diff, {size}".ljust(60), f"{milliseconds(lambda old=old, new=new: word_diff(old, new)):7.1f} ms")  # type: ignore[misc]


def events_of(seed: int, steps: int) -> list[Event]:
    """A run of real events: each step says something, calls a tool and gets a result of 2 KB."""
    chooser = random.Random(seed)
    started = RunStarted("bench", "0" * 32, {}, Trigger(), "the input", "a model", "offline", None, None)
    data: list[tuple[int, EventData]] = [(0, started)]
    for step in range(1, steps + 1):
        said = f"the agent considers file {step} and decides {'otherwise' if chooser.random() < 0.3 else 'so'}"
        usage = Usage(input_tokens=100 * step, output_tokens=50)
        digest = f"{step:032x}"
        result = ({"type": "text", "text": f"result {step} of {seed % 2} " * 100},)
        data.extend(
            (step, item)
            for item in (
                ModelResponse("a model", (), "tool_use", usage, Decimal("0.0005"), 1.2, 0.4, None),
                Message(said),
                ToolCall(f"t{step}", 1, "bash", "bash", {"command": f"cat {step}.txt"}, 20, digest),
                ToolResult(f"t{step}", "bash", "bash", result, 2_000, False, 0.2),
            )
        )
    return [
        Event(f"run-{seed}", seq, step, BEGIN + timedelta(milliseconds=seq), seq / 1000, item)
        for seq, (step, item) in enumerate(data, start=1)
    ]


def column_of(title: str, run: list[Event]) -> CompareColumn:
    """The column of a run."""
    return CompareColumn.of(title, run, lambda seq: run[seq - 1])


class Host(App[None]):
    """An app with nothing but the compare screen."""

    def __init__(self, columns: list[CompareColumn]) -> None:
        super().__init__()
        self.columns = columns

    def on_mount(self) -> None:
        """Show it."""
        self.push_screen(CompareScreen("bench", self.columns, lambda seconds: Decimal(0)))


async def bench_screen(steps: int = 700, size: tuple[int, int] = (180, 45)) -> None:
    """CPU of one frame of three runs of about 2,000 rows: scrolled by a line, by a page, and a row expanded."""
    runs = [events_of(seed, steps) for seed in range(3)]
    begin = time.process_time()
    columns = [column_of(f"model {number}", run) for number, run in enumerate(runs)]
    print(f"rows of 3 x {len(runs[0]):,} events".ljust(44), f"{(time.process_time() - begin) * 1000:9.1f} ms")
    host = Host(columns)
    async with host.run_test(size=size) as pilot:
        view = host.screen.query_one(CompareView)
        await pilot.pause()
        actions: dict[str, Callable[[], None]] = {
            "cursor down a row": lambda: view.action_move(1),
            "page down": lambda: view.action_page(1.0),
            "next difference": lambda: view.action_next_difference(1),
            "expand and fold a row of 2 KB": view.action_expand,
        }
        for name, action in actions.items():
            view.action_first()
            taken = []
            for _ in range(30):
                begin = time.process_time()
                action()
                view.render_lines(view.size.region)
                taken.append((time.process_time() - begin) * 1000)
                await pilot.pause(0)
            late = sorted(taken)[int(len(taken) * 0.95)]
            label = f"{name}, {size[0]}x{size[1]}".ljust(44)
            print(label, f"{statistics.median(taken):9.2f} ms   p95 {late:.2f} ms of CPU")


def main() -> None:
    """Run all of them."""
    bench_alignment()
    bench_words()
    asyncio.run(bench_screen())


if __name__ == "__main__":
    main()
