"""Input schemas of tools, mended where the Messages API would refuse a whole request because of one of them.

The API wants an object with `type: object`, no `oneOf`, `anyOf` or `allOf` at the top, valid draft 2020-12, and names
of properties that match `[a-zA-Z0-9_.-]{1,64}`; some compatible endpoints want `properties` as well.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeGuard

from workbench.jsontypes import JsonObject, JsonValue
from workbench.tools.text import clean_json, one_line

_PROPERTY = re.compile(r"[a-zA-Z0-9_.-]{1,64}")
_COMPOSITIONS = ("allOf", "anyOf", "oneOf")
_NOT_AN_OBJECT = "not an object with named parameters"


class UnusableToolError(Exception):
    """The model could not call the tool: it takes no object with named parameters, or cannot just be called."""


@dataclass(frozen=True, slots=True)
class Mended:
    """A schema that the API takes. `changes` tell a person what is different from what the server gave.

    `renamed` maps the names of parameters that the model sees to those that the server knows, where they differ.
    """

    schema: JsonObject
    changes: Sequence[str] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)

    def arguments(self, arguments: JsonObject) -> JsonObject:
        """`arguments` as the server knows them."""
        if not self.renamed:
            return arguments
        return {self.renamed.get(name, name): value for name, value in arguments.items()}


def mend(given: object) -> Mended:
    """The schema `given` by a server, such that the API takes it.

    Raises:
        UnusableToolError: it describes something else than an object.
    """
    changes: list[str] = []
    schema = _as_object(clean_json(given), changes)
    _flatten(schema, changes)
    _drop_invalid(schema, changes)
    renamed = _rename_properties(schema, changes)
    return Mended(schema, changes, renamed)


def _as_object(given: JsonValue, changes: list[str]) -> dict[str, JsonValue]:
    if given is None:
        given = {}
    if not _is_object(given):
        raise UnusableToolError(f"its input schema is {_NOT_AN_OBJECT}: {one_line(str(given), 80)}")
    schema = dict(given)
    kind = schema.get("type")
    if kind != "object":
        if kind is not None and not (isinstance(kind, list) and "object" in kind):
            raise UnusableToolError(f"its input schema is {_NOT_AN_OBJECT}: type {one_line(str(kind), 80)}")
        changes.append("type: object added")
        schema["type"] = "object"
    properties = schema.get("properties")
    if not _is_object(properties):
        changes.extend(["properties that are no object removed"] if properties is not None else [])
        schema["properties"] = {}
    if "required" in schema and not _is_names(schema["required"]):
        changes.append("required that is no list of names removed")
        del schema["required"]
    return schema


def _flatten(schema: dict[str, JsonValue], changes: list[str]) -> None:
    """Replace compositions at the top by the parameters of all branches, required only where every branch does."""
    for keyword in _COMPOSITIONS:
        if keyword not in schema:
            continue
        given = schema.pop(keyword)
        branches = [branch for branch in given if _is_object(branch)] if isinstance(given, list) else []
        properties = dict(_object(schema["properties"]))
        for branch in branches:
            for name, value in _object(branch.get("properties")).items():
                properties.setdefault(name, value)
        schema["properties"] = properties
        demands = [set(_names(branch.get("required"))) for branch in branches]
        if demands:
            common = set.union(*demands) if keyword == "allOf" else set.intersection(*demands)
            required = [*_names(schema.get("required")), *sorted(common)]
            schema["required"] = list(dict.fromkeys(required))
        changes.append(f"{keyword} at the top replaced by the parameters of its branches")


def _drop_invalid(schema: dict[str, JsonValue], changes: list[str]) -> None:
    """Take out what is not valid draft 2020-12: a parameter's constraints, or a keyword at the top."""
    from jsonschema import Draft202012Validator  # type: ignore[import-untyped, unused-ignore]  # comes with mcp

    schema.pop("$schema", None)  # may name an older draft; the API reads every schema as 2020-12
    validator = Draft202012Validator(Draft202012Validator.META_SCHEMA)
    places = {tuple(error.absolute_path)[:2] for error in validator.iter_errors(schema)}
    for place in sorted(places, key=str):
        if len(place) == 2 and place[0] == "properties":
            properties = dict(_object(schema["properties"]))
            description = _object(properties.get(str(place[1]))).get("description")
            properties[str(place[1])] = {"description": description} if isinstance(description, str) else {}
            schema["properties"] = properties
            changes.append(f"invalid constraints of {one_line(str(place[1]), 80)} removed")
        elif place and place[0] in schema and place[0] not in ("type", "properties"):
            del schema[str(place[0])]
            changes.append(f"invalid {one_line(str(place[0]), 80)} removed")


def _rename_properties(schema: dict[str, JsonValue], changes: list[str]) -> Mapping[str, str]:
    given = _object(schema["properties"])
    renamed: dict[str, str] = {}
    properties: dict[str, JsonValue] = {}
    for name, value in given.items():
        shown = name
        if not _PROPERTY.fullmatch(name):
            stem = re.sub(r"[^a-zA-Z0-9_.-]", "_", name)[:60] or "parameter"
            shown = stem
            number = 2
            while shown in given or shown in renamed:
                shown, number = f"{stem}_{number}", number + 1
            renamed[shown] = name
            changes.append(f"parameter {one_line(name, 80)} shown as {shown}")
        properties[shown] = value
    if renamed:
        shown_names = {name: shown for shown, name in renamed.items()}
        schema["properties"] = properties
        if "required" in schema:
            schema["required"] = [shown_names.get(name, name) for name in _names(schema["required"])]
    return renamed


def lenient_listing(result: Mapping[str, object]) -> dict[str, object]:
    """The result of tools/list such that one odd tool does not void all others of its server.

    The protocol's own types refuse a listing as a whole. An input schema that they would refuse is kept aside in
    `_meta` under `GIVEN_SCHEMA`, for `mend` to judge; output schemas are not used and left out.
    """
    tools = result.get("tools")
    if not isinstance(tools, list):
        return dict(result)
    kept = [_lenient_tool(tool) for tool in tools if isinstance(tool, dict) and isinstance(tool.get("name"), str)]
    return {**result, "tools": kept}


def _lenient_tool(tool: Mapping[str, object]) -> dict[str, object]:
    description, schema = tool.get("description"), tool.get("inputSchema")
    kept: dict[str, object] = {"name": tool["name"]}
    if isinstance(description, str):
        kept["description"] = description
    if _only_as_task(tool):
        kept["execution"] = {"taskSupport": "required"}
    if _suits_protocol(schema):
        kept["inputSchema"] = schema
    else:
        kept |= {"inputSchema": {"type": "object"}, "_meta": {GIVEN_SCHEMA: schema}}
    return kept


def _only_as_task(tool: Mapping[str, object]) -> bool:
    execution = tool.get("execution")
    return isinstance(execution, dict) and execution.get("taskSupport") == "required"


def _suits_protocol(schema: object) -> bool:
    if not isinstance(schema, dict) or schema.get("type") != "object":
        return False
    properties, required = schema.get("properties", {}), schema.get("required", [])
    return (
        isinstance(properties, dict)
        and all(isinstance(value, dict | bool) for value in properties.values())
        and _is_names(required)
        and isinstance(schema.get("$schema", ""), str)
    )


GIVEN_SCHEMA = "workbench/input_schema"
"""Where `lenient_listing` keeps the input schema that a server gave."""


def _is_object(value: object) -> TypeGuard[Mapping[str, JsonValue]]:
    return isinstance(value, Mapping)


def _object(value: JsonValue) -> Mapping[str, JsonValue]:
    return value if _is_object(value) else {}


def _is_names(value: JsonValue) -> TypeGuard[Sequence[str]]:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _names(value: JsonValue) -> Sequence[str]:
    return value if _is_names(value) else ()
