"""Events as JSON and back: the form in which they are stored, exported, and printed by `--json`.

An event is the object `{"run_id", "seq", "type", "step", "at", "offset", "data"}`. `at` is ISO 8601 in UTC with
microseconds and a Z, money is a string in plain decimal notation, a missing value is null.

There are two ways to write JSON as text. A line for other programs is pure ASCII: it is one line for every reader, no
encoding can break it, and nothing in it can command a terminal. What is stored is UTF-8, which is smaller and can be
searched. In both a lone surrogate is written as a `\\udXXX` escape and comes back as it was; only a high surrogate that
is followed by a low one comes back as the one character that the two mean.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from workbench.cost.usage import Usage
from workbench.jsontypes import JsonObject, JsonValue
from workbench.trace.errors import EventFormatError
from workbench.trace.events import (
    EVENT_TYPES,
    Captured,
    ContainerState,
    Costs,
    Event,
    EventData,
    FailureState,
    FileChange,
    Trigger,
)

_PARTS = (Trigger, FileChange, ContainerState, Captured, Costs, FailureState, Usage)
_FIELDS: Mapping[type, Sequence[str]] = {
    data_class: tuple(field.name for field in dataclasses.fields(data_class))
    for data_class in (*EVENT_TYPES.values(), *_PARTS)
}
_SURROGATE = re.compile("[\ud800-\udfff]")


def event_to_json(event: Event) -> JsonObject:
    """The event as a JSON object, made of dicts, lists and plain values only.

    Raises:
        ValueError: its time has no zone, or its data holds what JSON cannot: a number that is not finite, or something
            nested too deeply.
        TypeError: its data holds an object that is no JSON value.
    """
    return {
        "run_id": event.run_id,
        "seq": event.seq,
        "type": event.type,
        "step": event.step,
        "at": time_to_text(event.at),
        "offset": event.offset,
        "data": data_to_json(event.data),
    }


def event_from_json(value: JsonValue) -> Event:
    """The event that `value` describes; the inverse of `event_to_json`. Unknown fields are ignored.

    Declared sequences become tuples; JSON inside events (arguments, content blocks) stays lists and dicts.

    Raises:
        EventFormatError: it does not describe an event.
    """
    from workbench.trace.validation import validated_data, validated_envelope  # 40 ms, and not for --help

    fields = validated_envelope(value)
    data = validated_data(fields["type"], fields["data"])
    at = fields["at"].astimezone(UTC)
    return Event(fields["run_id"], fields["seq"], fields["step"], at, fields["offset"], data)


def data_to_json(data: EventData) -> dict[str, Any]:
    """The data of an event as a JSON object; raises what `event_to_json` raises."""
    try:
        return {name: _plain(getattr(data, name)) for name in _FIELDS[type(data)]}
    except RecursionError:
        raise ValueError(f"the data of the {type(data).__name__} is nested too deeply to be stored") from None


def data_from_json(type_name: str, data: object) -> EventData:
    """The data of an event of this type.

    Raises:
        EventFormatError: `data` does not describe it.
    """
    from workbench.trace.validation import validated_data  # 40 ms, and not for --help

    return validated_data(type_name, data)


def json_line(value: JsonValue) -> str:
    """`value` on one line of ASCII, for other programs; raises ValueError for numbers that are not finite."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def stored_json(value: JsonValue) -> str:
    """`value` as it is stored: short, and every string can be written as UTF-8."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text if text.isascii() else _SURROGATE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def parsed_json(text: str) -> JsonValue:
    """The JSON value that `text` holds.

    Raises:
        EventFormatError: it is not JSON, or is nested too deeply.
    """
    try:
        value: JsonValue = json.loads(text, parse_constant=_refused_constant)
    except json.JSONDecodeError as error:
        raise EventFormatError(f"not JSON: {error.msg} at column {error.colno}") from None
    except ValueError as error:  # a number of more than 4,300 digits, NaN, Infinity
        raise EventFormatError(f"not JSON: {error}") from None
    except RecursionError:
        raise EventFormatError("nested too deeply") from None
    return value


def time_to_text(at: datetime) -> str:
    """A time in UTC as ISO 8601 with microseconds and a Z; raises ValueError when it has no time zone."""
    if at.tzinfo is None:
        raise ValueError("the time of an event needs a time zone")
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def time_from_text(text: str) -> datetime:
    """The inverse of `time_to_text`; raises ValueError when `text` is no such time."""
    return datetime.fromisoformat(text)


def money_to_text(amount: Decimal) -> str:
    """An amount in plain decimal notation; raises ValueError when it is not finite."""
    if not amount.is_finite():
        raise ValueError("an amount of money must be finite")
    return format(amount, "f")


def _refused_constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")


def _plain(value: Any) -> Any:
    """`value` as dicts, lists and plain values. The frequent types come first: this runs for every part of an event."""
    kind = type(value)
    if kind is str or value is None or kind is int or kind is bool:
        return value
    if kind is dict:
        return {_key(key): _plain(item) for key, item in value.items()}
    if kind is list or kind is tuple:
        return [_plain(item) for item in value]
    if kind in _FIELDS:
        return {name: _plain(getattr(value, name)) for name in _FIELDS[kind]}
    if isinstance(value, float):
        return _finite(value)
    return _less_plain(value)


def _less_plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return money_to_text(value)
    if isinstance(value, datetime):
        return time_to_text(value)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, Mapping):
        return {_key(key): _plain(item) for key, item in value.items()}
    if isinstance(value, int):
        return value
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray | memoryview):
        return [_plain(item) for item in value]
    raise TypeError(f"not a JSON value: {type(value).__name__}")


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError(f"{value} is not a JSON number")
    return value


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise TypeError(f"not a JSON object key: {type(key).__name__}")
    return key
