"""The result of a test in words: one line, and the lines that say what was expected and found, and where."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from shlex import quote

from workbench.cases.testing import CaseResult, CheckResult


def headline(result: CaseResult) -> str:
    """How a case came out, in a few words."""
    if result.state == "stale":
        return f"the tape no longer answers: {', '.join(result.changed)}"
    held = sum(check.state == "passed" for check in result.checks)
    said = f"{held} of {len(result.checks)} checks hold"
    waiting = sum(check.state == "not_judged" for check in result.checks)
    return f"{said}, {waiting} not judged" if waiting else said


def problem_lines(result: CaseResult) -> Sequence[str]:
    """What is not right with a case and where it says so; nothing for one that passed. The text may hold anything."""
    return [line for check in result.checks for line in _check_lines(result, check)]


def commands(result: CaseResult, agent: Path) -> Sequence[str]:
    """What to do about a case that did not pass, as commands; `agent` is the folder as the user named it."""
    at, option = ("", "") if agent == Path() else (f" {quote(str(agent))}", f" --agent {quote(str(agent))}")
    name = result.case.name
    if result.state == "stale":
        return (
            f"run it: workbench test{at} --live --case {name}",
            f"then keep that run: workbench keep last{option} --as {name} --again",
        )
    shown = result.state != "passed" and result.run_id is not None
    return (f"the run: workbench show {result.run_id}{option}",) if shown else ()


def _check_lines(result: CaseResult, check: CheckResult) -> Sequence[str]:
    where = f"{result.case.path.parent.name}/{result.case.path.name}:{check.check.line}"
    if check.state == "not_judged":
        return (f"{where}: {check.check.part.kind}: not judged: {check.reason}",)
    lines: list[str] = []
    for fault in check.faults:
        lines.append(f"{where}: {check.check.part.kind}")
        lines += _told("expected", fault.expected)
        lines += _told("found", fault.found)
    return lines


def _told(label: str, text: str) -> Sequence[str]:
    first, *more = text.splitlines() or [""]
    return [f"  {label:<9}{first}", *(f"           {line}" for line in more)]
