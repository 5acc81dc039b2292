"""A reply as events: the response itself, then its parts in order: reasoning, text, the vendor's own tool calls."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from workbench.engine.capture import THINKING_TYPES, captured_content
from workbench.engine.recorder import Recorder
from workbench.jsontypes import JsonObject
from workbench.model.conversation import Reply
from workbench.trace.digest import digest
from workbench.trace.events import Captured, Message, ModelResponse, Origin, Reasoning, ToolCall, ToolResult
from workbench.trace.tape import VENDOR


def record_reply(record: Recorder, reply: Reply, captured: Captured, cost: Decimal | None) -> None:
    """Record a reply that cost `cost` USD, None where the price is unknown."""
    record(
        ModelResponse(
            model=reply.model,
            content=captured_content(reply.content, captured),
            stop_reason=reply.stop_reason,
            usage=reply.usage,
            cost_usd=cost,
            duration=reply.duration,
            time_to_first_token=reply.time_to_first_token,
            request_id=reply.request_id,
            message_id=reply.message_id,
            stop_details=reply.stop_details,
            origin=reply.origin,
        )
    )
    for block in reply.content:
        _record_block(record, block, reply, captured)


def _record_block(record: Recorder, block: JsonObject, reply: Reply, captured: Captured) -> None:
    kind = str(block.get("type"))
    if kind in THINKING_TYPES:
        text = block.get("thinking") if captured.reasoning else None
        record(Reasoning(str(text) if text else None, reply.thinking_duration, reply.origin))
    elif kind == "text" and block.get("text"):
        record(Message(str(block["text"]), reply.origin))
    elif kind == "server_tool_use":
        record(_vendor_call(block, captured, reply.origin))
    elif kind.endswith("_tool_result"):
        record(_vendor_result(block, captured, reply.origin))


def _vendor_call(block: JsonObject, captured: Captured, origin: Origin) -> ToolCall:
    arguments = block.get("input")
    arguments = arguments if isinstance(arguments, dict) else {}
    name = str(block.get("name"))
    return ToolCall(
        call_id=str(block.get("id")),
        index=1,
        tool=name,
        server=VENDOR,
        arguments=arguments if captured.tool_calls else None,
        arguments_bytes=len(str(arguments)),
        digest=digest({"tool": name, "arguments": arguments}),
        origin=origin,
    )


def _vendor_result(block: JsonObject, captured: Captured, origin: Origin) -> ToolResult:
    content = block.get("content")
    failed = isinstance(content, dict) and "error_code" in content
    blocks: Sequence[JsonObject] = [content] if isinstance(content, dict) else list(content or [])  # type: ignore[arg-type]
    return ToolResult(
        call_id=str(block.get("tool_use_id")),
        tool=str(block.get("type", "")).removesuffix("_tool_result"),
        server=VENDOR,
        content=blocks if captured.tool_calls else None,
        content_bytes=len(str(content)),
        is_error=failed,
        latency=0.0,
        digest=digest({"content": list(blocks), "is_error": failed}),
        origin=origin,
    )
