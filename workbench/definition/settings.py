"""Single settings of an agent changed by their dotted keys, as `--set model.max_tokens=2000` names them."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from workbench.definition.agent import AgentDefinition
from workbench.definition.document import definition_from_document
from workbench.jsontypes import JsonObject, JsonValue


class SettingError(ValueError):
    """A setting cannot be changed so. `str` names the key, what was found and what is allowed."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """What values a setting takes."""

    said: str
    numbers: tuple[float, float] | None = None
    words: tuple[str, ...] = ()
    whole: bool = False
    text: bool = False
    nullable: bool = False


_SETTINGS: Mapping[str, _Kind] = {
    "model.id": _Kind("the id of a model", text=True),
    "model.effort": _Kind(
        "low, medium, high, xhigh, max or null", words=("low", "medium", "high", "xhigh", "max"), nullable=True
    ),
    "model.max_tokens": _Kind("a whole number from 1 to 1000000, or null", (1, 1_000_000), whole=True, nullable=True),
    "model.thinking.type": _Kind(
        "auto, adaptive, enabled or disabled", words=("auto", "adaptive", "enabled", "disabled")
    ),
    "model.thinking.budget_tokens": _Kind(
        "a whole number from 1024, or null", (1024, 1_000_000), whole=True, nullable=True
    ),
    "timeout": _Kind("1 to 86400 seconds", (1, 86_400)),
    "max_iterations": _Kind("a whole number from 1", (1, 1_000_000), whole=True),
    "budget.usd": _Kind("an amount of USD above 0, or null", (0.0, 1e9), nullable=True),
    "container.memory": _Kind("a whole number of bytes", (1 << 26, 1 << 44), whole=True),
    "container.cpus": _Kind("0.1 to 512", (0.1, 512)),
    "container.pids": _Kind("a whole number from 16", (16, 1 << 22), whole=True),
}
"""The settings that a single run may have otherwise; `model` alone stands for `model.id`, `budget` for `budget.usd`."""

_SHORT = {"model": "model.id", "budget": "budget.usd"}

LIMITS = frozenset({"timeout", "max_iterations", "budget.usd"})
"""Settings that neither the model nor a tool can tell."""


def setting_names() -> tuple[str, ...]:
    """The keys that can be set."""
    return tuple(_SETTINGS)


def canonical_settings(settings: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """The settings under their full keys, each value checked.

    Raises:
        SettingError: an unknown key, or a value that the setting does not take.
    """
    return dict(_checked(key, value) for key, value in settings.items())


def with_settings(definition: AgentDefinition, settings: Mapping[str, JsonValue]) -> AgentDefinition:
    """The agent with these settings, its document and digest included.

    Raises:
        SettingError: an unknown key, or a value that the setting does not take.
    """
    if not settings:
        return definition
    document: dict[str, JsonValue] = dict(definition.document)
    for key, value in canonical_settings(settings).items():
        document = _replaced(document, key.split("."), value)
    return definition_from_document(document, definition.folder)


def with_prompt(definition: AgentDefinition, prompt: str) -> AgentDefinition:
    """The agent with another system prompt."""
    return definition_from_document({**definition.document, "system_prompt": prompt}, definition.folder)


def _checked(name: str, value: JsonValue) -> tuple[str, JsonValue]:
    key = _SHORT.get(name, name)
    kind = _SETTINGS.get(key)
    if kind is None:
        near = difflib.get_close_matches(name, [*_SETTINGS, *_SHORT], n=1)
        hint = f"; did you mean {near[0]}?" if near else "."
        raise SettingError(
            f"{name!r} is no setting that a run can have otherwise{hint} There are {', '.join(_SETTINGS)}."
        )
    if value is None and kind.nullable:
        return key, None
    if not _fits(kind, value):
        raise SettingError(f"{key} takes {kind.said}, not {value!r}")
    return key, str(value) if key == "budget.usd" else value


def _fits(kind: _Kind, value: JsonValue) -> bool:
    if kind.text:
        return isinstance(value, str) and bool(value.strip()) and value.isprintable()
    if kind.words:
        return value in kind.words
    if isinstance(value, bool) or kind.numbers is None:
        return False
    if kind.whole and not isinstance(value, int):
        return False
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return False
    low, high = kind.numbers
    return number.is_finite() and number > 0 and Decimal(str(low)) <= number <= Decimal(str(high))


def _replaced(document: JsonObject, path: list[str], value: JsonValue) -> dict[str, JsonValue]:
    first, *rest = path
    if path == ["budget", "usd"] and value is None:
        return {**document, "budget": None}
    if not rest:
        return {**document, first: value}
    inner = document.get(first)
    return {**document, first: _replaced(inner if isinstance(inner, dict) else {}, rest, value)}
