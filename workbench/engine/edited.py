"""What a person put in place of a reply or a tool result, in the form in which the run would have had it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from workbench.engine.replay_request import EditedResult
from workbench.jsontypes import JsonObject
from workbench.model.conversation import Reply
from workbench.trace.digest import digest
from workbench.trace.events import ToolResult
from workbench.trace.tape import TapedTurn


def edited_reply(turn: TapedTurn, blocks: Sequence[JsonObject]) -> Reply:
    """A reply of these content blocks in place of the turn's own; tool calls without an id get one."""
    response = turn.reply
    if response is None:
        raise ValueError(f"the tape has no reply at step {turn.step}")
    content = [_with_id(block, turn.step, index) for index, block in enumerate(blocks, start=1)]
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


def edited_result(result: ToolResult, edit: EditedResult) -> ToolResult:
    """The tool result with the content that a person gave it."""
    content = list(edit.content)
    return replace(
        result,
        content=content,
        content_bytes=len(json.dumps(content, ensure_ascii=False).encode("utf-8", "surrogatepass")),
        is_error=edit.is_error,
        exit_code=None,
        truncated=False,
        digest=digest({"content": content, "is_error": edit.is_error}),
        origin="edited",
    )


def _with_id(block: JsonObject, step: int, index: int) -> JsonObject:
    if block.get("type") != "tool_use" or block.get("id"):
        return block
    return {**block, "id": f"toolu_edited_{step}_{index}"}
