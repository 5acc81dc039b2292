"""All that an event holds, as text for people; what its row says already is left out."""

from __future__ import annotations

import json
from collections.abc import Sequence

from workbench.jsontypes import JsonObject, JsonValue
from workbench.trace.events import (
    Egress,
    EventData,
    FileChange,
    Message,
    ModelRequest,
    ModelResponse,
    Notice,
    Permission,
    Reasoning,
    RunCompleted,
    RunFailed,
    RunStarted,
    ToolCall,
    ToolResult,
)
from workbench.trace.whole_text import content_text


def body_of(data: EventData) -> str:
    """The content of an event, empty where its row says everything."""
    match data:
        case RunStarted():
            return f"{data.input}\n\n--- definition ---\n{_json(data.definition)}"
        case ModelRequest():
            return _request(data)
        case ModelResponse():
            return _json({"usage": _usage(data), "request_id": data.request_id, "stop_details": data.stop_details})
        case Reasoning(text=text) | Message(text=text):
            return text or ""
        case ToolCall():
            return "" if data.arguments is None else _json(data.arguments)
        case ToolResult():
            return _result(data)
        case Notice():
            return data.text if data.data is None else f"{data.text}\n{_json(data.data)}"
        case RunCompleted():
            return data.output
        case RunFailed():
            details = _json(data.details) if data.details else None
            return "\n".join(filter(None, [data.message, details, data.stack_trace]))
        case Egress() | Permission():
            return ""


def _request(data: ModelRequest) -> str:
    parts = [f"{data.messages_kept} messages as before, and:\n{_json(list(data.messages_added))}"]
    if data.system is not None:
        parts.insert(0, f"--- system ---\n{content_text(data.system)}")
    if data.tools is not None:
        names = ", ".join(str(tool.get("name")) for tool in data.tools)
        parts.append(f"--- tools ---\n{names}")
    return "\n\n".join(parts)


def _result(data: ToolResult) -> str:
    return content_text(data.content) + _files(data.changed)


def _files(changed: Sequence[FileChange]) -> str:
    lines = [f"{change.change} {change.path}" for change in changed]
    return "\n\n--- files ---\n" + "\n".join(lines) if lines else ""


def _usage(data: ModelResponse) -> JsonObject:
    usage = data.usage
    return {
        "input": usage.input_tokens,
        "cache read": usage.cache_read_tokens,
        "cache write 5 m": usage.cache_write_5m_tokens,
        "cache write 1 h": usage.cache_write_1h_tokens,
        "output": usage.output_tokens,
        "thinking": usage.thinking_tokens,
    }


def _json(value: JsonValue) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
