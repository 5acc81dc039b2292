"""Which rule of the offline script answers a request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from workbench.model.offline_conditions import MismatchError, met
from workbench.model.offline_schema import ErrorPart
from workbench.model.offline_scope import Scope
from workbench.model.offline_script import FILE_NAME, Rule

_MOST_SHOWN = 25


class ScriptFaultError(Exception):
    """The script, not the request, is at fault. `str` names the rule and its line and tells what to mend."""


@dataclass(frozen=True, slots=True)
class Found:
    """The rule that answers, what goes wrong this time if anything does, and what its conditions captured."""

    rule: Rule
    error: ErrorPart | None
    scope: Scope


def find_rule(rules: Sequence[Rule], scope: Scope, attempts: Callable[[Rule], int]) -> Found:
    """The first rule that answers; `attempts` tells how often a rule's errors met this request before.

    Raises:
        ScriptFaultError: no rule answers; says why each does not.
    """
    reasons: list[str] = []
    found = _first(rules, scope, attempts, reasons)
    if found is not None:
        return found
    shown = reasons[:_MOST_SHOWN]
    more = [f"… and {len(reasons) - len(shown)} more"] if len(reasons) > len(shown) else []
    raise ScriptFaultError(
        f"{FILE_NAME} has no rule for this request (step {scope.facts.step}). Tried:\n  "
        + "\n  ".join([*shown, *more])
        + "\nAdd a rule, or a last one without `when` that answers everything else."
    )


def _first(rules: Sequence[Rule], scope: Scope, attempts: Callable[[Rule], int], reasons: list[str]) -> Found | None:
    for rule in rules:
        try:
            inner = met(rule.when, scope)
        except MismatchError as mismatch:
            reasons.append(f"{rule.title}: {mismatch}")
            continue
        if rule.rules:
            found = _first(rule.rules, inner, attempts, reasons)
            if found is not None:
                return found
            continue
        error = rule.error_at(attempts(rule))
        if error is not None or rule.reply is not None:
            return Found(rule, error, inner)
        reasons.append(f"{rule.title}: its errors have met this request already, and it has no reply")
    return None
