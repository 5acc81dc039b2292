"""Checks of a run: pure functions from what a run did to what is not as a check says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from workbench.cases.call_checks import called_faults, never_called_faults
from workbench.cases.facts import Facts
from workbench.cases.faults import Fault
from workbench.cases.schema import CheckPart, FilePart
from workbench.cases.text_checks import content_faults


def faults_of(check: CheckPart, facts: Facts) -> Sequence[Fault]:
    """All that a run is not, though the check says so; nothing if the check holds.

    A rubric is no business of this function: a model judges it.
    """
    return list(_faults(check, facts))


def _faults(check: CheckPart, facts: Facts) -> Iterator[Fault]:
    if check.outcome is not None:
        yield from _outcome(check.outcome, facts)
    if check.output is not None:
        if facts.output is None:
            yield Fault("an output", f"none: the run {facts.end}")
        else:
            yield from content_faults(check.output, facts.output, "the output")
    if check.called is not None:
        yield from called_faults(check.called, facts.calls)
    if check.never_called is not None:
        yield from never_called_faults(check.never_called, facts.calls)
    if check.file is not None:
        yield from _file(check.file, facts)
    yield from _limits(check, facts)


def _outcome(wanted: str, facts: Facts) -> Iterator[Fault]:
    if wanted == "completed":
        holds = facts.error is None
    else:
        holds = facts.error is not None and wanted in ("failed", facts.error)
    if not holds:
        expected = wanted if wanted in ("completed", "failed") else f"failed with {wanted}"
        yield Fault(f"the run {expected}", f"the run {facts.end}")


def _limits(check: CheckPart, facts: Facts) -> Iterator[Fault]:
    if check.max_steps is not None and facts.steps > check.max_steps:
        yield Fault(f"at most {check.max_steps} steps", f"{facts.steps} steps")
    if check.max_seconds is not None and facts.seconds > check.max_seconds:
        yield Fault(f"at most {check.max_seconds:g} s", f"{facts.seconds:.2f} s")
    if check.max_usd is not None:
        if facts.cost_usd is None:
            yield Fault(f"at most ${check.max_usd}", "an unknown cost: the model has no known price")
        elif facts.cost_usd > check.max_usd:
            yield Fault(f"at most ${check.max_usd}", f"${facts.cost_usd:.6f}")


def _file(part: FilePart, facts: Facts) -> Iterator[Fault]:
    name, change, exists = part.path, facts.files.change(part.path), facts.files.exists(part.path)
    if part.changed is not None and part.changed is not (change in ("added", "modified")):
        yield Fault(f"{name} {'changed' if part.changed else 'not changed'}", f"it was {_changed(change)}")
    if part.deleted is not None and part.deleted is not (change == "deleted"):
        yield Fault(f"{name} {'deleted' if part.deleted else 'not deleted'}", f"it was {_changed(change)}")
    reads = bool(part.contains or part.not_contains or part.matches or part.equals is not None or part.json_at)
    wanted = True if reads and part.exists is None else part.exists
    if wanted is not None and wanted is not exists and not (exists is None and facts.files.content(name) is not None):
        found = "it is not there" if exists is False else "it is there" if exists else _UNKNOWN
        yield Fault(f"{name} {'there' if wanted else 'not there'}", found)
    elif reads:
        content = facts.files.content(name)
        if content is None:
            yield Fault(f"the text of {name}", _UNKNOWN)
        else:
            yield from content_faults(part, content, name)


_UNKNOWN = (
    "not known: neither the tape nor a snapshot on this machine tells it. Keep the run again where it was made "
    "(`workbench keep RUN --as NAME --again`), or test --live"
)


def _changed(change: str | None) -> str:
    return change or "not changed"
