"""Where in a schema of pydantic models a validation error belongs, and what is allowed there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from workbench.definition.yamltree import KeyPath
from workbench.jsontypes import JsonValue


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a document and in its schema: what is wanted there, and the model whose key it is.

    `is_key` says that the last part of the path, the key itself, is meant and not its value.
    """

    path: KeyPath
    annotation: Any
    owner: type[BaseModel] | None = None
    is_key: bool = False


def locate(schema: type[BaseModel], value: JsonValue, location: tuple[int | str, ...]) -> Place:
    """The place of a validation error. Its `location` also names branches of unions, which the path does not."""
    place = Place((), schema)
    for part in location:
        if part == "[key]":
            return replace(place, is_key=True)
        place, value = _step(place, value, part)
    return place


def field_names(model: type[BaseModel] | None) -> list[str]:
    """The keys of a model."""
    return [field.alias or name for name, field in model.model_fields.items()] if model else []


def field_text(place: Place) -> str:
    """What the schema says of the field at `place`."""
    fields = place.owner.model_fields if place.owner else {}
    return next((field.description or "" for name, field in fields.items() if name == place.path[-1]), "")


def literals(annotation: Any) -> list[str]:
    """All values that an annotation of literals allows, as YAML writes them."""
    annotation = _bare(annotation)
    if get_origin(annotation) is Literal:
        return [str(value).lower() if isinstance(value, bool) else str(value) for value in get_args(annotation)]
    return [value for member in get_args(annotation) for value in literals(member)]


def branch_names(annotation: Any) -> list[str]:
    """The values of `type` that choose a branch of a union of models."""
    return [name for member in _members(annotation) for name in _tags(member)]


def _step(place: Place, value: JsonValue, part: int | str) -> tuple[Place, JsonValue]:
    annotation = _bare(place.annotation)
    if _is_model(annotation):
        fields = {field.alias or name: field for name, field in annotation.model_fields.items()}
        wanted = fields[part].annotation if part in fields else Any
        return Place((*place.path, part), wanted, annotation), _child(value, part)
    members = _members(annotation)
    if members:
        branch = next((member for member in members if part in (*_tags(member), _name(member))), None)
        if branch is not None or len(members) > 1:
            return Place(place.path, branch if branch is not None else Any, place.owner), value
        return _step(Place(place.path, members[0], place.owner), value, part)
    if annotation is Any and not _has(value, part):
        return place, value
    arguments = get_args(annotation)
    return Place((*place.path, part), arguments[-1] if arguments else Any), _child(value, part)


def _members(annotation: Any) -> list[Any]:
    """The members of a union but None; none if it is no union."""
    annotation = _bare(annotation)
    if get_origin(annotation) not in (Union, UnionType):
        return []
    return [member for member in get_args(annotation) if member is not NoneType]


def _bare(annotation: Any) -> Any:
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    return annotation


def _tags(member: Any) -> list[str]:
    model = _bare(member)
    if not _is_model(model) or "type" not in model.model_fields:
        return []
    return literals(model.model_fields["type"].annotation)


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _name(member: Any) -> str:
    return getattr(_bare(member), "__name__", "")


def _has(value: JsonValue, part: int | str) -> bool:
    return _child(value, part) is not None or (isinstance(value, Mapping) and part in value)


def _child(value: JsonValue, part: int | str) -> JsonValue:
    if isinstance(value, Mapping):
        return value.get(str(part))
    return value[part] if isinstance(value, list) and isinstance(part, int) and part < len(value) else None
