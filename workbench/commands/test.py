"""`workbench test`: tests an agent's cases, from their tapes or live."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from workbench.cases.case import Case, CaseError, load_cases
from workbench.cases.junit import junit_xml
from workbench.cases.report import commands, headline, problem_lines
from workbench.cases.testing import CaseResult, CaseSettings, results_of
from workbench.commands.exit_codes import DONE, FAILED, INTERRUPTED, LIMIT, USAGE
from workbench.commands.money import seconds, short_usd, usd_option
from workbench.commands.problems import print_error, print_problems
from workbench.commands.style import Style
from workbench.definition.problems import DefinitionError
from workbench.engine.fork import ReplayError
from workbench.jsontypes import JsonObject
from workbench.sitting.sitting import Sitting, SittingError
from workbench.trace.errors import StoreError
from workbench.trace.terminal import one_line, printable

_COLOURS = {"passed": "green", "failed": "red", "stale": "yellow", "not_judged": "yellow"}


def run(options: argparse.Namespace) -> int:
    """Test the cases and return 0 if all passed, 1 if one did not, 3 if a limit ended the live run of one of those."""
    try:
        testing = CaseSettings(options.answers, options.concurrency, options.judge)
        sitting = Sitting.open(
            options.agent,
            offline=options.offline,
            tape_only=testing.answers != "live",
            fuse_usd=usd_option(options.fuse, "--fuse"),
            runtime=options.runtime,
        )
        cases = load_cases(sitting.folder, options.case)
        if testing.answers == "live":
            print_problems(sitting.warnings, sys.stderr)
        results = asyncio.run(_tested(sitting, cases, testing, _telling(options, cases)))
        if options.junit is not None:
            report = junit_xml(sitting.definition.name, results, allow_stale=options.allow_stale)
            Path(options.junit).write_text(report, encoding="utf-8")
    except DefinitionError as error:
        print_problems(error.problems, sys.stderr)
        return USAGE
    except asyncio.CancelledError:
        return INTERRUPTED
    except (CaseError, ReplayError, SittingError, StoreError, OSError, ValueError) as error:
        print_error(error)
        return USAGE
    if not options.json:
        _print_sum(results)
    return _exit_code(results, options.allow_stale)


async def _tested(
    sitting: Sitting, cases: Sequence[Case], testing: CaseSettings, tell: Callable[[CaseResult], None]
) -> Sequence[CaseResult]:
    task = asyncio.current_task()
    if task is not None:  # Ctrl-C is asyncio's own affair
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    async with sitting:
        return await results_of(sitting, cases, testing, tell=tell)


def _telling(options: argparse.Namespace, cases: Sequence[Case]) -> Callable[[CaseResult], None]:
    """How each result is printed as it comes out."""
    if options.json:
        return lambda result: print(json.dumps(_as_json(result)), flush=True)
    width = max(len(case.name) for case in cases)
    return lambda result: _print_result(result, width, options.agent)


def _print_result(result: CaseResult, width: int, agent: Path) -> None:
    style = Style.of(sys.stdout)
    state = style(f"{result.state.replace('_', ' '):<10}", _COLOURS[result.state], "bold")
    figures = f"  {seconds(result.seconds)}  {short_usd(result.cost_usd)}" if result.live else ""
    print(f"{state}  {result.case.name:<{width}}  {one_line(headline(result))}{figures}", flush=True)
    for line in (*problem_lines(result), *commands(result, agent)):
        print(f"            {printable(line)}", flush=True)


def _as_json(result: CaseResult) -> JsonObject:
    return {
        "case": result.case.name,
        "state": result.state,
        "run": result.run_id,
        "changed": list(result.changed),
        "limit": result.limit,
        "cost_usd": None if result.cost_usd is None else format(result.cost_usd, "f"),
        "seconds": result.seconds,
        "checks": [
            {
                "line": one.check.line,
                "kind": one.check.part.kind,
                "state": one.state,
                "reason": one.reason,
                "faults": [{"expected": fault.expected, "found": fault.found} for fault in one.faults],
            }
            for one in result.checks
        ],
    }


def _print_sum(results: Sequence[CaseResult]) -> None:
    counts = {state: sum(result.state == state for result in results) for state in _COLOURS}
    said = ", ".join(f"{count} {state.replace('_', ' ')}" for state, count in counts.items() if count)
    known = [result.cost_usd for result in results if result.cost_usd is not None]
    cost = short_usd(sum(known, start=known[0] * 0)) if len(known) == len(results) else "unknown"
    print(f"{len(results)} {'case' if len(results) == 1 else 'cases'}: {said}; cost {cost}")


def _exit_code(results: Sequence[CaseResult], allow_stale: bool) -> int:
    wrong = [one for one in results if one.state != "passed" and not (one.state == "stale" and allow_stale)]
    if any(one.limit is not None and one.live for one in wrong):
        return LIMIT
    return FAILED if wrong else DONE
