"""The JSON Schema of agent.yaml, for editors: completion, descriptions and a first check while typing.

The schema takes every file that the loader takes. The loader knows more: which files are there, which variables are
set, which schedule never fires.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from workbench.definition.model_names import KNOWN_MODELS
from workbench.definition.schema import AgentPart
from workbench.jsontypes import JsonObject

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def agent_schema() -> JsonObject:
    """The JSON Schema (draft 2020-12) of agent.yaml."""
    schema = AgentPart.model_json_schema(by_alias=True)
    definitions: dict[str, Any] = schema.pop("$defs")
    named = {_title(name): _part(definition) for name, definition in definitions.items()}
    whole = {"$schema": DIALECT, **_part(schema), "title": "agent.yaml", "$defs": named}
    return cast(JsonObject, _renamed(whole))


def _title(name: str) -> str:
    return name.removesuffix("Part")


def _part(definition: Mapping[str, Any]) -> dict[str, Any]:
    """A mapping's schema: nothing behind an optional key is its default, and shorthand forms are taken too."""
    required = definition.get("required", [])
    properties = {
        key: dict(value) if key in required else _or_nothing(value)
        for key, value in definition.get("properties", {}).items()
    }
    for key, shorthand in _SHORTHANDS.items():
        if key in properties:
            properties[key] = _with_shorthand(properties[key], shorthand)
    for key, value in properties.items():
        value["title"] = key.replace("_", " ")
    title = _title(definition.get("title", ""))
    described = {**definition, "title": title, "properties": properties}
    for variant in described.get("oneOf", []):
        variant["properties"] = {key: {"not": {"type": "null"}} for key in variant["required"]}
    return described


_SHORTHANDS: Mapping[str, Mapping[str, Any]] = {
    "model": {"type": "string", "pattern": r"^\S+$", "examples": list(KNOWN_MODELS)},
    "thinking": {"enum": [True, False, "auto", "adaptive", "enabled", "disabled"]},
}
_SHAPE = ("type", "$ref", "anyOf", "oneOf", "enum", "const", "items", "additionalProperties", "discriminator")
_LIMITS = ("pattern", "minimum", "maximum", "exclusiveMinimum", "minItems", "maxItems", "propertyNames")


def _or_nothing(schema: Mapping[str, Any]) -> dict[str, Any]:
    if {"type": "null"} in schema.get("anyOf", []):
        return dict(schema)
    return _with_shorthand(schema, {"type": "null"})


def _with_shorthand(schema: Mapping[str, Any], shorthand: Mapping[str, Any]) -> dict[str, Any]:
    shape = {key: value for key, value in schema.items() if key in (*_SHAPE, *_LIMITS)}
    notes = {key: value for key, value in schema.items() if key not in shape}
    branches = shape["anyOf"] if list(shape) == ["anyOf"] else [shape]
    return {**notes, "anyOf": [*branches, dict(shorthand)]}


def _renamed(value: Any) -> Any:
    """The schema with the names of the parts as people read them."""
    if isinstance(value, dict):
        return {key: _renamed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_renamed(item) for item in value]
    if isinstance(value, str) and value.startswith("#/$defs/"):
        return _title(value)
    return value
