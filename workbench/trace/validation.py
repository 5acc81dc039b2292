"""The validators of stored events, derived from the annotations of the data classes in `events`.

They are built with pydantic's core, once per class and on first use: the same validation as a `TypeAdapter`, which
cannot be used here because it does not end on the recursive `JsonValue`, and a tenth of its import time. Reading is
strict about types, fills in defaults, and ignores fields that it does not know, so that a trace of a later version with
more fields can be read.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic_core import CoreSchema, SchemaValidator, ValidationError, core_schema

from workbench.jsontypes import JsonObject, JsonValue
from workbench.trace.errors import EventFormatError
from workbench.trace.events import EVENT_TYPES, EventData

RUN_ID = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
"""What a run may be called: also a safe name of a file."""

_LARGEST = 2**53
"""The largest whole number that every reader of JSON keeps exactly; sums of such numbers fit into the store."""


def validated_data(type_name: str, data: object) -> EventData:
    """The event data that `data`, parsed JSON, describes. Sequences become tuples, JSON inside stays lists and dicts.

    Raises:
        EventFormatError: `data` is no data of this type of event.
    """
    if type_name not in EVENT_TYPES:
        raise EventFormatError(f"unknown event type {type_name!r}; known are {', '.join(EVENT_TYPES)}")
    try:
        result: EventData = _data_validator(type_name).validate_python(data)
    except ValidationError as error:
        raise EventFormatError(_first_problem(error, type_name)) from None
    return result


def validated_envelope(value: object) -> dict[str, Any]:
    """The fields around an event's data, checked: run_id, seq, type, step, at, offset, data.

    Raises:
        EventFormatError: `value` is not the JSON of an event.
    """
    try:
        result: dict[str, Any] = _envelope_validator().validate_python(value)
    except ValidationError as error:
        raise EventFormatError(_first_problem(error, "event")) from None
    return result


def _first_problem(error: ValidationError, subject: str) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(str(part) for part in (subject, *first["loc"]))
    return f"{place}: {first['msg'][:1].lower()}{first['msg'][1:]}"


@cache
def _data_validator(type_name: str) -> SchemaValidator:
    return SchemaValidator(_class_schema(EVENT_TYPES[type_name]))


@cache
def _envelope_validator() -> SchemaValidator:
    fields: dict[str, CoreSchema] = {
        "run_id": core_schema.str_schema(strict=True, pattern=RUN_ID),
        "seq": core_schema.int_schema(strict=True, ge=1, le=_LARGEST),
        "type": core_schema.str_schema(strict=True),
        "step": core_schema.int_schema(strict=True, ge=0, le=_LARGEST),
        "at": core_schema.datetime_schema(tz_constraint="aware"),
        "offset": core_schema.float_schema(strict=True, allow_inf_nan=False),
        "data": core_schema.dict_schema(core_schema.str_schema()),
    }
    described = {name: core_schema.typed_dict_field(schema) for name, schema in fields.items()}
    return SchemaValidator(core_schema.typed_dict_schema(described, extra_behavior="ignore"))


def _class_schema(data_class: Any) -> CoreSchema:
    annotations = inspect.get_annotations(data_class, eval_str=True)
    arguments = [
        core_schema.dataclass_field(field.name, _field_schema(field, annotations[field.name]), kw_only=False)
        for field in dataclasses.fields(data_class)
    ]
    names = [field.name for field in dataclasses.fields(data_class)]
    described = core_schema.dataclass_args_schema(data_class.__name__, arguments)
    return core_schema.dataclass_schema(
        data_class, described, names, slots=True, config={"extra_fields_behavior": "ignore"}
    )


def _field_schema(field: dataclasses.Field[Any], annotation: Any) -> CoreSchema:
    schema = _schema(annotation)
    if field.default is dataclasses.MISSING:
        return schema
    return core_schema.with_default_schema(schema, default=field.default)


_PLAIN: dict[Any, CoreSchema] = {
    str: core_schema.str_schema(strict=True),
    int: core_schema.int_schema(strict=True, ge=-_LARGEST, le=_LARGEST),
    float: core_schema.float_schema(strict=True, allow_inf_nan=False),
    bool: core_schema.bool_schema(strict=True),
    Decimal: core_schema.decimal_schema(allow_inf_nan=False, max_digits=60),
}


def _schema(annotation: Any) -> CoreSchema:
    if annotation is JsonValue:
        return core_schema.any_schema()
    if annotation is JsonObject:
        return core_schema.dict_schema(core_schema.str_schema())
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    if dataclasses.is_dataclass(annotation):
        return _class_schema(annotation)
    return _composed_schema(annotation)


def _composed_schema(annotation: Any) -> CoreSchema:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return core_schema.literal_schema(list(arguments))
    if origin is Sequence:
        return core_schema.tuple_schema([_schema(arguments[0])], variadic_item_index=0)
    if origin in (Union, UnionType):
        (present,) = (argument for argument in arguments if argument is not NoneType)
        return core_schema.nullable_schema(_schema(present))
    raise TypeError(f"a field of an event cannot have the type {annotation!r}")
