"""OTLP/JSON as a collector decodes it: by the protocol's own definition, which refuses what it does not know."""

from __future__ import annotations

import base64
import json
from typing import Any

from google.protobuf.json_format import Parse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

_IDS = {"traceId": 32, "spanId": 16, "parentSpanId": 16}


def decode(text: str | bytes) -> Any:
    """The request. OTLP/JSON writes ids as hex digits, where the JSON of protocol buffers has base64."""
    return Parse(json.dumps(_with_base64_ids(json.loads(text))), ExportTraceServiceRequest())


def _with_base64_ids(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_base64_ids(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: _id(name, item) if name in _IDS else _with_base64_ids(item) for name, item in value.items()}


def _id(name: str, digits: str) -> str:
    assert len(digits) == _IDS[name]
    return base64.b64encode(bytes.fromhex(digits)).decode("ascii")
