"""Whether a rule answers a request, and if not, the first reason why not, for the one who mends the script."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from workbench.jsontypes import JsonValue
from workbench.model.offline_facts import ResultFact
from workbench.model.offline_matching import text_mismatch
from workbench.model.offline_paths import MissingValueError, equal, parse_path, shown, walk
from workbench.model.offline_schema import ResultPart, TextPart, WhenPart
from workbench.model.offline_scope import Scope
from workbench.model.offline_templates import as_written

_NAMES = {"system": "the system prompt", "input": "the input", "said": "what the model said last"}


class MismatchError(Exception):
    """A condition does not hold; `str` says which and how."""


def met(when: WhenPart, scope: Scope) -> Scope:
    """The scope with what the conditions captured.

    Raises:
        MismatchError: a condition does not hold.
    """
    _check_turn(when, scope)
    _check_tools(when, scope)
    for name in ("system", "input", "said"):
        scope = _with_text(getattr(when, name), name, scope)
    for result in when.results:
        scope = _with_result(result, scope)
    for path, wanted in when.equals.items():
        _check_equal(path, wanted, scope)
    return _with_alternatives(when, scope)


def in_count(text: str, number: int) -> bool:
    """Whether a number is in a count such as 2, 2+ or 2-4."""
    if text.endswith("+"):
        return number >= int(text[:-1])
    low, _, high = text.partition("-")
    return int(low) <= number <= int(high or low)


def _check_turn(when: WhenPart, scope: Scope) -> None:
    facts = scope.facts
    if when.step is not None and not in_count(when.step, facts.step):
        raise MismatchError(f"the step is {facts.step}, not {when.step}")
    if when.paused is not None and when.paused is not facts.paused:
        raise MismatchError("a paused reply is continued" if facts.paused else "no paused reply is continued")
    if when.model and not any(fnmatchcase(facts.model, pattern) for pattern in when.model):
        raise MismatchError(f"the model is {facts.model}, not {' or '.join(when.model)}")


def _check_tools(when: WhenPart, scope: Scope) -> None:
    facts = scope.facts
    for tool in when.tools:
        if tool not in facts.tools:
            raise MismatchError(f"the agent does not have the tool {tool}")
    for tool in when.no_tools:
        if tool in facts.tools:
            raise MismatchError(f"the agent has the tool {tool}")
    for tool, count in when.called.items():
        number = len(facts.results_of(tool))
        if not in_count(count, number):
            raise MismatchError(f"{tool} has {number} results, not {count}")


def _with_text(wanted: TextPart | None, name: str, scope: Scope) -> Scope:
    if wanted is None:
        return scope
    groups: dict[str, JsonValue] = {}
    mismatch = text_mismatch(wanted, scope.texts[name].text, _NAMES[name], groups)
    if mismatch is not None:
        raise MismatchError(mismatch)
    return scope.capturing(name, groups)


def _with_result(wanted: ResultPart, scope: Scope) -> Scope:
    """The scope in which the result that fits is the result of its tool."""
    there = scope.facts.results_of(wanted.tool)
    if not there:
        raise MismatchError(f"there is no result of {wanted.tool}")
    fitting: ResultFact | None = None
    reason = ""
    for result in _meant(wanted, there):
        checked = _checked(wanted, result)
        if isinstance(checked, ResultFact):
            fitting = checked
            if wanted.which != "all":
                break
        else:
            reason = checked
            if wanted.which == "all":
                raise MismatchError(reason)
    if fitting is None:
        raise MismatchError(reason or f"{wanted.tool} has {len(there)} results, not {wanted.which}")
    return scope.choosing(fitting)


def _meant(wanted: ResultPart, there: Sequence[ResultFact]) -> Sequence[ResultFact]:
    if wanted.which == "last":
        return there[-1:]
    if wanted.which == "first":
        return there[:1]
    return there[wanted.which - 1 : wanted.which] if isinstance(wanted.which, int) else there


def _checked(wanted: ResultPart, result: ResultFact) -> ResultFact | str:
    """The result with what was captured of it, or why it does not fit."""
    name = (
        f"the {wanted.which} result of {wanted.tool}"
        if wanted.which in ("first", "last")
        else (f"a result of {wanted.tool}")
    )
    if wanted.is_error is not None and wanted.is_error is not result.is_error:
        return f"{name} is {'an' if result.is_error else 'no'} error"
    groups: dict[str, JsonValue] = {}
    if mismatch := text_mismatch(wanted, result.content.text, name, groups):
        return mismatch
    try:
        for path, value in wanted.json_equals.items():
            found = walk(result.content.json(), parse_path(path), "its JSON")
            if not equal(found, value):
                return f"{path} of {name} is {shown(found)}, not {shown(value)}"
        for path, text in wanted.arguments.items():
            argument = as_written(walk(result.arguments, parse_path(path), "its call"))
            if mismatch := text_mismatch(text, argument, f"{path} in the call of {name}", groups):
                return mismatch
    except MissingValueError as error:
        return f"{name}: {error}"
    return ResultFact(result.tool, result.content.capturing(groups), result.arguments, result.is_error)


def _check_equal(path: str, wanted: JsonValue, scope: Scope) -> None:
    try:
        found = scope.lookup(parse_path(path))
    except MissingValueError as error:
        raise MismatchError(str(error)) from None
    if not equal(found, wanted):
        raise MismatchError(f"{path} is {shown(found)}, not {shown(wanted)}")


def _with_alternatives(when: WhenPart, scope: Scope) -> Scope:
    if when.negated is not None and _holds(when.negated, scope):
        raise MismatchError("the condition under 'not' holds")
    if not when.any:
        return scope
    reasons: list[str] = []
    for alternative in when.any:
        try:
            return met(alternative, scope)
        except MismatchError as error:
            reasons.append(str(error))
    raise MismatchError(f"none of 'any' holds ({'; '.join(reasons)})")


def _holds(when: WhenPart, scope: Scope) -> bool:
    try:
        met(when, scope)
    except MismatchError:
        return False
    return True
