"""Prints what workspace snapshots cost in time and on disk, next to what is promised.

Run it with `python tests/benchmarks/bench_snapshots.py`. Nothing here is asserted: the numbers depend on the machine.
"""

from __future__ import annotations

import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from workbench.sandbox.snapshots import WorkspaceSnapshots


def main() -> None:
    """Print the costs for a small and a large workspace."""
    for files, megabytes, promise in ((500, 10, 15), (5000, 500, 150)):
        with tempfile.TemporaryDirectory() as folder:
            measure(Path(folder), files, megabytes, promise)


def measure(folder: Path, files: int, megabytes: int, promise: int) -> None:
    """Print the costs for a workspace of that many files in 50 folders."""
    workspace = folder / "workspace"
    fill(workspace, files, megabytes << 20)
    snapshots = WorkspaceSnapshots(folder / "store")
    print(f"\n{files} files, {megabytes} MB")
    show("first take", seconds(lambda: snapshots.take(workspace)))
    unchanged = [seconds(lambda: snapshots.take(workspace)) for _ in range(9)]
    show("unchanged", statistics.median(unchanged), f"promised {promise} ms")

    before, costs = disk_bytes(folder / "store"), []
    for number in range(5):
        (workspace / "d7/f7.txt").write_text(f"edited {number}")
        costs.append(seconds(lambda: snapshots.take(workspace)))
    kilobytes = (disk_bytes(folder / "store") - before) / 5 / 1024
    show("one file changed", statistics.median(costs), f"promised milliseconds; {kilobytes:.0f} KB on disk each")

    digest = snapshots.take(workspace).digest
    show("take by another process", seconds(lambda: WorkspaceSnapshots(folder / "store").take(workspace)))
    show("restore", seconds(lambda: snapshots.restore(digest, folder / "copy")))
    show("verify", seconds(lambda: snapshots.verify(digest)))
    show("collect", seconds(lambda: snapshots.collect([digest], grace_seconds=0)))


def fill(workspace: Path, files: int, size: int) -> None:
    """Write files of random bytes, which no compression shortens."""
    chooser = random.Random(1)
    for number in range(files):
        file = workspace / f"d{number % 50}" / f"f{number}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(chooser.randbytes(size // files))


def disk_bytes(folder: Path) -> int:
    """Bytes that the files of a folder take on disk."""
    return sum(file.stat().st_blocks * 512 for file in folder.rglob("*") if file.is_file())


def seconds(work: Callable[[], object]) -> float:
    """How long it took."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def show(what: str, duration: float, remark: str = "") -> None:
    """Print one line."""
    print(f"  {what:<26}{duration * 1000:10.1f} ms   {remark}")


if __name__ == "__main__":
    main()
