"""What of a reply and of tool calls enters the trace, by the agent's `observability` settings."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.jsontypes import JsonObject
from workbench.trace.events import Captured

THINKING_TYPES = frozenset({"thinking", "redacted_thinking"})
_CALL_TYPES = frozenset({"tool_use", "server_tool_use"})


def captured_messages(messages: Sequence[JsonObject], captured: Captured) -> list[JsonObject]:
    """Messages of a request as the trace may hold them."""
    if captured.tool_calls and captured.reasoning:
        return list(messages)
    return [{**message, "content": captured_content(blocks_of(message), captured)} for message in messages]


def captured_content(content: Sequence[JsonObject], captured: Captured) -> list[JsonObject]:
    """Content blocks as the trace may hold them; what is left out is marked by `"captured": false`."""
    return [_captured_block(block, captured) for block in content]


def without_thinking(messages: Sequence[JsonObject]) -> list[JsonObject]:
    """Messages without thinking blocks: what a digest compares.

    Thinking is a by-product of the model that may be left out of a trace; two requests that differ only in it are the
    same question.
    """
    return [{**message, "content": without_thinkingblocks_of(blocks_of(message))} for message in messages]


def without_thinkingblocks_of(content: Sequence[JsonObject]) -> list[JsonObject]:
    """Content blocks without thinking."""
    return [block for block in content if block.get("type") not in THINKING_TYPES]


def sendable(messages: Sequence[JsonObject]) -> list[JsonObject]:
    """Messages as a model may be sent them: thinking that was not captured is left out.

    Raises:
        NotCapturedError: a tool call or its result was not captured, so that the history has a hole.
    """
    return [_sendable(message) if _has_holes(message) else message for message in messages]


def lacks_thinking(messages: Sequence[JsonObject]) -> bool:
    """Whether the last reply is to be answered with tool results and does not begin with its thinking."""
    if len(messages) < 2 or not any(block.get("type") == "tool_result" for block in blocks_of(messages[-1])):
        return False
    first = next(iter(blocks_of(messages[-2])), None)
    return first is None or first.get("type") not in THINKING_TYPES or first.get("captured") is False


class NotCapturedError(Exception):
    """The history holds tool calls whose contents were not captured."""


def _has_holes(message: JsonObject) -> bool:
    return any(block.get("captured") is False for block in blocks_of(message))


def _sendable(message: JsonObject) -> JsonObject:
    kept = [block for block in blocks_of(message) if block.get("type") not in THINKING_TYPES or "captured" not in block]
    if any(block.get("captured") is False for block in kept):
        raise NotCapturedError
    return {**message, "content": kept}


def blocks_of(message: JsonObject) -> Sequence[JsonObject]:
    """A message's content blocks; plain text as one text block."""
    content = message["content"]
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [block for block in content if isinstance(block, dict)] if isinstance(content, list | tuple) else []


def _captured_block(block: JsonObject, captured: Captured) -> JsonObject:
    kind = block.get("type")
    if kind in THINKING_TYPES and not captured.reasoning:
        return {"type": kind, "captured": False}
    if kind in _CALL_TYPES and not captured.tool_calls:
        return {"type": kind, "id": block.get("id"), "name": block.get("name"), "captured": False}
    if str(kind).endswith("tool_result") and not captured.tool_calls:
        return {"type": kind, "tool_use_id": block.get("tool_use_id"), "captured": False}
    return block
