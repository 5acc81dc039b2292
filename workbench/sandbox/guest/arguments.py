"""Checks the arguments of a tool call against the tool's input schema, as the vendor's implementation does.

That one is generous with types (pydantic's lax mode): `"5"` and `5.0` are the integer 5, `"yes"` is true. Models rely
on it, so it is the same here.
"""

from __future__ import annotations

import re
from typing import Any

_INTEGER = re.compile(r"\s*[+-]?[0-9]+(_[0-9]+)*(\.0+)?\s*")
_TRUE = {"1", "true", "t", "yes", "y", "on"}
_FALSE = {"0", "false", "f", "no", "n", "off"}


def checked(tool: dict[str, Any], arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments with the types of the schema; an optional one that was not given is None.

    Raises:
        ValueError: one is missing, unknown or of a wrong type. Worded as the model sees it.
    """
    properties = tool["inputSchema"]["properties"]
    try:
        if not set(arguments) <= set(properties):
            raise TypeError("unknown argument")
        return {name: _checked_one(schema, name, arguments) for name, schema in properties.items()}
    except (TypeError, ValueError) as error:
        raise ValueError(f"Invalid arguments for function {tool['name']}") from error


def _checked_one(schema: dict[str, Any], name: str, arguments: dict[str, Any]) -> Any:
    kinds = schema.get("anyOf", [schema])
    if name not in arguments:
        if "default" not in schema:
            raise TypeError(f"{name} is missing")
        return schema["default"]
    value = arguments[name]
    if value is None and {"type": "null"} in kinds:
        return None
    return _converted(kinds[0], value)


def _converted(kind: dict[str, Any], value: Any) -> Any:
    if kind["type"] == "string" and isinstance(value, str):
        return value
    if kind["type"] == "boolean":
        return _boolean(value)
    if kind["type"] == "integer":
        return _integer(value)
    if kind["type"] == "array" and isinstance(value, list):
        return [_converted(kind["items"], item) for item in value]
    raise TypeError(f"not of type {kind['type']}")


def _integer(value: Any) -> int:
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**63:
        return int(value)
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(value.strip().split(".")[0])
    raise TypeError("not an integer")


def _boolean(value: Any) -> bool:
    text = value.lower() if isinstance(value, str) else str(int(value)) if value in (0, 1) else ""
    if text in _TRUE | _FALSE:
        return text in _TRUE
    raise TypeError("not a boolean")
