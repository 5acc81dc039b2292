"""The kinds of single values in agent.yaml: names, sizes, hosts, money, schedules. Each type checks one value."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from pathlib import PurePosixPath
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from workbench.definition.schedules import ScheduleError, check_schedule, check_timezone
from workbench.definition.validation import fault
from workbench.definition.yamltree import YamlFloat

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SIZE = re.compile(r"(?i)(?P<number>[0-9]+(?:\.[0-9]+)?)(?P<unit>[bkmgt]?)(?:i?b)?")
_UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_LABEL = r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)"
_HOST = re.compile(rf"(?:\*\.)?{_LABEL}(?:\.{_LABEL})*")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")

MIN_MEMORY = 6 << 20
"""Bytes; the least that the Docker Engine takes as a memory limit."""


def _check_name(value: str) -> str:
    if not _NAME.fullmatch(value):
        better = re.sub(r"[^A-Za-z0-9_-]+", "-", value).strip("-")[:64]
        expected = "1 to 64 letters (A to Z), digits, '-' and '_'"
        raise fault("this name cannot be used", expected=expected, suggestion=better or None)
    return value


def _check_model_id(value: str) -> str:
    if not value or value != value.strip() or re.search(r"\s", value) or not value.isprintable():
        raise fault("this is no model id", expected="an id such as claude-haiku-4-5")
    return value


def _check_not_blank(value: str) -> str:
    if not value.strip():
        raise fault("this text is empty", expected="text")
    return value


def _to_bytes(value: Any) -> Any:
    """A size in bytes from `512m` or a number of bytes; other types are left for the type check."""
    if isinstance(value, str):
        match = _SIZE.fullmatch(value.strip())
        if match is None:
            raise fault("this is no size", expected="a number and b, k, m, g or t, such as 512m or 1g")
        size = int(Decimal(match["number"]) * _UNITS[match["unit"].lower()])
    elif isinstance(value, int) and not isinstance(value, bool):
        size = value
    else:
        raise fault("this is no size", expected="a number and b, k, m, g or t, such as 512m or 1g")
    if not MIN_MEMORY <= size <= 1 << 50:
        raise fault("this size is out of range", expected="6m to 1024t")
    return size


def _to_decimal(value: Any) -> Any:
    """The exact amount as it was written, never through binary floating point."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        hint = value.strip().lstrip("$") if isinstance(value, str) else ""
        suggestion = hint if re.fullmatch(r"[0-9]+(\.[0-9]+)?", hint) else None
        raise fault("this is no amount", expected="a number of US dollars, such as 0.50", suggestion=suggestion)
    try:
        amount = Decimal(value.text if isinstance(value, YamlFloat) else str(value))
    except InvalidOperation:
        raise fault("this is no amount", expected="a number of US dollars, such as 0.50") from None
    if not 0 < amount <= 1_000_000:
        raise fault("this amount is out of range", expected="more than 0, at most 1,000,000 US dollars")
    return amount


def _check_host(value: str) -> str:
    if value == "*":
        raise fault("'*' alone would allow every host", expected="each host by its name, or *.suffix")
    if "://" in value or "/" in value or re.search(r":\d+$", value) or "@" in value:
        parts = re.sub(r"^[a-zA-Z][\w+.-]*://", "", value).split("/")[0].split("@")[-1].split(":")[0]
        suggestion = parts if _HOST.fullmatch(parts) else None
        raise fault(
            "this is an address, not a host",
            expected="the host alone: no scheme, port or path (80 and 443 are the ports)",
            suggestion=suggestion,
        )
    if not _HOST.fullmatch(value) or len(value) > 253:
        raise fault(
            "this is no host", expected="a name such as api.example.com, or *.example.com", suggestion=_host(value)
        )
    return value.lower()


def _host(value: str) -> str | None:
    """The host that was probably meant: `.example.com`, `example.com.`, `bücher.example`."""
    value = value.strip().strip(".")
    try:
        ascii_name = value.encode("idna").decode("ascii")
    except UnicodeError:
        return None
    return ascii_name if ascii_name and _HOST.fullmatch(ascii_name) else None


def _check_domain(value: str) -> str:
    host, _, path = value.partition("/")
    if "://" in value:
        suggestion = value.split("://", 1)[1].rstrip("/") or None
        raise fault("a domain has no scheme", expected="a domain such as example.com", suggestion=suggestion)
    if not _HOST.fullmatch(host) or host.startswith("*") or re.search(r"\s", path):
        raise fault("this is no domain", expected="a domain such as example.com, which may have a path")
    return value


def _check_sandbox_path(value: str) -> str:
    path = PurePosixPath(value)
    if not path.is_absolute() or ".." in path.parts or path.parts[1:2] not in (("workspace",), ("source",)):
        raise fault("this is no folder that the file tools have", expected="/workspace, /source, or a folder below")
    return "/" + "/".join(path.parts[1:])


def _check_webhook_path(value: str) -> str:
    if not value.startswith("/") or value.startswith("//") or re.search(r"[\s?#]", value) or not value.isprintable():
        stripped = "/" + value.strip("/") if re.fullmatch(r"/*[\w./-]+", value) else None
        raise fault("this is no path", expected="a path such as /new-ticket, without query", suggestion=stripped)
    return value


def _check_schedule(value: str) -> str:
    try:
        check_schedule(value)
    except ScheduleError as error:
        raise fault(error.message, expected=error.expected, suggestion=error.suggestion) from None
    return " ".join(value.split())


def _check_timezone(value: str) -> str:
    try:
        check_timezone(value)
    except ScheduleError as error:
        raise fault(error.message, expected=error.expected, suggestion=error.suggestion) from None
    return value


def _check_header_name(value: str) -> str:
    if not _HEADER.fullmatch(value):
        raise fault("this is no name of a header", expected="a name such as Authorization")
    return value


def _check_header_value(value: str) -> str:
    if _CONTROL.search(value):
        raise fault("a header cannot hold a line break or a control character", expected="one line")
    return value


def _check_variable(value: str) -> str:
    if not _VARIABLE.fullmatch(value):
        raise fault("this is no name of a variable", expected="letters, digits and '_', no digit first")
    return value


def _check_no_null(value: str) -> str:
    if "\0" in value:
        raise fault("a null character cannot be passed to a program", expected="text without it")
    return value


def _check_package(value: str) -> str:
    if not value.strip() or value.startswith("-") or not value.isprintable() or value != value.strip():
        raise fault("this is no package", expected="a name with or without a version, such as httpx==0.28")
    return value


def _check_image(value: str) -> str:
    if not re.fullmatch(r"[\w][\w./:@-]*", value, re.ASCII):
        raise fault("this is no image", expected="a name such as python:3.12-slim")
    return value


def _to_command(value: Any) -> Any:
    if isinstance(value, str):
        suggestion = f"[{', '.join(value.split())}]" if re.fullmatch(r"[\w ./@=-]+", value) else None
        expected = "a list of the program and its arguments, such as [node, server.js]"
        raise fault("a command is a list, there is no shell", expected=expected, suggestion=suggestion)
    return value


Name = Annotated[str, AfterValidator(_check_name), Field(json_schema_extra={"pattern": f"^{_NAME.pattern}$"})]
ModelId = Annotated[str, AfterValidator(_check_model_id), Field(json_schema_extra={"pattern": r"^\S+$"})]
Text = Annotated[str, AfterValidator(_check_not_blank), Field(json_schema_extra={"pattern": r"\S"})]
Size = Annotated[
    int,
    BeforeValidator(_to_bytes),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": r"^\s*[0-9]+(\.[0-9]+)?[bkmgtBKMGT]?([iI]?[bB])?\s*$"},
                {"type": "integer", "minimum": MIN_MEMORY},
            ]
        }
    ),
]
Usd = Annotated[
    Decimal,
    BeforeValidator(_to_decimal),
    WithJsonSchema({"type": "number", "exclusiveMinimum": 0, "maximum": 1_000_000}),
]
Host = Annotated[
    str,
    AfterValidator(_check_host),
    Field(json_schema_extra={"pattern": r"^(\*\.)?[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*$"}),
]
Domain = Annotated[str, AfterValidator(_check_domain)]
SandboxPath = Annotated[
    str, AfterValidator(_check_sandbox_path), Field(json_schema_extra={"pattern": r"^/+(workspace|source)(/|$)"})
]
WebhookPath = Annotated[
    str, AfterValidator(_check_webhook_path), Field(json_schema_extra={"pattern": r"^/($|[^/\s?#][^\s?#]*$)"})
]
Schedule = Annotated[
    str, AfterValidator(_check_schedule), Field(json_schema_extra={"pattern": r"^\s*\S+(\s+\S+){4}\s*$"})
]
Timezone = Annotated[str, AfterValidator(_check_timezone)]
HeaderName = Annotated[str, AfterValidator(_check_header_name)]
HeaderValue = Annotated[str, AfterValidator(_check_header_value)]
Variable = Annotated[str, AfterValidator(_check_variable)]
ProgramText = Annotated[str, AfterValidator(_check_no_null)]
Package = Annotated[str, AfterValidator(_check_package), Field(json_schema_extra={"pattern": r"^[^\s-]"})]
Image = Annotated[str, AfterValidator(_check_image)]
Command = Annotated[list[ProgramText], BeforeValidator(_to_command), Field(min_length=1)]
