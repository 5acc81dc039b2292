"""What `replay` and `resume` share: find the run, tell the plan, run the replay, tell what it took from the tape."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from workbench.commands.asking import asking
from workbench.commands.exit_codes import DONE, USAGE, of_run
from workbench.commands.found_runs import store_with
from workbench.commands.money import short_usd, usd_option
from workbench.commands.problems import print_error, print_problems
from workbench.commands.run_output import outputs, stop_on_signals
from workbench.cost.prices import PriceList
from workbench.definition.agent import AgentDefinition
from workbench.definition.document import definition_from_document
from workbench.definition.inputs import InputError
from workbench.definition.problems import DefinitionError
from workbench.definition.settings import SettingError
from workbench.engine.fork import ReplayError
from workbench.engine.replay_plan import ReplayPlan
from workbench.engine.replay_request import ReplayRequest
from workbench.engine.run import RunEnd
from workbench.engine.world import Ask
from workbench.sitting.replays import plan_of
from workbench.sitting.sitting import Sitting, SittingError
from workbench.trace.errors import StoreError
from workbench.trace.events import Trigger
from workbench.trace.store import Store
from workbench.trace.tape import tape_of

Requesting = Callable[[Path, str], ReplayRequest]
"""Makes the request for a run, given its agent's folder and its id."""


def replaying(options: argparse.Namespace, requesting: Requesting, *, trigger: str) -> int:
    """Run the replay that `requesting` asks for, or with --dry-run only tell what it would do."""
    try:
        with store_with(options.run, options.agent) as (store, run_id):
            folder = store.folder
            request = requesting(folder, run_id)
            plan = plan_of(store, folder, request, PriceList.load(), _definition(store, folder, run_id, request))
        if options.dry_run:
            _print_plan(plan, options.json)
            return DONE
        sitting = Sitting.of_run(
            folder,
            run_id,
            offline=True if options.offline else None,
            tape_only=request.model == "tape" and request.tools == "tape",
            fuse_usd=usd_option(options.fuse, "--fuse"),
            runtime=options.runtime,
        )
        ask = asking(grant_all=options.yes, as_json=options.json)
        end = asyncio.run(_run(sitting, request, Trigger(trigger, run_id), plan, options.json, ask))
    except DefinitionError as error:
        print_problems(error.problems, sys.stderr)
        return USAGE
    except (InputError, ReplayError, SettingError, SittingError, StoreError, OSError, ValueError) as error:
        print_error(error)
        return USAGE
    return of_run(end)


def _definition(store: Store, folder: Path, run_id: str, request: ReplayRequest) -> AgentDefinition | None:
    """The agent of the run that is gone on with, where the tape is that of its parent; else the tape's own will do."""
    if request.parent_run_id == run_id:
        return None
    return definition_from_document(tape_of(store.events(run_id)).started.definition, folder)


async def _run(
    sitting: Sitting, request: ReplayRequest, trigger: Trigger, plan: ReplayPlan, as_json: bool, ask: Ask
) -> RunEnd:
    show, live = outputs(as_json)
    async with sitting:
        run = sitting.new_replay(request, show=show, live=live, ask=ask, trigger=trigger)
        if not as_json:
            print(f"{trigger.kind} of {request.parent_run_id}: {plan}", flush=True)
        stop_on_signals(run)
        return await run.execute()


def _print_plan(plan: ReplayPlan, as_json: bool) -> None:
    fork = f"{plan.fork.step}.{plan.fork.call}" if plan.fork.call else str(plan.fork.step)
    if as_json:
        told = {
            "fork": fork,
            "steps": plan.steps,
            "taped_steps": plan.taped_steps,
            "calls": plan.calls,
            "taped_calls": plan.taped_calls,
            "estimate_usd": _plain(plan.estimate_usd),
            "saved_usd": _plain(plan.saved_usd),
            "live_model": plan.live_model,
            "live_tools": plan.live_tools,
        }
        print(json.dumps(told))
        return
    print(plan)
    print(f"fork       {fork}" + ("  (behind the last step)" if plan.fork.step > plan.steps else ""))
    print(f"from tape  {plan.taped_steps} of {plan.steps} replies, {plan.taped_calls} of {plan.calls} tool results")
    print(f"live       {_live(plan)}")
    print(f"saved      {short_usd(plan.saved_usd)}; estimate {short_usd(plan.estimate_usd)} (the same tokens assumed)")
    for said in plan.not_captured:
        print(f"not taped  {said}")


def _plain(amount: Decimal | None) -> str | None:
    """The exact amount for JSON, never in powers of ten."""
    return None if amount is None else format(amount, "f")


def _live(plan: ReplayPlan) -> str:
    parts = [part for part, live in (("the model", plan.live_model), ("tools", plan.live_tools)) if live]
    return " and ".join(parts) if parts else "nothing: no key, no network, no container is needed"
