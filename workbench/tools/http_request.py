"""What the model asks of the REST tool, checked and turned into a request."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import httpx2

from workbench.definition.agent import HttpServer
from workbench.definition.references import Template
from workbench.jsontypes import JsonObject, JsonValue
from workbench.tools.host_http import shown_url
from workbench.tools.http_policy import SAFE_HEADERS, Confinement, RefusedError

BODY_BYTES = 4 * 1024 * 1024
"""Bytes of a request's body."""

_KNOWN = frozenset({"method", "path", "query", "json", "body", "headers"})
_BODY_HEADERS = frozenset({"content-type", "content-length", "content-encoding", "transfer-encoding"})
_KEEPS_METHOD = frozenset({307, 308})


@dataclass(frozen=True, slots=True)
class RestRequest:
    """A request as it will be sent, but for the headers of the agent's definition."""

    method: str
    url: httpx2.URL
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None

    def redirected(self, status: int, url: httpx2.URL) -> RestRequest:
        """The request that follows a redirect with `status` to `url`, by the rules of RFC 9110 15.4."""
        if status in _KEEPS_METHOD or (status in (301, 302) and self.method != "POST"):
            return replace(self, url=url)
        method = "HEAD" if self.method == "HEAD" else "GET"
        headers = {name: value for name, value in self.headers.items() if name not in _BODY_HEADERS}
        return RestRequest(method, url, headers)


def plan(arguments: JsonObject, methods: Sequence[str], confinement: Confinement) -> RestRequest:
    """The request that `arguments` ask for.

    Raises:
        RefusedError: they ask for something that the tool does not do; `str` says what it does.
    """
    unknown = sorted(set(arguments) - _KNOWN)
    if unknown:
        raise RefusedError(f"unknown parameter {unknown[0][:80]!r}; known are {', '.join(sorted(_KNOWN))}")
    method = arguments.get("method")
    if not isinstance(method, str) or method.upper() not in methods:
        raise RefusedError(f"method must be one of {', '.join(methods)}")
    path = arguments.get("path")
    if not isinstance(path, str):
        raise RefusedError("path must be text that starts with a slash")
    url = confinement.url(path, _object(arguments, "query"))
    headers = confinement.headers(_object(arguments, "headers"))
    body = _body(arguments)
    if body is not None and "content-type" not in headers | dict.fromkeys(confinement.fixed_headers, ""):
        kind = "application/json" if "json" in arguments else "text/plain; charset=utf-8"
        headers = {**headers, "content-type": kind}
    return RestRequest(method.upper(), url, headers, body)


def _object(arguments: JsonObject, name: str) -> JsonObject:
    value = arguments.get(name)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise RefusedError(f"{name} must be an object")
    return value


def _body(arguments: JsonObject) -> bytes | None:
    text: JsonValue = arguments.get("body")
    if "json" in arguments:
        if text is not None:
            raise RefusedError("give either json or body, not both")
        text = json.dumps(arguments["json"], ensure_ascii=False, separators=(",", ":"))
    if text is None:
        return None
    if not isinstance(text, str):
        raise RefusedError("body must be text; give an object as json")
    body = text.encode("utf-8", "replace")
    if len(body) > BODY_BYTES:
        raise RefusedError(f"the body has {len(body)} bytes, at most {BODY_BYTES} are sent")
    return body


def description(server: HttpServer) -> str:
    """What the model is told of the tool."""
    said = server.description.strip()
    base = shown_url(Template(server.url.text))
    return (
        (f"{said}\n\n" if said else "")
        + f"Sends one request to the REST API at {base} and gives status, headers and body of the answer. Paths are "
        "relative to that address. Credentials are added for you and cannot be set or read."
    )


def input_schema(methods: Sequence[str]) -> JsonObject:
    """The parameters of the tool."""
    scalar: JsonValue = {"type": ["string", "number", "boolean"]}
    return {
        "type": "object",
        "properties": {
            "method": {"type": "string", "enum": list(methods)},
            "path": {"type": "string", "description": "Begins with a slash, for example /tickets/42. No query."},
            "query": {
                "type": "object",
                "description": "Query parameters; a list repeats its parameter.",
                "additionalProperties": {"anyOf": [scalar, {"type": "array", "items": scalar}]},
            },
            "json": {"description": "A JSON value to send as the body."},
            "body": {"type": "string", "description": "Text to send as the body instead of json."},
            "headers": {
                "type": "object",
                "description": f"Allowed: {', '.join(sorted(SAFE_HEADERS))}.",
                "additionalProperties": {"type": "string"},
            },
        },
        "required": ["method", "path"],
        "additionalProperties": False,
    }
