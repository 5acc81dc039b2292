"""The result of a test in words: one line, and the lines that say what was expected and found, and where."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.cases.testing import CaseResult, CheckResult


def headline(result: CaseResult) -> str:
    """How a case came out, in a few words."""
    if result.state == "stale":
        return f"the tape no longer answers: {', '.join(result.changed)} changed"
    held = sum(check.state == "passed" for check in result.checks)
    said = f"{held} of {len(result.checks)} checks hold"
    waiting = sum(check.state == "not_judged" for check in result.checks)
    return f"{said}, {waiting} not judged" if waiting else said


def problem_lines(result: CaseResult) -> Sequence[str]:
    """What is not right with a case and where it says so; nothing for one that passed. The text may hold anything."""
    if result.state == "passed":
        return ()
    name = result.case.name
    if result.state == "stale":
        return (
            f"the tape of run {result.case.kept.tape.run_id} no longer answers: {', '.join(result.changed)} changed",
            f"run it: workbench test --live --case {name}; then keep that run: workbench keep RUN --as {name} --again",
        )
    lines: list[str] = []
    for check in result.checks:
        lines += _check_lines(result, check)
    if result.run_id is not None:
        lines.append(f"the run: workbench show {result.run_id}")
    return lines


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
