"""Checks of the tool calls of a run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from workbench.cases.facts import Called
from workbench.cases.faults import Fault
from workbench.cases.schema import ArgumentPart, CalledPart, CallPart
from workbench.cases.text_checks import as_text, clipped, same_json
from workbench.jsontypes import JsonValue
from workbench.trace.digest import canonical
from workbench.trace.gist import call_text

_SHOWN = 5


def called_faults(part: CalledPart, calls: Sequence[Called]) -> Iterator[Fault]:
    """Why a tool was not called as often as `part` says."""
    if part.arguments and any(call.tool == part.tool and call.arguments is None for call in calls):
        yield _not_captured(part)
        return
    fitting = [call for call in calls if _fits(part, call)]
    if len(fitting) < part.at_least:
        times = "" if part.at_least == 1 else f" at least {_times(part.at_least)}"
        others = [call for call in calls if call.tool == part.tool] or calls
        found = f"{len(fitting)} such calls; it called {_listed(others)}" if others else "no tool was called"
        yield Fault(f"{_said(part)} is called{times}", found)
    if part.at_most is not None and len(fitting) > part.at_most:
        yield Fault(f"{_said(part)} is called at most {_times(part.at_most)}", f"{len(fitting)}: {_listed(fitting)}")


def never_called_faults(part: CallPart, calls: Sequence[Called]) -> Iterator[Fault]:
    """The calls that should not be there."""
    if part.arguments and any(call.tool == part.tool and call.arguments is None for call in calls):
        yield _not_captured(part)
        return
    fitting = [call for call in calls if _fits(part, call)]
    if fitting:
        yield Fault(f"{_said(part)} is never called", _listed(fitting))


def _fits(part: CallPart, call: Called) -> bool:
    if call.tool != part.tool:
        return False
    arguments = call.arguments or {}
    return all(name in arguments and _holds(wanted, arguments[name]) for name, wanted in part.arguments.items())


def _holds(wanted: ArgumentPart, value: JsonValue) -> bool:
    if wanted.equals is not None and not _includes(value, wanted.equals):
        return False
    text = as_text(value)
    if not all(one in text for one in wanted.contains):
        return False
    return wanted.matches is None or re.search(wanted.matches, text) is not None


def _includes(value: JsonValue, wanted: JsonValue) -> bool:
    """Whether a value is the one that is wanted; of a mapping, whether it has what is wanted of it."""
    if isinstance(value, dict) and isinstance(wanted, dict):
        return all(name in value and _includes(value[name], one) for name, one in wanted.items())
    return same_json(value, wanted)


def _said(part: CallPart) -> str:
    conditions = []
    for name, wanted in part.arguments.items():
        if wanted.equals is not None:
            conditions.append(f"{name}={clipped(canonical(wanted.equals), 80)}")
        conditions += [f"{name} containing {one!r}" for one in wanted.contains]
        if wanted.matches is not None:
            conditions.append(f"{name} matching {wanted.matches!r}")
    return f"{part.tool} with {', '.join(conditions)}" if conditions else part.tool


def _listed(calls: Sequence[Called]) -> str:
    shown = [f"{call.step}.{call.index} {clipped(_text(call), 120)}" for call in calls[:_SHOWN]]
    return "; ".join([*shown, *(["…"] if len(calls) > _SHOWN else [])])


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _text(call: Called) -> str:
    return f"{call.tool} (not captured)" if call.arguments is None else call_text(call.tool, call.arguments)


def _not_captured(part: CallPart) -> Fault:
    found = "not known: the run did not capture what its tools were asked (observability.capture_tool_calls: false)"
    return Fault(f"the arguments of {part.tool}", found)
