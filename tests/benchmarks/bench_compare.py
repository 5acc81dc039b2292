"""Prints what comparing costs: aligning runs, marking changed words, and a frame of the compare view while it scrolls.

Run it with `python tests/benchmarks/bench_compare.py`. Nothing here is asserted: the numbers depend on the machine.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable

from workbench.trace.alignment import Key, align, realign, settled
from workbench.trace.word_diff import word_diff

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


def main() -> None:
    """Run all of them."""
    bench_alignment()
    bench_words()


if __name__ == "__main__":
    main()
