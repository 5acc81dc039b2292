"""The settings of a run as `key = value` lines, and back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal

from workbench.definition.settings import SettingError, canonical_settings, setting_names
from workbench.jsontypes import JsonObject, JsonValue
from workbench.trace.digest import canonical

_AMOUNTS = frozenset({"budget", "budget.usd"})
"""Settings of money: their figures stay as they are written."""


class SettingLineError(ValueError):
    """A line is no setting. `str` names the line, and what is allowed."""


def settings_of(document: JsonObject) -> dict[str, JsonValue]:
    """The settings of an agent's document under their dotted keys; what it does not have is null."""
    return {name: _found(document, name) for name in setting_names()}


def setting_lines(settings: Mapping[str, JsonValue]) -> str:
    """The settings, a line each."""
    return "\n".join(f"{name} = {_written(name, value)}" for name, value in settings.items())


def read_settings(text: str, parent: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """What the lines of `text` set otherwise than the parent run had it. A setting without a line stays as it was.

    Raises:
        SettingLineError: a line is not `key = value`, repeats a key, or sets what cannot be set so.
    """
    found: dict[str, JsonValue] = {}
    for number, key, value in _lines(text):
        try:
            ((name, checked),) = canonical_settings({key: value}).items()
        except SettingError as error:
            raise SettingLineError(f"line {number}: {error}") from None
        if name in found:
            raise SettingLineError(f"line {number}: {name} is set twice")
        found[name] = checked
    return {name: value for name, value in found.items() if not _same(name, value, parent.get(name))}


def _lines(text: str) -> Iterator[tuple[int, str, JsonValue]]:
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        key, equals, value = line.partition("=")
        if not equals or not value.strip():
            raise SettingLineError(f"line {number}: a setting is written `key = value`, such as `max_iterations = 30`")
        yield number, key.strip(), _read(key.strip(), value.strip())


def _read(key: str, value: str) -> JsonValue:
    if key in _AMOUNTS and value != "null":
        return value.strip('"')
    try:
        read: JsonValue = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return read


def _written(name: str, value: JsonValue) -> str:
    if isinstance(value, str) and value.strip() == value and value and _read(name, value) == value:
        return value
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return json.dumps(value, ensure_ascii=False)


def _same(name: str, value: JsonValue, parent: JsonValue) -> bool:
    if parent is not None:
        ((_, parent),) = canonical_settings({name: parent}).items()
    if name in _AMOUNTS and isinstance(value, str) and isinstance(parent, str):
        return Decimal(value) == Decimal(parent)
    return canonical(value) == canonical(parent)


def _found(document: JsonObject, name: str) -> JsonValue:
    value: JsonValue = document
    for key in name.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value
