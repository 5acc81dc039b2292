"""`workbench setup`: installs and starts what is missing, with progress."""

from __future__ import annotations

import argparse
import os
import shutil
import sys

from workbench.commands.exit_codes import DONE, USAGE
from workbench.commands.style import Style
from workbench.sandbox.setup import SetupProgress, setup
from workbench.trace.terminal import one_line, printable

_MARKS = {
    "present": ("✓", "green"),
    "done": ("✓", "green"),
    "by hand": ("!", "yellow"),
    "failed": ("✗", "red"),
    "skipped": ("·", "dim"),
}


def run(options: argparse.Namespace) -> int:
    """Do every step that is not done yet."""
    progress = _ProgressLines()
    outcome = setup(progress, rebuild=options.rebuild, may_ask=sys.stdin.isatty())
    if outcome.needs_new_group and not os.environ.get(_AGAIN) and shutil.which("sg"):
        print("the docker group is new to this login: going on in it", flush=True)
        again = "exec " + " ".join(["workbench", "setup"] if not sys.argv[0] else [sys.argv[0], "setup"])
        os.execvpe("sg", ["sg", "docker", "-c", again], {**os.environ, _AGAIN: "1"})  # noqa: S606
    if outcome.by_hand:
        print("\nwhat is left to do by hand:")
        for command in outcome.by_hand:
            print(f"  {printable(command)}")
    if outcome.problem is not None and not outcome.by_hand:
        print(f"\n{printable(outcome.problem, keep=chr(10))}\nlog: {outcome.log}", file=sys.stderr)
    return DONE if outcome.ready else USAGE


_AGAIN = "WORKBENCH_SETUP_AGAIN"
"""Set while setup runs again in a group that it has just joined, so that it does so once."""


class _ProgressLines:
    """A line for each step; on a terminal also the last line of output of the step that runs."""

    def __init__(self) -> None:
        self._style = Style.of(sys.stdout)
        self._live = sys.stdout.isatty()

    def __call__(self, progress: SetupProgress) -> None:
        """Show what happened."""
        if progress.state in _MARKS:
            mark, colour = _MARKS[progress.state]
            self._clear()
            took = f" ({progress.seconds:.1f} s)" if progress.seconds >= 0.5 and progress.state != "skipped" else ""
            detail = printable(progress.detail, keep="\n").replace("\n", "\n    ")
            print(f"{self._style(mark, colour)} {progress.step}: {detail or progress.state}{took}", flush=True)
        elif progress.state == "running" and not self._live:
            print(f"… {progress.step}", flush=True)
        elif self._live:
            self._clear()
            width = shutil.get_terminal_size().columns - 1
            line = one_line(f"… {progress.step} {progress.detail}", max(20, width))
            print(self._style(line, "dim"), end="", flush=True)

    def _clear(self) -> None:
        if self._live:
            print("\r\x1b[2K", end="")
