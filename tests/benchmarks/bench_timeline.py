"""Prints how quick the timeline is: from a key to the repaint through a real terminal, opening a run, memory.

Run it with `python tests/benchmarks/bench_timeline.py`. Nothing here is asserted: the numbers depend on the machine.
A process of its own shows the timeline in a pseudo-terminal of 140 by 42 cells; this one presses keys and reads what
is painted.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import pexpect  # type: ignore[import-untyped]

sys.path.insert(0, str(Path(__file__).parents[2]))

HERE = Path(__file__)
ROWS, COLUMNS = 42, 140
CURSOR = "▌".encode()
FOLLOWING = "⇣".encode()


def host(folder: str, rate: int) -> None:
    """The process that shows the run `long` of a store, and lets `rate` events a second arrive in it."""
    from textual.app import App, ComposeResult

    from tests.benchmarks.bench_store import run_of
    from workbench.trace.events import Event
    from workbench.trace.rows import row_of
    from workbench.trace.store import Store
    from workbench.tui.safe_text import NO_CONTROL
    from workbench.tui.widgets.timeline import Timeline

    store = Store.open(Path(folder), read_only=True)
    per_pump = rate / 20

    class Host(App[None]):
        def get_line_filters(self) -> Sequence[object]:  # type: ignore[override]
            return [*super().get_line_filters(), NO_CONTROL]

        def compose(self) -> ComposeResult:
            yield Timeline()

        def on_mount(self) -> None:
            begin = time.perf_counter()
            self.timeline = self.query_one(Timeline)
            self.timeline.show_run(store.rows("long"), self.details)
            self.timeline.focus()
            self.opening = time.perf_counter() - begin
            self.call_after_refresh(self.opened)

        def opened(self) -> None:
            import gc

            gc.collect()
            gc.freeze()
            Path(folder, "opening").write_text(str(self.opening))
            self.title = "opened"
            if rate:
                self.coming = self.events_to_come()
                self.due = 0.0
                self.set_interval(1 / 20, self.pump)

        def details(self, seq: int) -> Event | None:
            return next(store.events("long", after=seq - 1, limit=1), None)

        def events_to_come(self) -> Iterator[Event]:
            begin = len(self.timeline.view.rows)
            for event in run_of("long", 1_000, 600):
                yield Event("long", begin + event.seq, begin + event.step, event.at, begin + event.offset, event.data)

        def pump(self) -> None:
            self.due += per_pump
            new = [row_of(event) for event in islice(self.coming, int(self.due))]
            self.due -= len(new)
            self.timeline.extend(new)

    Host().run()


class Terminal:
    """A program in a pseudo-terminal: presses keys, and waits for what is painted."""

    def __init__(self, command: Sequence[str]) -> None:
        environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "TEXTUAL_ANIMATIONS": "none"}
        self.child = pexpect.spawn(
            command[0], list(command[1:]), dimensions=(ROWS, COLUMNS), env=environment, timeout=60
        )
        self.begin = time.perf_counter()

    def until(self, painted: Callable[[bytes], bool], limit: float = 60) -> float:
        """Seconds until what came since the call satisfies `painted`."""
        begin, got = time.perf_counter(), b""
        while time.perf_counter() - begin < limit:
            try:
                got += self.child.read_nonblocking(65_536, timeout=1)
            except pexpect.TIMEOUT:
                continue
            if painted(got):
                return time.perf_counter() - begin
        raise TimeoutError(f"not painted within {limit} s; got {got[-2000:]!r}")

    def settle(self, seconds: float = 0.4) -> None:
        """Read what is painted for a while."""
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            try:
                self.child.read_nonblocking(65_536, timeout=0.05)
            except pexpect.TIMEOUT:
                continue

    def key(self, key: str, painted: Callable[[bytes], bool]) -> float:
        """Milliseconds from a key to its repaint."""
        self.child.send(key)
        return self.until(painted) * 1000

    def cpu(self) -> float:
        """Seconds of CPU that the program has used."""
        fields = Path(f"/proc/{self.child.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> tuple[float, float]:
        """Megabytes of memory that the program has now, and had at most."""
        lines = Path(f"/proc/{self.child.pid}/status").read_text().splitlines()
        values = {line.partition(":")[0]: line.split()[1] for line in lines if line.startswith("Vm")}
        return int(values["VmRSS"]) / 1024, int(values["VmHWM"]) / 1024

    def close(self) -> None:
        """End the program."""
        self.child.send("\x11")
        self.child.close(force=True)


def percentiles(taken: Sequence[float]) -> str:
    """Median and 95th percentile, as text."""
    ordered = sorted(taken)
    return f"p50 {statistics.median(ordered):5.1f} ms   p95 {ordered[int(len(ordered) * 0.95)]:5.1f} ms"


def follows(painted: bytes) -> bool:
    """Whether the newest head that was painted says that the timeline follows."""
    head = painted.rfind(b" events")
    return head >= 0 and FOLLOWING in painted[max(0, head - 20) : head]


def stands(painted: bytes) -> bool:
    """Whether the newest head that was painted says that the timeline does not follow."""
    return b" events" in painted and not follows(painted)


def bench_keys(folder: Path, count: int, rate: int, presses: int = 100) -> None:
    """Keys in the middle of the run, and at its end while it follows."""
    terminal = Terminal([sys.executable, str(HERE), "--host", str(folder), str(rate)])
    terminal.until(lambda got: CURSOR in got)
    terminal.settle(1.5)
    used, begin = terminal.cpu(), time.perf_counter()
    terminal.settle(3)
    share = (terminal.cpu() - used) / (time.perf_counter() - begin)
    at_end, moving, paging = [], [], []
    for _ in range(presses // 2):
        at_end.append(terminal.key("k", stands))
        terminal.settle(0.03)
        at_end.append(terminal.key("G", follows))
        terminal.settle(0.03)
    terminal.key("g", stands)
    terminal.settle(0.2)
    for number in range(presses):
        moving.append(terminal.key("k" if number % 20 >= 10 else "j", lambda got: CURSOR in got))
        terminal.settle(0.03)
    for number in range(presses):
        paging.append(terminal.key("\x15" if number % 20 >= 10 else "\x04", lambda got: CURSOR in got))
        terminal.settle(0.03)
    terminal.close()
    name = f"{count:>7,} events, {rate:>3} a second"
    print(f"{name}   a row       {percentiles(moving)}")
    print(f"{'':29}   half a page {percentiles(paging)}")
    print(f"{'':29}   following   {percentiles(at_end)}")
    print(f"{'':29}   while it follows {share * 100:.0f} % of a core", flush=True)


def bench_open(folder: Path, count: int) -> None:
    """Opening a stored run: reading its rows, and painting the first frame."""
    taken, whole = [], []
    for _ in range(3):
        terminal = Terminal([sys.executable, str(HERE), "--host", str(folder), "0"])
        whole.append(terminal.until(lambda got: CURSOR in got))
        terminal.settle(0.5)
        taken.append(float(Path(folder, "opening").read_text()))
        memory, most = terminal.memory()
        terminal.close()
    print(f"opening {count:,} events: rows read and shown {statistics.median(taken):.2f} s; from the start of the ")
    print(f"    process to the painted rows {statistics.median(whole):.2f} s      promise: <= 1 s to first paint")
    print(
        f"    memory {memory:.0f} MB, at most {most:.0f} MB      promise: <= 250 MB for the whole program", flush=True
    )


def main() -> None:
    """Run all of them."""
    from tests.benchmarks.bench_store import run_of
    from workbench.trace.store import Store

    print("from a key to the repaint            promise: p95 <= 50 ms with 100,000 events and 100 a second arriving")
    for count in (1_000, 10_000, 100_000):
        with tempfile.TemporaryDirectory() as name:
            with Store.open(Path(name)) as store:
                store.append_many(run_of("long", count // 5, result_bytes=600))
            for rate in (0, 100):
                bench_keys(Path(name), count, rate)
            if count == 100_000:
                bench_open(Path(name), count)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--host"]:
        host(sys.argv[2], int(sys.argv[3]))
    else:
        main()
