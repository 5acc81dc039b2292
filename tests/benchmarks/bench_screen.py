"""How fast the screen is there, and how fast a save is on it: the real program in a real pty, beside the promises.

python tests/benchmarks/bench_screen.py
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import pexpect  # type: ignore[import-untyped]

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "sample_agents" / "support-triage"
STARTS, SAVES, HELPS = 15, 15, 15
FRAME, LOADED = "timeline", "OFFLINE SCRIPT"


class Program:
    """The program on a terminal of 160x45, its raw output; no emulator takes time from it."""

    def __init__(self, agent: Path, home: Path) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ANTHROPIC_")}
        environment |= {
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "XDG_STATE_HOME": str(home / "state"),
            "XDG_CONFIG_HOME": str(home / "config"),
        }
        command = [sys.executable, "-m", "workbench.cli", str(agent)]
        self.began = time.perf_counter()
        self._child = pexpect.spawn(command[0], command[1:], dimensions=(45, 160), env=environment, timeout=30)

    def wait_for(self, text: str) -> float:
        """Milliseconds from now until `text` is written to the terminal."""
        begin = time.perf_counter()
        self._child.expect_exact(text.encode())
        return (time.perf_counter() - begin) * 1000

    def since_start(self) -> float:
        """Milliseconds since the program was started."""
        return (time.perf_counter() - self.began) * 1000

    def processor_time(self) -> float:
        """Milliseconds of processor time that the program has used: what it would take on an idle machine."""
        guard = int(self._child.pid)
        children = Path(f"/proc/{guard}/task/{guard}/children").read_text().split()
        ticks = 0
        for pid in (str(guard), *children):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks * 1000 / os.sysconf("SC_CLK_TCK")

    def quit(self) -> None:
        """End it."""
        self._child.send("\x11")
        self._child.expect(pexpect.EOF)
        self._child.close()


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        agent = home / "support-triage"
        shutil.copytree(SAMPLE, agent, ignore=shutil.ignore_patterns(".workbench"))
        _print("workbench --help", [_help() for _ in range(HELPS)], 150)
        frames, used, loaded = zip(*(_start(agent, home) for _ in range(STARTS)), strict=True)
        _print("start to the first frame", frames, 400)
        _print("  of that, processor time", used, None)
        _print("start to the loaded agent", loaded, None)
        _print("save to the edit on the screen", _saves(agent, home), 100)


def _help() -> float:
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-m", "workbench.cli", "--help"], check=True, capture_output=True)
    return (time.perf_counter() - begin) * 1000


def _start(agent: Path, home: Path) -> tuple[float, float, float]:
    program = Program(agent, home)
    program.wait_for(FRAME)
    frame, used = program.since_start(), program.processor_time()
    program.wait_for(LOADED)
    loaded = program.since_start()
    program.quit()
    return frame, used, loaded


def _saves(agent: Path, home: Path) -> Sequence[float]:
    program = Program(agent, home)
    program.wait_for(LOADED)
    _wait_for_watcher(program, agent)
    prompt = agent / "prompt.md"
    text = prompt.read_text()
    times = []
    for number in range(SAVES):
        time.sleep(0.3 + number * 0.017)  # not always at the same point of a frame
        mark = f"mark{number:03d}of{os.getpid()}"  # one word, so that nothing is painted between its letters
        begin = time.perf_counter()
        prompt.write_text(f"{text}{mark}\n")
        program.wait_for(mark)
        times.append((time.perf_counter() - begin) * 1000)
    program.quit()
    return times


def _wait_for_watcher(program: Program, agent: Path) -> None:
    """Save until a save is noticed: the watcher starts a moment after the agent is loaded; then let libraries load."""
    prompt = agent / "prompt.md"
    text = prompt.read_text()
    for number in range(100):
        prompt.write_text(f"{text}begin{number}\n")
        try:
            program._child.expect_exact(f"begin{number}".encode(), timeout=0.2)
            break
        except pexpect.TIMEOUT:
            continue
    time.sleep(6)
    prompt.write_text(text)


def _print(what: str, times: Sequence[float], promised: int | None) -> None:
    ordered = sorted(times)
    p95 = ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))]
    promise = f"promised {promised} ms" if promised else ""
    print(
        f"{what:<32} median {statistics.median(times):6.0f} ms   p95 {p95:6.0f} ms   "
        f"best {ordered[0]:6.0f} ms   {promise}"
    )


if __name__ == "__main__":
    main()
