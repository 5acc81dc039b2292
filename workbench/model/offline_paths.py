"""Paths into JSON, such as `ticket.tags[0]` or `["odd key"].name`: the one way that offline.yaml names a value."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache

from workbench.jsontypes import JsonValue

_PART = re.compile(
    r"""(?:^|(?<!^)\.)(?P<name>[A-Za-z0-9_-]+) | \[(?P<index>-?[0-9]{1,9})\] | \["(?P<key>[^"]*)"\]""", re.X
)
_MOST_NAMED = 12

JsonPath = tuple[str | int, ...]
"""Keys and indexes from the outside in."""


class PathError(ValueError):
    """A text is no path."""


class MissingValueError(Exception):
    """There is no value at a path. `str` says how far the path leads, and what there is instead."""


@lru_cache(maxsize=4096)
def parse_path(text: str) -> JsonPath:
    """The parts of a path.

    Raises:
        PathError: it is none.
    """
    parts: list[str | int] = []
    at = 0
    while at < len(text):
        match = _PART.match(text, at)
        if match is None:
            raise PathError(f"'{text}' is no path")
        parts.append(_part(match))
        at = match.end()
    if not parts:
        raise PathError("a path cannot be empty")
    return tuple(parts)


def walk(value: JsonValue, path: JsonPath, shown: str) -> JsonValue:
    """The value at `path` inside `value`, which messages call `shown`.

    Raises:
        MissingValueError: there is none.
    """
    for part in path:
        if isinstance(value, list | tuple):
            index = int(part) if isinstance(part, int) or part.lstrip("-").isdigit() else None
            if index is None or not -len(value) <= index < len(value):
                raise MissingValueError(f"{shown} has no '{part}': it is a list of {len(value)}")
            value = value[index]
        elif isinstance(value, Mapping):
            if str(part) not in value:
                raise MissingValueError(f"{shown} has no '{part}'{_instead(value)}")
            value = value[str(part)]
        else:
            raise MissingValueError(f"{shown} has no '{part}': it is {_kind(value)}")
        shown += f"[{part}]" if isinstance(part, int) else f".{part}"
    return value


def equal(value: JsonValue, wanted: JsonValue) -> bool:
    """Whether two JSON values are the same; numbers by value, `true` is no number."""
    if isinstance(value, bool) or isinstance(wanted, bool):
        return value is wanted
    if isinstance(value, Mapping) and isinstance(wanted, Mapping):
        return value.keys() == wanted.keys() and all(equal(value[key], wanted[key]) for key in wanted)
    if isinstance(value, list | tuple) and isinstance(wanted, list | tuple):
        return len(value) == len(wanted) and all(map(equal, value, wanted))
    return value == wanted


def shown(value: JsonValue, longest: int = 60) -> str:
    """The value as short JSON, for a message."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _part(match: re.Match[str]) -> str | int:
    if match["name"] is not None:
        return match["name"]
    return int(match["index"]) if match["index"] is not None else match["key"]


def _instead(value: Mapping[str, JsonValue]) -> str:
    names = list(value)[:_MOST_NAMED]
    more = ", …" if len(value) > _MOST_NAMED else ""
    return f" (it has {', '.join(names)}{more})" if names else " (it is empty)"


def _kind(value: JsonValue) -> str:
    if value is None:
        return "null"
    return "text" if isinstance(value, str) else "a number" if not isinstance(value, bool) else "true or false"
