"""How fast a sandbox is, next to what is promised.

    python tests/benchmarks/bench_sandbox.py [--runtime NAME] [--image NAME] [--rounds N] [--calls N]

Without a runtime, one that is proven to be gVisor is taken; without an image, the base image.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import mcp

from workbench.definition.agent import ContainerSettings, NetworkPolicy
from workbench.sandbox.docker_engine import DockerEngine
from workbench.sandbox.docker_sandbox import DockerSandbox
from workbench.sandbox.image import resolve_image
from workbench.sandbox.pool import SandboxPool
from workbench.sandbox.runtime_choice import VerdictFile, choose_runtime, container_probe
from workbench.sandbox.sandbox import SandboxError, SandboxSpec
from workbench.sandbox.snapshots import WorkspaceSnapshots
from workbench.sandbox.sweep import sweep

PROMISES = {"cold": 1500.0, "warm": 50.0, "call": 5.0}
"""Milliseconds."""


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured, in milliseconds, and what is promised for its median."""

    name: str
    times: Sequence[float]
    promise: float | None = None

    def line(self) -> str:
        """One line of the table."""
        median = statistics.median(self.times)
        p95 = sorted(self.times)[round(0.95 * (len(self.times) - 1))]
        promised = "" if self.promise is None else f"{self.promise:8.0f}   {self._verdict(median)}"
        return f"{self.name:<44}{median:9.2f}{p95:9.2f}{min(self.times):9.2f}{promised}".rstrip()

    def _verdict(self, median: float) -> str:
        return "kept" if self.promise is None or median <= self.promise else "BROKEN"


class Stopwatch:
    """Milliseconds since it was made."""

    def __init__(self) -> None:
        self._began = time.perf_counter()

    @property
    def ms(self) -> float:
        """How long it is by now."""
        return (time.perf_counter() - self._began) * 1000


async def first_call(sandbox: DockerSandbox) -> None:
    """What an agent's first tool call costs: open the server, call a tool."""
    async with mcp.Client(sandbox.builtin("bash")) as client:
        result = await client.call_tool("bash", {"command": "echo ready"})
    if "ready" not in str(result.content):
        raise SandboxError(f"the first call gave {result.content}")


async def round_trips(sandbox: DockerSandbox, calls: int) -> Sequence[Figure]:
    """Calls of trivial tools on open connections."""
    (sandbox.workspace / "small.txt").write_text("a small file\n")
    figures = []
    async with mcp.Client(sandbox.builtin("bash")) as bash, mcp.Client(sandbox.builtin("filesystem")) as files:
        trips = (
            ("read of a small file", files, "read", {"file_path": "/workspace/small.txt"}),
            ("bash builtin (true)", bash, "bash", {"command": "true"}),
        )
        for name, client, tool, arguments in trips:
            times = []
            for _ in range(calls):
                watch = Stopwatch()
                await client.call_tool(tool, dict(arguments))
                times.append(watch.ms)
            figures.append(Figure(f"round trip: {name}", times, PROMISES["call"]))
    return figures


async def measure(arguments: argparse.Namespace, folder: Path) -> Sequence[Figure]:
    """All figures. The first start pays for what a process pays once, so each has figures of its own."""
    watch = Stopwatch()
    engine = await DockerEngine.connect()
    connecting = watch.ms
    watch = Stopwatch()
    await sweep(engine, folder)
    sweeping = watch.ms
    image = arguments.image or resolve_image(ContainerSettings(), folder).id
    probe = container_probe(engine.client, image, engine.facts.kernel)
    runtime = choose_runtime(engine.facts, arguments.runtime, probe, VerdictFile())
    snapshots = WorkspaceSnapshots(folder / "snapshots")
    spec = SandboxSpec("benchmark", folder, ContainerSettings(), NetworkPolicy(), None, None, {})
    if runtime == "runc":
        spec = replace(spec, runtime=runtime)

    async def start(wanted: SandboxSpec) -> DockerSandbox:
        return await DockerSandbox.start(
            wanted, engine=engine, image_id=image, image=image, runtime=runtime, snapshots=snapshots
        )

    print(f"runtime {runtime}, image {image}, Docker {engine.facts.version}, kernel {engine.facts.kernel}\n")
    pool: SandboxPool[DockerSandbox] = SandboxPool(start)
    starts, colds, warms, closes = [], [], [], []
    trips: Sequence[Figure] = ()
    for number in range(arguments.rounds):
        watch = Stopwatch()
        cold = await start(spec)
        starts.append(watch.ms)
        await first_call(cold)
        colds.append(watch.ms)
        if number == 0:
            trips = await round_trips(cold, arguments.calls)
        pool.prewarm(spec)
        watch = Stopwatch()
        await cold.close()
        closes.append(watch.ms)
        await asyncio.sleep(arguments.rest)
        watch = Stopwatch()
        warm = await pool.acquire(spec)
        await first_call(warm)
        warms.append(watch.ms)
        await warm.close()
    await pool.close()
    engine.close()
    return [
        Figure("connect to Docker", [connecting]),
        Figure("sweep with nothing to do", [sweeping], 200.0),
        Figure("cold: start until proven", starts),
        Figure("cold: start to first tool result", colds, PROMISES["cold"]),
        Figure("warm: acquire to first tool result", warms, PROMISES["warm"]),
        *trips,
        Figure("close", closes, 1000.0),
    ]


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runtime", help="the Docker runtime (default: one that is proven to be gVisor)")
    parser.add_argument("--image", help="the image (default: the base image)")
    parser.add_argument("--rounds", type=int, default=5, help="sandboxes to start (default: 5)")
    parser.add_argument("--calls", type=int, default=300, help="tool calls to time (default: 300)")
    parser.add_argument("--rest", type=float, default=2.0, help="seconds in which a warm sandbox gets ready")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="workbench-benchmark-") as folder:
        try:
            figures = asyncio.run(measure(arguments, Path(folder)))
        except SandboxError as error:
            print(error, file=sys.stderr)
            return 1
    print(f"{'milliseconds':<44}{'median':>9}{'p95':>9}{'min':>9}{'promise':>8}")
    for figure in figures:
        print(figure.line())
    return 0


if __name__ == "__main__":
    sys.exit(main())
