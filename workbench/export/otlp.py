"""Spans in the JSON form of the OpenTelemetry protocol: one `ExportTraceServiceRequest`, as a collector takes it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from workbench import __version__
from workbench.export.spans import Kind, Span, Value, spans_of
from workbench.jsontypes import JsonObject, JsonValue
from workbench.trace.events import Event

SERVICE = "agent-workbench"
"""The service and the instrumentation scope that spans are from."""

_KINDS: Mapping[Kind, int] = {"internal": 1, "client": 3}
_ERROR = 2
_SURROGATE = re.compile("[\ud800-\udfff]")


def traces_of(events: Iterable[Event], *, content: bool = False) -> JsonObject:
    """The spans of a run as one request; `content` as in `spans_of`.

    Raises:
        ValueError: there are no events, or they do not begin with `run_started`.
    """
    return traces(spans_of(events, content=content))


def traces(spans: Sequence[Span]) -> JsonObject:
    """The request that carries these spans."""
    scope: JsonObject = {"name": SERVICE, "version": __version__}
    resource: JsonObject = {"attributes": _attributes({"service.name": SERVICE, "service.version": __version__})}
    return {
        "resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": scope, "spans": [_span(s) for s in spans]}]}]
    }


def _span(span: Span) -> JsonObject:
    found: dict[str, JsonValue] = {
        "traceId": span.trace_id,
        "spanId": span.span_id,
        "name": _clean(span.name),
        "kind": _KINDS[span.kind],
        "startTimeUnixNano": str(span.start),
        "endTimeUnixNano": str(max(span.start, span.end)),
        "attributes": _attributes(span.attributes),
        "status": {} if span.error is None else {"code": _ERROR, "message": _clean(span.error)},
    }
    if span.parent_id is not None:
        found["parentSpanId"] = span.parent_id
    if span.events:
        found["events"] = [
            {"name": event.name, "timeUnixNano": str(event.time), "attributes": _attributes(event.attributes)}
            for event in span.events
        ]
    if span.link is not None:
        found["links"] = [{"traceId": span.link[0], "spanId": span.link[1]}]
    return found


def _attributes(values: Mapping[str, Value]) -> list[JsonObject]:
    return [{"key": name, "value": _value(value)} for name, value in values.items()]


def _value(value: Value) -> JsonObject:
    """A value with its type; whole numbers are texts, as in every JSON form of 64 bits."""
    if isinstance(value, str):
        return {"stringValue": _clean(value)}
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    return {"arrayValue": {"values": [{"stringValue": _clean(item)} for item in value]}}


def _clean(text: str) -> str:
    """Text that can be written as UTF-8."""
    return _SURROGATE.sub("\ufffd", text)
