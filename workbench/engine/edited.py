"""What a person put in place of a reply or a tool result, in the form in which the run would have had it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from workbench.engine.replay_request import EditedResult
from workbench.jsontypes import JsonObject
from workbench.model.conversation import Reply
from workbench.trace.digest import digest
from workbench.trace.events import ToolCall, ToolResult
from workbench.trace.tape import TapedCall, TapedTurn


def edited_reply(turn: TapedTurn, blocks: Sequence[JsonObject]) -> Reply:
    """A reply of these content blocks in place of the turn's own; tool calls without an id get one."""
    response = turn.reply
    if response is None:
        raise ValueError(f"the tape has no reply at step {turn.step}")
    content = [_with_id(block, turn.step, index) for index, block in enumerate(_without_blank(blocks), start=1)]
    calls = any(block.get("type") == "tool_use" for block in content)
    return Reply(
        model=response.model,
        content=content,
        stop_reason="tool_use" if calls else "end_turn",
        usage=response.usage,
        duration=response.duration,
        time_to_first_token=response.time_to_first_token,
        message_id=response.message_id,
        origin="edited",
    )


def fault_of_reply(blocks: Sequence[JsonObject]) -> str | None:
    """Why these blocks can be no reply, in words that follow "the reply", None if they can be one."""
    if not _without_blank(blocks):
        return "is empty: it needs at least one text or one tool call"
    for number, block in enumerate(blocks, start=1):
        fault = _fault_of_block(block)
        if fault is not None:
            return f"cannot be: block {number} {fault}"
    ids = [call["id"] for call in calls_in(blocks) if call.get("id")]
    if len(set(map(str, ids))) < len(ids):
        return "cannot be: two of its tool calls have the same id; leave the id out of new ones"
    return None


def calls_in(blocks: Sequence[JsonObject]) -> Sequence[JsonObject]:
    """The tool calls of a reply."""
    return [block for block in blocks if block.get("type") == "tool_use"]


def call_by_hand(turn: TapedTurn, call: JsonObject, index: int, edit: EditedResult) -> TapedCall:
    """An edited call with the result that a person wrote for it; no tool is asked."""
    name, arguments = str(call["name"]), call.get("input")
    arguments = arguments if isinstance(arguments, dict) else {}
    call_id = str(call["id"])
    server = next((taped.call.server for taped in turn.calls if taped.call.tool == name), "unknown")
    made = ToolCall(
        call_id=call_id,
        index=index,
        tool=name,
        server=server,
        arguments=arguments,
        arguments_bytes=_size(arguments),
        digest=digest({"tool": name, "arguments": arguments}),
        origin="edited",
    )
    empty = ToolResult(call_id, name, server, content=(), content_bytes=0, is_error=False, latency=0.0)
    return TapedCall(made, edited_result(empty, edit))


def edited_result(result: ToolResult, edit: EditedResult) -> ToolResult:
    """The tool result with the content that a person gave it."""
    content = _without_blank(edit.content)
    return replace(
        result,
        content=content,
        content_bytes=_size(content),
        is_error=edit.is_error,
        exit_code=None,
        truncated=False,
        digest=digest({"content": content, "is_error": edit.is_error}),
        origin="edited",
    )


def _fault_of_block(block: JsonObject) -> str | None:
    if not isinstance(block.get("type"), str):
        return 'has no "type", such as "text" or "tool_use"'
    if block["type"] == "text" and not isinstance(block.get("text"), str):
        return 'is text and needs a "text"'
    if block["type"] != "tool_use" or block.get("captured") is False:
        return None
    if not isinstance(block.get("name"), str) or not block["name"]:
        return 'is a tool call and needs the "name" of a tool'
    return None if isinstance(block.get("input"), dict) else 'is a tool call and needs an object as its "input"'


def _without_blank(blocks: Sequence[JsonObject]) -> list[JsonObject]:
    """The blocks without texts of nothing but white space, which the Messages API refuses."""
    return [block for block in blocks if block.get("type") != "text" or str(block.get("text", "")).strip()]


def _size(value: object) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"))


def _with_id(block: JsonObject, step: int, index: int) -> JsonObject:
    if block.get("type") != "tool_use" or block.get("id"):
        return block
    return {**block, "id": f"toolu_edited_{step}_{index}"}
