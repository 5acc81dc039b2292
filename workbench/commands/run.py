"""`workbench run`: one run of an agent, its timeline on the terminal or its events as JSON lines."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from workbench.commands.exit_codes import USAGE, of_run
from workbench.commands.problems import print_error, print_problems
from workbench.commands.timeline_text import TimelineText
from workbench.definition.inputs import InputError, resolve_input
from workbench.definition.problems import DefinitionError
from workbench.engine.world import LiveText
from workbench.sitting.overrides import Overrides
from workbench.sitting.sitting import Sitting, SittingError
from workbench.trace.codec import event_to_json
from workbench.trace.errors import StoreError
from workbench.trace.events import Event

if TYPE_CHECKING:
    from workbench.engine.run import Run, RunEnd


def run(options: argparse.Namespace) -> int:
    """Run the agent and return the exit code of how it ended."""
    try:
        overrides = Overrides(
            model=options.model,
            budget_usd=_usd(options.budget, "--budget"),
            timeout=options.timeout,
        )
        standard_input = sys.stdin.read() if options.input == "-" else None
        sitting = Sitting.open(
            options.agent,
            offline=options.offline,
            fuse_usd=_usd(options.fuse, "--fuse"),
            runtime=options.runtime,
            overrides=overrides,
        )
        text = resolve_input(sitting.folder, options.input, standard_input)
    except DefinitionError as error:
        print_problems(error.problems, sys.stderr)
        return USAGE
    except (InputError, SittingError, StoreError, ValueError) as error:
        print_error(error)
        return USAGE
    print_problems(sitting.warnings, sys.stderr)
    show, live = _outputs(options.json)
    end = asyncio.run(_run(sitting, text, show, live))
    return of_run(end)


async def _run(sitting: Sitting, text: str, show: Callable[[Event], None], live: Callable[[LiveText], None]) -> RunEnd:
    async with sitting:
        run = sitting.new_run(text, show=show, live=live)
        _stop_on_signals(run)
        return await run.execute()


def _stop_on_signals(run: Run) -> None:
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, run.cancel, "cancelled")
    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, run.cancel, "interrupted")


def _outputs(as_json: bool) -> tuple[Callable[[Event], None], Callable[[LiveText], None]]:
    if as_json:
        return _print_json, lambda delta: None
    timeline = TimelineText(sys.stdout)
    return timeline.event, timeline.live


def _print_json(event: Event) -> None:
    sys.stdout.write(json.dumps(event_to_json(event)) + "\n")
    sys.stdout.flush()


def _usd(text: str | None, option: str) -> Decimal | None:
    if text is None:
        return None
    try:
        amount = Decimal(text.removeprefix("$"))
    except InvalidOperation:
        amount = Decimal(-1)
    if not amount.is_finite() or amount <= 0:
        raise ValueError(f"{option} takes an amount of USD above 0, such as 0.50, not {text!r}")
    return amount
