"""`workbench [AGENT]`: the screen."""

from __future__ import annotations

import argparse
import os
import sys

from workbench.commands.exit_codes import USAGE
from workbench.commands.money import usd_option
from workbench.commands.problems import print_error

_FAREWELL = "Its runs are stored: `workbench runs` lists them, `workbench` shows them."


def run(options: argparse.Namespace) -> int:
    """Open the screen and return the exit code: 0, or 128+n if signal n ended it."""
    why_not = _why_no_screen()
    if why_not is not None:
        print(f"workbench: {why_not}", file=sys.stderr)
        return USAGE
    if not options.agent.exists():
        print(f"workbench: there is no folder {options.agent}; `workbench new NAME` makes an agent", file=sys.stderr)
        return USAGE
    try:
        fuse = usd_option(options.fuse, "--fuse")
    except ValueError as error:
        print_error(error)
        return USAGE
    from workbench.tui.guard import guarded

    def screen(guard: int) -> int:
        from workbench.tui.start import show_screen

        return show_screen(options.agent, offline=options.offline, fuse_usd=fuse, runtime=options.runtime, guard=guard)

    return guarded(screen, _FAREWELL)


def _why_no_screen() -> str | None:
    instead = "`workbench run AGENT` runs an agent without it"
    if not all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
        return f"the screen needs a terminal for input, output and errors; {instead}"
    if os.environ.get("TERM", "dumb") in ("dumb", ""):
        return f"the terminal cannot show a screen (TERM={os.environ.get('TERM', '')}); {instead}"
    return None
