"""Prints how quick the timeline is: from a key to the repaint through a real terminal, opening a run, memory.

Run it with `python tests/benchmarks/bench_timeline.py`. Nothing here is asserted: the numbers depend on the machine.
A process of its own shows the timeline in a pseudo-terminal of 140 by 42 cells; this one presses keys and reads what
is painted. First the timeline alone, with runs of three lengths, then the whole program: a stored run of 100,000
events, and a scripted run that goes on while keys are pressed.
"""

from __future__ import annotations

import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from textwrap import dedent

import pexpect  # type: ignore[import-untyped]

sys.path.insert(0, str(Path(__file__).parents[2]))

HERE = Path(__file__)
ROOT = HERE.parents[2]
AGENT = {
    "agent.yaml": """
        name: bench
        model: claude-haiku-4-5
        system_prompt: ./prompt.md
        mcp_servers: [{type: http, name: facts, url: "https://facts.example.com"}]
        max_iterations: 5000
        budget: {usd: 1000}
        """,
    "prompt.md": "Look it up, again and again.\n",
    "inputs/go.txt": "go\n",
    "offline.yaml": """
        version: 1
        pace: {first_token: 0.02, tokens_per_second: 2000}
        rules:
          - reply: {text: I look it up once more., calls: [{tool: facts, arguments: {method: GET, path: /one}}]}
        http: {facts: [{request: GET /one, text: a fact}]}
        """,
}
"""An agent without a sandbox whose run goes on for 25,000 events."""
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
    from workbench.tui.widgets.timeline_pane import TimelinePane

    store = Store.open(Path(folder), read_only=True)
    per_pump = rate / 20

    class Host(App[None]):
        def get_line_filters(self) -> Sequence[object]:  # type: ignore[override]
            return [*super().get_line_filters(), NO_CONTROL]

        def compose(self) -> ComposeResult:
            yield TimelinePane()

        def on_mount(self) -> None:
            begin = time.perf_counter()
            self.timeline = self.query_one(TimelinePane).timeline
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
            for event in run_of("long", 3_000, 600):
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
            command[0], list(command[1:]), dimensions=(ROWS, COLUMNS), env=environment, cwd=str(ROOT), timeout=60
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

    def settle(self, seconds: float | None = None) -> None:
        """Read what is painted for a while: by default one that does not keep step with the program's own beat."""
        end = time.perf_counter() + (random.uniform(0.03, 0.12) if seconds is None else seconds)
        while (left := end - time.perf_counter()) > 0:
            try:
                self.child.read_nonblocking(65_536, timeout=left)
            except pexpect.TIMEOUT:
                continue

    def key(self, key: str, painted: Callable[[bytes], bool]) -> float:
        """Milliseconds from a key to its repaint."""
        self.child.send(key)
        return self.until(painted) * 1000

    @property
    def process(self) -> int:
        """The process that draws: the child, or the one that it guards."""
        guarded = Path(f"/proc/{self.child.pid}/task/{self.child.pid}/children").read_text().split()
        return int(guarded[0]) if guarded else int(self.child.pid)

    def cpu(self) -> float:
        """Seconds of CPU that the program has used."""
        fields = Path(f"/proc/{self.process}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> tuple[float, float]:
        """Megabytes of memory that the program has now, and had at most."""
        lines = Path(f"/proc/{self.process}/status").read_text().splitlines()
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


def typed(terminal: Terminal, key: str, said: str, words: int) -> Sequence[float]:
    """Milliseconds from each letter of a query to the head that tells what it found."""
    times, word = [], "refund"
    terminal.child.send(key)
    terminal.settle(0.3)
    for _ in range(words):
        for length, letter in enumerate(word, start=1):
            head = said.format(word[:length]).encode()
            times.append(terminal.key(letter, lambda got, head=head: head in got))  # type: ignore[misc]
            terminal.settle()
        for _ in word:
            terminal.child.send("\x7f")
            terminal.settle(0.1)
    terminal.child.send("\x1b")
    terminal.settle(0.5)
    return times


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
        terminal.settle()
        at_end.append(terminal.key("G", follows))
        terminal.settle()
    terminal.key("g", stands)
    terminal.settle(0.2)
    for number in range(presses):
        moving.append(terminal.key("k" if number % 20 >= 10 else "j", lambda got: CURSOR in got))
        terminal.settle()
    for number in range(presses):
        paging.append(terminal.key("\x15" if number % 20 >= 10 else "\x04", lambda got: CURSOR in got))
        terminal.settle()
    searching = typed(terminal, "/", "“{}”", presses // 16)
    filtering = typed(terminal, "f", "· {} ", presses // 16)
    terminal.close()
    name = f"{count:>7,} events, {rate:>3} a second"
    print(f"{name}   a row            {percentiles(moving)}")
    print(f"{'':29}   half a page      {percentiles(paging)}")
    print(f"{'':29}   while following  {percentiles(at_end)}")
    print(f"{'':29}   search, a letter {percentiles(searching)}")
    print(f"{'':29}   filter, a letter {percentiles(filtering)}")
    print(f"{'':29}   while it follows {share * 100:.0f} % of a core", flush=True)


def bench_program(folder: Path, count: int) -> None:
    """The whole program: a stored run of `count` events, then a run that goes on."""
    for name, text in AGENT.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(dedent(text))
    os.environ["XDG_STATE_HOME"] = str(folder / "state")
    terminal = Terminal([sys.executable, "-m", "workbench.cli", str(folder), "--offline", "--fuse", "1000"])
    opened = terminal.until(lambda got: f"{count // 1000}," in head_of(got))
    terminal.settle(2)
    terminal.child.send("2")
    terminal.key("k", stands)
    print(f"the whole program with {count:,} events: painted {opened:.2f} s after the start of the process")
    pressed(terminal, "stored run")
    memory, most = terminal.memory()
    print(f"    memory {memory:.0f} MB, at most {most:.0f} MB      promise: <= 250 MB", flush=True)
    terminal.child.send("r")
    terminal.until(lambda got: " 1" in head_of(got))
    terminal.child.send("2")
    terminal.settle(5)
    before, begin, used = shown_count(terminal), time.perf_counter(), terminal.cpu()
    pressed(terminal, "run that goes on")
    after, took = shown_count(terminal), time.perf_counter() - begin
    share = (terminal.cpu() - used) / took
    print(
        f"    meanwhile {(after - before) / took:.0f} events a second arrived, {share * 100:.0f} % of a core",
        flush=True,
    )
    terminal.close()


def head_of(painted: bytes) -> str:
    """The newest head that was painted: what stands before its word `events`."""
    at = painted.rfind(b" events")
    return "" if at < 0 else painted[max(0, at - 12) : at].decode("utf-8", "replace")


def shown_count(terminal: Terminal) -> int:
    """How many events the head says that there are."""
    said = ""

    def told(painted: bytes) -> bool:
        nonlocal said
        said = head_of(painted)
        return bool(said)

    terminal.child.send("k")
    terminal.until(told)
    return int("".join(letter for letter in said if letter.isdigit()))


def pressed(terminal: Terminal, name: str, presses: int = 100) -> None:
    """Keys in the timeline of the whole program."""
    moving, following = [], []
    for _ in range(presses // 2):
        following.append(terminal.key("G", follows))
        terminal.settle()
        following.append(terminal.key("k", stands))
        terminal.settle()
    for number in range(presses):
        moving.append(terminal.key("j" if number % 20 >= 10 else "k", lambda got: CURSOR in got))
        terminal.settle()
    print(f"    {name:<18}  a row            {percentiles(moving)}")
    print(f"    {'':<18}  while following  {percentiles(following)}")


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
    print(f"opening {count:,} events: rows read and shown {statistics.median(taken):.2f} s; from the start ")
    print(
        f"    of the process to the painted rows {statistics.median(whole):.2f} s      promise: <= 1 s to first paint"
    )
    print(
        f"    memory {memory:.0f} MB, at most {most:.0f} MB      promise: <= 250 MB for the whole program", flush=True
    )


def main() -> None:
    """Run all of them."""
    from tests.benchmarks.bench_store import run_of
    from workbench.trace.store import Store

    print(f"load average of the machine: {os.getloadavg()[0]:.1f}, on {os.cpu_count()} cores")
    print("from a key to the repaint            promise: p95 <= 50 ms with 100,000 events and 100 a second arriving")
    for count in (1_000, 10_000, 100_000):
        with tempfile.TemporaryDirectory() as name:
            with Store.open(Path(name)) as store:
                store.append_many(run_of("long", count // 5, result_bytes=600))
            for rate in (0, 100):
                bench_keys(Path(name), count, rate)
            if count == 100_000:
                bench_open(Path(name), count)
                bench_program(Path(name), count)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--host"]:
        host(sys.argv[2], int(sys.argv[3]))
    else:
        main()
