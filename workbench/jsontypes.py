"""The types of parsed JSON, as the Messages API, MCP and the trace exchange it."""

from collections.abc import Mapping, Sequence

JsonValue = None | bool | int | float | str | Sequence["JsonValue"] | Mapping[str, "JsonValue"]
"""Anything that JSON can hold. Covariant, so that a `list[dict[str, str]]` is one too."""

JsonObject = Mapping[str, JsonValue]
"""A JSON object; treated as read-only."""
