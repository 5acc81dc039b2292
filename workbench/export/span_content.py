"""What was said in a run, in the form in which the conventions put it on spans. It is only exported on demand."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from workbench.jsontypes import JsonObject, JsonValue
from workbench.trace.events import ModelRequest, ModelResponse, RunCompleted, RunStarted, ToolCall, ToolResult
from workbench.trace.whole_text import content_text

Attributes = Mapping[str, str]


class SpanContent:
    """Keeps the conversation, since a request's event holds only what was added to it."""

    def __init__(self) -> None:
        self._messages: list[JsonObject] = []
        self._system: Sequence[JsonObject] = ()
        self._tools: Sequence[JsonObject] = ()

    def asked(self, data: ModelRequest) -> None:
        """A request was sent."""
        self._messages = [*self._messages[: data.messages_kept], *data.messages_added]
        self._system = self._system if data.system is None else data.system
        self._tools = self._tools if data.tools is None else data.tools

    def of_start(self, data: RunStarted) -> Attributes:
        """The run's input."""
        return {"gen_ai.input.messages": _json([{"role": "user", "parts": [_text(data.input)]}])}

    def of_request(self) -> Attributes:
        """The last request: instructions, tools and the whole conversation."""
        found = {"gen_ai.input.messages": _json([_message(message) for message in self._messages])}
        if self._system:
            found["gen_ai.system_instructions"] = _json([_text(content_text([block])) for block in self._system])
        if self._tools:
            found["gen_ai.tool.definitions"] = _json([_tool(tool) for tool in self._tools])
        return found

    def of_reply(self, data: ModelResponse) -> Attributes:
        """The reply."""
        if data.content is None:
            return {}
        parts = [_part(block) for block in data.content]
        return {"gen_ai.output.messages": _json([_answer(parts, data.stop_reason)])}

    def of_call(self, data: ToolCall) -> Attributes:
        """What a tool was called with."""
        return {} if data.arguments is None else {"gen_ai.tool.call.arguments": _json(data.arguments)}

    def of_result(self, data: ToolResult) -> Attributes:
        """What a tool gave back."""
        return {} if data.content is None else {"gen_ai.tool.call.result": _json(list(data.content))}

    def of_end(self, data: RunCompleted) -> Attributes:
        """The run's answer."""
        return {"gen_ai.output.messages": _json([_answer([_text(data.output)], data.stop_reason)])}


def _answer(parts: Sequence[JsonObject], stop_reason: str | None) -> JsonObject:
    return {"role": "assistant", "parts": list(parts), "finish_reason": stop_reason or "unknown"}


def _message(message: JsonObject) -> JsonObject:
    content = message.get("content")
    blocks: Sequence[JsonValue] = [{"type": "text", "text": content}] if isinstance(content, str) else _items(content)
    parts = [_part(block) for block in blocks if isinstance(block, Mapping)]
    results = bool(parts) and all(part["type"] == "tool_call_response" for part in parts)
    return {"role": "tool" if results else str(message.get("role")), "parts": parts}


def _part(block: JsonObject) -> JsonObject:
    match block.get("type"):
        case "text":
            return _text(str(block.get("text", "")))
        case "thinking":
            return {"type": "reasoning", "content": str(block.get("thinking", ""))}
        case "tool_use":
            return {"type": "tool_call", **_named(block), "arguments": block.get("input")}
        case "tool_result":
            return {"type": "tool_call_response", "id": block.get("tool_use_id"), "response": block.get("content")}
        case "server_tool_use":
            call = {"type": str(block.get("name")), "arguments": block.get("input")}
            return {"type": "server_tool_call", **_named(block), "server_tool_call": call}
        case kind:
            return {"type": str(kind)}


def _named(block: JsonObject) -> JsonObject:
    return {"id": block.get("id"), "name": block.get("name")}


def _tool(tool: JsonObject) -> JsonObject:
    if "input_schema" not in tool:
        return {"type": "extension", "name": tool.get("name")}
    return {
        "type": "function",
        "name": tool.get("name"),
        "description": tool.get("description"),
        "parameters": tool.get("input_schema"),
    }


def _text(text: str) -> JsonObject:
    return {"type": "text", "content": text}


def _items(value: JsonValue) -> Sequence[JsonValue]:
    return value if isinstance(value, Sequence) and not isinstance(value, str) else ()


def _json(value: JsonValue) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
