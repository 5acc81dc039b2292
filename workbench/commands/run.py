"""`workbench run`: one run of an agent, its timeline on the terminal or its events as JSON lines."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from workbench.commands.asking import asking
from workbench.commands.exit_codes import USAGE, of_run
from workbench.commands.input_option import standard_input
from workbench.commands.money import usd_option
from workbench.commands.problems import print_error, print_problems
from workbench.commands.run_output import outputs, stop_on_signals
from workbench.definition.inputs import InputError, resolve_input
from workbench.definition.problems import DefinitionError
from workbench.engine.world import Ask, LiveText
from workbench.sitting.overrides import Overrides
from workbench.sitting.sitting import Sitting, SittingError
from workbench.trace.errors import StoreError
from workbench.trace.events import Event

if TYPE_CHECKING:
    from workbench.engine.run import RunEnd


def run(options: argparse.Namespace) -> int:
    """Run the agent and return the exit code of how it ended."""
    try:
        overrides = Overrides(
            model=options.model,
            budget_usd=usd_option(options.budget, "--budget"),
            timeout=options.timeout,
        )
        piped = standard_input([options.input])
        sitting = Sitting.open(
            options.agent,
            offline=options.offline,
            fuse_usd=usd_option(options.fuse, "--fuse"),
            runtime=options.runtime,
            overrides=overrides,
        )
        text = resolve_input(sitting.folder, options.input, piped)
    except DefinitionError as error:
        print_problems(error.problems, sys.stderr)
        return USAGE
    except (InputError, SittingError, StoreError, ValueError) as error:
        print_error(error)
        return USAGE
    print_problems(sitting.warnings, sys.stderr)
    show, live = outputs(options.json)
    ask = asking(grant_all=options.yes, as_json=options.json)
    try:
        return of_run(asyncio.run(_run(sitting, text, show, live, ask)))
    except StoreError as error:
        print_error(error)
        return USAGE


async def _run(
    sitting: Sitting, text: str, show: Callable[[Event], None], live: Callable[[LiveText], None], ask: Ask
) -> RunEnd:
    async with sitting:
        run = sitting.new_run(text, show=show, live=live, ask=ask)
        stop_on_signals(run)
        return await run.execute()
