"""Reading JSON of unknown shape: what is not of the expected kind counts as absent, never as an error.

`dict` and `list` are named first where their protocols would do, because asking for a protocol takes ten times as long.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from workbench.jsontypes import JsonObject, JsonValue

_MOST = 1 << 53


def as_object(value: JsonValue) -> JsonObject:
    """The object, or an empty one."""
    return value if isinstance(value, dict | Mapping) else {}


def as_list(value: JsonValue) -> Sequence[JsonValue]:
    """The list, or an empty one."""
    if isinstance(value, str | bytes):
        return ()
    return value if isinstance(value, list | Sequence) else ()


def as_objects(value: JsonValue) -> Sequence[JsonObject]:
    """The objects in a list, others left out."""
    return [item for item in as_list(value) if isinstance(item, dict | Mapping)]


def as_text(value: JsonValue) -> str:
    """The text, or an empty one."""
    return value if isinstance(value, str) else ""


def as_count(value: JsonValue) -> int:
    """A whole number of at least 0; 0 for everything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0
    return int(value) if 0 < value < _MOST else 0


def as_blocks(content: JsonValue) -> Sequence[JsonObject]:
    """The content of a message as blocks: plain text is one text block."""
    return [{"type": "text", "text": content}] if isinstance(content, str) else as_objects(content)
