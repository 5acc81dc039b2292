"""`workbench doctor`: what this machine has and lacks, a line each, and what mends it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from workbench.commands.exit_codes import DONE, FAILED
from workbench.commands.style import Style
from workbench.sandbox.doctor import diagnose
from workbench.trace.terminal import printable

_MARKS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "missing": ("✗", "red"), "failed": ("✗", "red")}


def run(options: argparse.Namespace) -> int:
    """Print the diagnosis; fails when something is missing that runs need."""
    del options
    style = Style.of(sys.stdout)
    checks = diagnose(Path.cwd())
    width = max(len(check.name) for check in checks)
    for check in checks:
        mark, colour = _MARKS.get(check.state, ("·", "dim"))
        print(f"{style(mark, colour)} {check.name:<{width}}  {printable(check.found)}")
        if check.mend:
            print(f"  {'':<{width}}  → {style(printable(check.mend), 'bold')}")
    return FAILED if any(check.state in ("missing", "failed") for check in checks) else DONE
