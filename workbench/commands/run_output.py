"""What a command shows of a run while it goes on, and how signals end it."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from workbench.commands.timeline_text import TimelineText
from workbench.engine.world import LiveText
from workbench.trace.codec import event_to_json
from workbench.trace.events import Event

if TYPE_CHECKING:
    from workbench.engine.run import Run


def stop_on_signals(run: Run) -> None:
    """End the run as cancelled on Ctrl-C, as interrupted when the process is asked to end."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, run.cancel, "cancelled")
    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, run.cancel, "interrupted")


def outputs(as_json: bool) -> tuple[Callable[[Event], None], Callable[[LiveText], None]]:
    """Where events and streaming text go: one JSON line each, or a timeline."""
    if as_json:
        return _print_json, lambda delta: None
    timeline = TimelineText(sys.stdout)
    return timeline.event, timeline.live


def _print_json(event: Event) -> None:
    sys.stdout.write(json.dumps(event_to_json(event)) + "\n")
    sys.stdout.flush()
