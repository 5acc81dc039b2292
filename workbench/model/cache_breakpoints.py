"""Where a request tells the prompt cache to remember: at most four breakpoints, set only when a request is sent.

A breakpoint writes the prompt up to it and finds what an earlier request wrote there, or at one of the 20 blocks
before it. A turn with many parallel calls adds more blocks than that, so the end of the previous user message, where
the request before this one had its last breakpoint, is marked as well: that prefix is always found again.
"""

from __future__ import annotations

from collections.abc import Sequence

from workbench.jsontypes import JsonObject
from workbench.model.reading import as_blocks, as_objects

_MARK: JsonObject = {"type": "ephemeral"}
_UNMARKABLE = frozenset({"thinking", "redacted_thinking"})


def with_breakpoints(body: JsonObject) -> JsonObject:
    """The body of a request with its breakpoints.

    They stand at the end of the system prompt (which covers the tools; without one, at the last tool), of the last
    message, and of the last user message before that. They live for 5 minutes.
    """
    marked = dict(body)
    if system := as_objects(body.get("system")):
        marked["system"] = [*system[:-1], _marked(system[-1])]
    elif tools := as_objects(body.get("tools")):
        marked["tools"] = [*tools[:-1], _marked(tools[-1])]
    marked["messages"] = _marked_messages(as_objects(body.get("messages")))
    return marked


def _marked_messages(messages: Sequence[JsonObject]) -> Sequence[JsonObject]:
    marked = list(messages)
    users_before = [at for at, message in enumerate(messages[:-1]) if message.get("role") == "user"]
    for at in [*users_before[-1:], *range(len(messages))[-1:]]:
        marked[at] = _marked_message(messages[at])
    return marked


def _marked_message(message: JsonObject) -> JsonObject:
    blocks = list(as_blocks(message.get("content")))
    markable = [at for at, block in enumerate(blocks) if _is_markable(block)]
    if not markable:
        return message
    blocks[markable[-1]] = _marked(blocks[markable[-1]])
    return {**message, "content": blocks}


def _is_markable(block: JsonObject) -> bool:
    return block.get("type") not in _UNMARKABLE and block.get("text") != ""


def _marked(block: JsonObject) -> JsonObject:
    return {**block, "cache_control": _MARK}
