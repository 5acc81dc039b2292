"""From a YAML file to a checked pydantic model, or to everything that is wrong with it, each with its place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from workbench.definition.masking import is_private
from workbench.definition.problems import Problem, in_order, nearest
from workbench.definition.schemawalk import Place, branch_names, field_names, field_text, literals, locate
from workbench.definition.yamlfile import YamlFile
from workbench.definition.yamltree import KeyPath
from workbench.jsontypes import JsonValue

T = TypeVar("T", bound=BaseModel)

_LONGEST_FOUND = 60
_MAPPING = "a mapping of keys to values"
_TYPES = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "decimal_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": _MAPPING,
    "model_type": _MAPPING,
    "model_attributes_type": _MAPPING,
    "none_required": "nothing",
}
_BOUNDS = {
    "greater_than": ("more than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
}
_SIZES = {
    "too_short": ("at least", "min_length", "values"),
    "too_long": ("at most", "max_length", "values"),
    "string_too_short": ("at least", "min_length", "characters"),
    "string_too_long": ("at most", "max_length", "characters"),
}
_BOOLEANS = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}


def fault(message: str, *, expected: str = "", suggestion: str | None = None) -> PydanticCustomError:
    """What a validator of a schema raises: a problem in its own words."""
    details = {"message": message, "expected": expected, "suggestion": suggestion or ""}
    return PydanticCustomError("fault", "{message}", details)


def validate(schema: type[T], yaml: YamlFile) -> tuple[T | None, list[Problem]]:
    """Check a YAML file against a schema.

    Returns:
        The model, None if the file does not fit, and all problems in the order of the file. Where `type:` chooses the
        branch of a union, what is wrong is told against that branch alone.
    """
    try:
        return schema.model_validate(yaml.value), []
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
    faults = [_Fault(locate(schema, yaml.value, detail["loc"]), detail) for detail in details]
    problems = [_problem(yaml, item) for item in _merged(faults)]
    return None, in_order(_without_typos(yaml, faults, problems))


def describe(value: JsonValue, private: bool = False) -> str:
    """What was found, for a person: its kind and, unless it is private, the value itself if it is short."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true or false" if private else str(value).lower()
    if isinstance(value, str):
        return "text" if private else f"'{_clipped(value)}'"
    if isinstance(value, int | float):
        return "a number" if private else f"the number {_clipped(getattr(value, 'text', str(value)))}"
    return "a mapping" if isinstance(value, Mapping) else "a list"


@dataclass(frozen=True, slots=True)
class _Fault:
    place: Place
    detail: ErrorDetails

    @property
    def path(self) -> KeyPath:
        return self.place.path

    @property
    def type(self) -> str:
        return self.detail["type"]


def _merged(faults: Iterable[_Fault]) -> list[_Fault]:
    """The faults without those of the branches of a union that were not meant.

    Of several branches that all wanted another type one is kept, with `expected` for all. It is dropped if a branch
    of the right type got further.
    """
    kept: list[_Fault] = []
    types: dict[KeyPath, list[_Fault]] = {}
    for item in faults:
        if item.type in _TYPES:
            types.setdefault(item.path, []).append(item)
        else:
            kept.append(item)
    deeper = [item.path for item in kept] + list(types)
    for path, group in types.items():
        if any(other[: len(path)] == path and other != path for other in deeper):
            continue
        expected = " or ".join(dict.fromkeys(_TYPES[item.type] for item in group))
        context = {"expected": expected}
        detail = ErrorDetails(type=group[0].type, loc=group[0].detail["loc"], msg="", input=None, ctx=context)
        kept.append(_Fault(group[0].place, detail))
    return kept


def _without_typos(yaml: YamlFile, faults: Iterable[_Fault], problems: Iterable[Problem]) -> list[Problem]:
    """The problems without "missing" for keys that are there, but misspelt."""
    problems = list(problems)
    misspelt = {(item.path[:-1], _nearest_field(yaml, item.place)) for item in faults if item.type == "extra_forbidden"}
    missing = {
        _problem(yaml, item)
        for item in faults
        if item.type == "missing" and (item.path[:-1], item.path[-1]) in misspelt
    }
    return [problem for problem in problems if problem not in missing]


def _problem(yaml: YamlFile, item: _Fault) -> Problem:
    context: dict[str, Any] = item.detail.get("ctx") or {}
    if item.type == "extra_forbidden":
        return _unknown_key(yaml, item.place)
    if item.type == "missing":
        message = f"the key '{item.path[-1]}' is missing"
        return yaml.problem(item.path, message, expected=field_text(item.place))
    if item.type in ("union_tag_invalid", "union_tag_not_found"):
        return _unknown_type(yaml, item.place, context["discriminator"].strip("'"))
    path = _existing(yaml, item.path)
    found = "" if item.place.is_key else describe(yaml.at(path), is_private(path))
    if item.type == "fault":
        message, expected, suggestion = context["message"], context["expected"], context["suggestion"] or None
        of: Literal["key", "value"] = "key" if item.place.is_key else "value"
        return yaml.problem(path, message, found=found, expected=expected, suggestion=suggestion, of=of)
    if item.type in ("literal_error", "enum"):
        return _unknown_value(yaml, path, literals(item.place.annotation), found)
    expected = _expected(item, context)
    suggestion = _converted(yaml.at(path), item) if not is_private(path) else None
    message = f"expected {expected}, found {found}" if expected else f"{found} is not allowed here"
    return yaml.problem(path, message, found=found, expected=expected, suggestion=suggestion)


def _expected(item: _Fault, context: Mapping[str, Any]) -> str:
    if item.type in _TYPES:
        return str(context.get("expected", _TYPES[item.type]))
    if item.type in _BOUNDS:
        words, key = _BOUNDS[item.type]
        bound = context[key]
        return f"{words} {int(bound):,}" if bound == int(bound) else f"{words} {bound}"
    if item.type in _SIZES:
        words, key, unit = _SIZES[item.type]
        return f"{words} {context[key]} {unit if context[key] != 1 else unit.removesuffix('s')}"
    if item.type == "is_instance_of":
        return "a number" if context["class"] == "Decimal" else str(context["class"])
    return "" if is_private(item.path) else item.detail["msg"].removeprefix("Input should be ")


def _converted(value: JsonValue, item: _Fault) -> str | None:
    """The value in the type that was wanted, where it is plain what was meant."""
    if isinstance(value, str):
        if item.type == "bool_type":
            return _BOOLEANS.get(value.lower(), value.lower() if value.lower() in ("true", "false") else None)
        if item.type in ("int_type", "float_type", "decimal_type", "is_instance_of"):
            number = value.replace("_", "").replace(",", "").strip()
            return number.lstrip("0") if re.fullmatch(r"[0-9]+(\.[0-9]+)?", number) else None
        if item.type == "list_type" and len(value) <= _LONGEST_FOUND:
            return f"[{value}]"
        if item.type in ("model_type", "model_attributes_type") and value in branch_names(item.place.annotation):
            return f"{{type: {value}}}"
    if item.type == "string_type" and isinstance(value, bool | int | float):
        text = getattr(value, "text", str(value))
        return f'"{text.lower() if isinstance(value, bool) else text}"'
    return None


def _unknown_key(yaml: YamlFile, place: Place) -> Problem:
    name = str(place.path[-1])
    suggestion = _nearest_field(yaml, place)
    if suggestion is None and place.owner is not None:
        suggestion = next((f"{outer}.{name}" for outer in _fields_with(place.owner, name)), None)
    shown = "" if is_private(place.path[:-1]) else f" '{_clipped(name)}'"
    allowed = field_names(place.owner)
    expected = f"one of {', '.join(allowed)}"
    return yaml.problem(
        place.path, f"unknown key{shown}", found=shown.strip(), expected=expected, suggestion=suggestion, of="key"
    )


def _nearest_field(yaml: YamlFile, place: Place) -> str | None:
    """What the unknown key at `place` probably is: rather a key that is not there yet."""
    name, there, known = str(place.path[-1]), _keys(yaml, place.path[:-1]), field_names(place.owner)
    return nearest(name, [field for field in known if field not in there]) or nearest(name, known)


def _fields_with(owner: type[BaseModel], name: str) -> list[str]:
    """The fields of `owner` that are mappings with a key `name`."""
    return [
        outer
        for outer, field in owner.model_fields.items()
        if isinstance(field.annotation, type)
        and issubclass(field.annotation, BaseModel)
        and name in field.annotation.model_fields
    ]


def _unknown_type(yaml: YamlFile, place: Place, discriminator: str) -> Problem:
    names = branch_names(place.annotation)
    path: KeyPath = (*place.path, discriminator)
    expected = f"one of {', '.join(names)}"
    if yaml.has(path):
        return _unknown_value(yaml, path, names, describe(yaml.at(path)))
    typo = nearest(discriminator, _keys(yaml, place.path))
    if typo is not None:
        message = f"unknown key '{_clipped(typo)}'"
        return yaml.problem((*place.path, typo), message, expected=expected, suggestion=discriminator, of="key")
    return yaml.problem(path, f"the key '{discriminator}' is missing", expected=f"{discriminator}: {expected}")


def _unknown_value(yaml: YamlFile, path: KeyPath, allowed: list[str], found: str) -> Problem:
    value = yaml.at(path)
    suggestion = nearest(value, allowed) if isinstance(value, str) else None
    expected = ", ".join(allowed) if len(allowed) == 1 else f"one of {', '.join(allowed)}"
    message = f"{found} is not known here"
    return yaml.problem(path, message, found=found, expected=expected, suggestion=suggestion)


def _keys(yaml: YamlFile, path: KeyPath) -> list[str]:
    value = yaml.at(path)
    return list(value) if isinstance(value, Mapping) else []


def _existing(yaml: YamlFile, path: KeyPath) -> KeyPath:
    while not yaml.has(path):
        path = path[:-1]
    return path


def _clipped(text: str) -> str:
    return text if len(text) <= _LONGEST_FOUND else text[: _LONGEST_FOUND - 1] + "…"
