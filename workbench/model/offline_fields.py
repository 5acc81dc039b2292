"""The values that offline.yaml takes: patterns, paths, counts, and what may be written shorter than it is."""

from __future__ import annotations

import re
from typing import Annotated, Any, Union

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    GetJsonSchemaHandler,
    Tag,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import CoreSchema

from workbench.definition.validation import fault
from workbench.model.offline_paths import PathError, parse_path

Status = Annotated[int, Field(ge=400, le=599)]
Seconds = Annotated[float, Field(ge=0, le=86_400)]
Json = Annotated[Any, WithJsonSchema({})]
"""Any JSON; texts in it are templates."""

_COUNT = re.compile(r"([0-9]{1,6})(?:(\+)|-([0-9]{1,6}))?")
_ROUTE = re.compile(r"(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) (/\S*)")
_PARAM = re.compile(r"\{([^{}]*)\}")


def _pattern(text: str) -> str:
    try:
        compiled = re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        expected = "a Python regular expression; a named group is (?P<name>…)"
        raise fault(f"this is no regular expression: {error}", expected=expected) from None
    if reserved := {"text", "json", "lines"} & set(compiled.groupindex):
        raise fault(f"a group cannot be named {reserved.pop()}", expected="another name: these three are taken")
    return text


def _path(text: str) -> str:
    try:
        parse_path(text)
    except PathError as error:
        raise fault(str(error), expected='a path such as ticket.tags[0] or ["odd key"].name') from None
    return text


def _count(value: Any) -> Any:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    match = _COUNT.fullmatch(text) if isinstance(text, str) else None
    if match is None or (match[3] and int(match[3]) < int(match[1])):
        raise fault("this is no number or range", expected='a number, "2+" or "2-4"')
    return text


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def to_text(value: Any) -> Any:
    """A text condition that is written as a text or a list of texts."""
    return {"contains": value} if isinstance(value, str | list) else value


def _route(text: str) -> str:
    match = _ROUTE.fullmatch(text)
    if match is None:
        raise fault("this is no request", expected="a method and a path, such as GET /tickets/{id}")
    names = _PARAM.findall(match[2])
    if not all(name.isidentifier() for name in names) or len(set(names)) < len(names):
        raise fault("the parameters need names of their own", expected="a path such as /tickets/{id}/notes/{note}")
    if "{" in _PARAM.sub("", match[2]) or "}" in _PARAM.sub("", match[2]):
        raise fault("a brace is not closed", expected="a path such as /tickets/{id}")
    return text


class OrShort:
    """Tells editors that a value may be written shorter than its schema says."""

    def __init__(self, *shorter: dict[str, Any]) -> None:
        self._shorter = shorter

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [*self._shorter, handler(core)]}


def one_or_many(part: type[BaseModel]) -> Any:
    """A list of `part`, where one alone needs no list; it becomes a list in any case."""
    one, many = Annotated[part, Tag(part.__name__)], Annotated[list[part], Tag("list")]  # type: ignore[valid-type]
    shape = Discriminator(lambda value: "list" if isinstance(value, list) else part.__name__)
    return Annotated[Union[one, many], shape, AfterValidator(_listed_part)]  # noqa: UP007 - made at run time


def _listed_part(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


STRING: dict[str, Any] = {"type": "string"}
"""The JSON Schema of a text."""
_COUNT_SCHEMA = {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": _COUNT.pattern}]}

Pattern = Annotated[str, AfterValidator(_pattern)]
Path = Annotated[str, AfterValidator(_path)]
Count = Annotated[str, BeforeValidator(_count), WithJsonSchema(_COUNT_SCHEMA)]
Names = Annotated[list[str], BeforeValidator(_listed), OrShort(STRING)]
Route = Annotated[str, AfterValidator(_route)]


class Part(BaseModel):
    """A mapping of offline.yaml: only the keys that are declared, nothing converted from another type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _without_empty_keys(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        optional = {field.alias or name for name, field in cls.model_fields.items() if not field.is_required()}
        return {key: item for key, item in value.items() if item is not None or key not in optional}


def path_parameters(text: str) -> list[str]:
    """The names that stand in braces in a path."""
    return _PARAM.findall(text)
