"""`workbench compare`: an agent on several models, prompts and inputs, several times each, and what that shows."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from workbench.cases.case import CaseError
from workbench.commands.compare_progress import ProgressLines
from workbench.commands.exit_codes import DONE, FAILED, INTERRUPTED, LIMIT, USAGE
from workbench.commands.money import usd_option
from workbench.commands.problems import print_error, print_problems
from workbench.comparison.book import Book
from workbench.comparison.comparing import Comparing, expected, is_finished, read_report
from workbench.comparison.plan import Plan
from workbench.comparison.planning import PlanError, Planned, Wish, make_plan, plan_again
from workbench.comparison.report import Report
from workbench.comparison.wording import size
from workbench.definition.inputs import InputError
from workbench.definition.problems import DefinitionError
from workbench.sandbox.sandbox import SandboxError
from workbench.sitting.sitting import Sitting, SittingError
from workbench.trace.errors import StoreError

_MISTAKES = (CaseError, InputError, PlanError, SandboxError, SittingError, StoreError, ValueError, OSError)


def run(options: argparse.Namespace) -> int:
    """Run what of the comparison has no result yet, and print its report."""
    try:
        if options.list:
            return _list(options.agent)
        if options.no_run:
            return _report_stored(options)
        return _run(options)
    except DefinitionError as error:
        print_problems(error.problems, sys.stderr)
    except _MISTAKES as error:
        print_error(error)
    return USAGE


def _run(options: argparse.Namespace) -> int:
    sitting = Sitting.open(
        options.agent,
        offline=options.offline,
        fuse_usd=usd_option(options.fuse, "--fuse"),
        runtime=options.runtime,
    )
    print_problems(sitting.warnings, sys.stderr)
    stopped, cancelled = None, False
    with Book.open(sitting.folder) as book:
        planned = _planned(options, sitting, book)
        book.save(planned.plan)
        if options.fresh:
            book.forget(planned.plan.name)
        if is_finished(sitting.folder, planned.plan, book):
            print(f"{planned.plan.name}: every run was finished before; --fresh runs them anew", file=sys.stderr)
        else:
            sitting.expect(*expected(sitting.folder, planned, book, options.concurrency))
            stopped, cancelled = asyncio.run(_compared(sitting, planned, book, options.concurrency))
        report = _report(sitting.folder, planned.plan, book, options, stopped)
    _write(report, options)
    if cancelled:
        return INTERRUPTED
    if stopped is not None and stopped.startswith("fuse"):
        return LIMIT
    return DONE if report.complete else FAILED


async def _compared(sitting: Sitting, planned: Planned, book: Book, concurrency: int | None) -> tuple[str | None, bool]:
    """Make the comparison. Gives why not all of it was run, and whether the user stopped it."""
    async with sitting:
        comparing = Comparing(sitting, planned, book, concurrency)
        cancelled = _cancel_on_signals(comparing)
        async with ProgressLines(sys.stderr, f"comparison {planned.plan.name}", lambda: comparing.progress):
            await comparing.execute()
        return comparing.progress.stopped, cancelled()


def _planned(options: argparse.Namespace, sitting: Sitting, book: Book) -> Planned:
    asked = options.models or options.prompts or options.input or options.inputs or options.cases is not None
    if options.name is not None and not asked and options.name in book.names():
        return plan_again(sitting, book.plan(options.name))
    return make_plan(
        sitting,
        Wish(
            models=_listed(options.models),
            prompts=[Path(name) for name in _listed(options.prompts)],
            inputs=options.input or (),
            folder=options.inputs,
            cases=None if options.cases is None else _listed(options.cases),
            repeats=options.repeat,
            judge=options.judge,
            name=options.name,
        ),
    )


def _listed(text: str | None) -> Sequence[str]:
    return [part.strip() for part in (text or "").split(",") if part.strip()]


def _cancel_on_signals(comparing: Comparing) -> Callable[[], bool]:
    """Stop the runs when the user or the system asks for it; gives whether that happened."""
    happened: list[int] = []

    def stop(number: int) -> None:
        happened.append(number)
        comparing.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop, number)
    return lambda: bool(happened)


def _report_stored(options: argparse.Namespace) -> int:
    with Book.open(options.agent) as book:
        names = book.names()
        if not names:
            raise StoreError(f"there is no comparison of {options.agent.absolute()} yet")
        report = _report(options.agent, book.plan(options.name or names[0]), book, options)
    _write(report, options)
    return DONE


def _report(folder: Path, plan: Plan, book: Book, options: argparse.Namespace, stopped: str | None = None) -> Report:
    return read_report(folder, plan, book, runs_per_month=options.runs_per_month, stopped=stopped)


def _list(agent: Path) -> int:
    if not (agent / "agent.yaml").is_file():
        raise StoreError(f"there is no agent.yaml in {agent.absolute()}")
    with Book.open(agent) as book:
        for name in book.names():
            plan = book.plan(name)
            print(f"{name:<24} {size(plan)}" + ("  offline script" if plan.offline else ""))
    return DONE


def _write(report: Report, options: argparse.Namespace) -> None:
    from workbench.comparison.formats.writing import written

    text = written(report, options.format)
    if options.output is None:
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    options.output.write_text(text, encoding="utf-8")
    print(f"written: {options.output}", file=sys.stderr)
