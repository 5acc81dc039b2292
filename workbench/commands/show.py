"""`workbench show`: a stored run, as its timeline or with all that its events hold."""

from __future__ import annotations

import argparse
import json
import sys

from workbench.commands.exit_codes import DONE, USAGE
from workbench.commands.found_runs import store_with
from workbench.commands.problems import print_error
from workbench.commands.style import Style
from workbench.commands.timeline_text import TimelineText
from workbench.trace.codec import event_to_json
from workbench.trace.errors import StoreError
from workbench.trace.events import Event
from workbench.trace.terminal import printable


def run(options: argparse.Namespace) -> int:
    """Print the run."""
    try:
        with store_with(options.run, options.agent) as (store, run_id):
            timeline = TimelineText(sys.stdout)
            for event in store.events(run_id):
                if options.step is not None and event.step != options.step:
                    continue
                if options.events:
                    _print_whole(event)
                else:
                    timeline.event(event)
            summary = store.run(run_id)
    except StoreError as error:
        print_error(error)
        return USAGE
    if options.step is not None and not 0 <= options.step <= summary.steps:
        print(f"workbench: run {run_id} has steps 0 to {summary.steps}", file=sys.stderr)
        return USAGE
    if summary.status == "interrupted":
        print(f"interrupted: the process that ran it is gone; its {summary.events} events are all here")
    elif summary.status == "running":
        print(f"running: {summary.events} events so far")
    return DONE


def _print_whole(event: Event) -> None:
    style = Style.of(sys.stdout)
    whole = event_to_json(event)
    print(style(f"#{event.seq} {event.type} · step {event.step} · {event.offset:.3f} s · {whole['at']}", "bold"))
    text = json.dumps(whole["data"], indent=2, ensure_ascii=False)
    print(printable(text, keep="\n"))
