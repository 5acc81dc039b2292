"""The canonical digest: one definition of "the same" for requests, tool calls, results and definitions.

The canonical form of a JSON value is its UTF-8 encoding with sorted keys, no white space, no escapes of printable
characters. Floats that are whole numbers are written as integers, because JSON does not tell `1.0` from `1`. The digest
is the first 32 hex digits of its SHA-256.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

from workbench.jsontypes import JsonValue

_PLAIN = (str, int)
_OBJECTS = (dict, Mapping)
_LISTS = (list, Sequence)
"""The usual types come first: to ask for a protocol takes ten times as long, and this runs for every value."""


def canonical(value: JsonValue) -> str:
    """The canonical JSON text of `value`.

    Raises:
        ValueError: a float is not finite, which JSON cannot hold.
    """
    return json.dumps(_normalised(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(value: JsonValue) -> str:
    """The canonical digest of `value`: 32 hex digits, the same on every machine and Python version."""
    return hashlib.sha256(canonical(value).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _normalised(value: JsonValue) -> JsonValue:
    if value is None or isinstance(value, _PLAIN):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, _OBJECTS):
        return {key: _normalised(item) for key, item in value.items()}
    if isinstance(value, _LISTS):
        return [_normalised(item) for item in value]
    raise TypeError(f"not a JSON value: {type(value).__name__}")
