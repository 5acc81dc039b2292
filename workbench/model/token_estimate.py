"""How many tokens a text is, estimated: the same on every machine, without a tokenizer and without asking anyone.

A token is taken for 3.5 bytes of UTF-8, as in English prose and JSON; models with the newer tokenizer (Opus 4.7 and
later) take 30 % more. A message costs 4 tokens and a call or its result 8 besides what they hold, an image 1,600, a
document 3,000, and having tools at all 300 for the vendor's own words about them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

from workbench.jsontypes import JsonObject
from workbench.model.capabilities import capabilities
from workbench.model.reading import as_blocks, as_object, as_objects, as_text

_BYTES_PER_TOKEN = 3.5
_MESSAGE, _CALL, _TOOLS = 4, 8, 300
_FIXED = {"image": 1_600, "document": 3_000}
_SORTED = json.JSONEncoder(ensure_ascii=False, sort_keys=True)
"""Kept, because making one takes as long as writing a short block, and a long prompt has many."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a prompt at whose end a breakpoint can stand: a tool, a block of the system prompt or of a message.

    `content` tells it from others, `lifetime` is that of the breakpoint at its end (5m or 1h), None without one.
    """

    content: str
    tokens: int
    lifetime: str | None = None


def text_tokens(text: str, model: str) -> int:
    """The tokens of a text for a model; none for an empty one."""
    if not text:
        return 0
    size = len(text.encode("utf-8", "surrogatepass"))
    return math.ceil(size / _BYTES_PER_TOKEN * capabilities(model).tokens_per_text)


def segments(body: JsonObject) -> Sequence[Segment]:
    """The prompt of a request, in the order in which the model and its cache see it: tools, system, messages."""
    model = as_text(body.get("model"))
    found: list[Segment] = []
    for at, tool in enumerate(as_objects(body.get("tools"))):
        plain = _plain_text(tool)
        tokens = text_tokens(plain, model) + (_TOOLS if at == 0 else 0)
        found.append(Segment(f"tool {plain}", tokens, _lifetime(tool)))
    for block in as_blocks(body.get("system")):
        found.append(_block_segment("system", block, model, 0))
    found.append(Segment(f"settings {json.dumps([body.get('thinking'), body.get('tool_choice')])}", 0))
    for message in as_objects(body.get("messages")):
        for at, block in enumerate(as_blocks(message.get("content"))):
            found.append(_block_segment(as_text(message.get("role")), block, model, _MESSAGE if at == 0 else 0))
    return found


def prompt_tokens(prompt: Sequence[Segment]) -> int:
    """The tokens of a whole prompt."""
    return sum(segment.tokens for segment in prompt)


def output_tokens(content: Sequence[JsonObject], model: str) -> tuple[int, int]:
    """The tokens of a reply's content, and how many of them are thinking; at least 1, as the API counts."""
    thinking = sum(block_tokens(block, model) for block in content if block.get("type") == "thinking")
    own = [block for block in content if not as_text(block.get("type")).endswith("_tool_result")]
    return max(1, sum(block_tokens(block, model) for block in own)), thinking


def block_tokens(block: JsonObject, model: str) -> int:
    """The tokens of a content block."""
    kind = as_text(block.get("type"))
    if kind in _FIXED:
        return _FIXED[kind]
    if kind in ("text", "thinking"):
        return text_tokens(as_text(block.get(kind)), model)
    if kind in ("tool_use", "server_tool_use"):
        call = as_text(block.get("name")) + json.dumps(as_object(block.get("input")), ensure_ascii=False)
        return _CALL + text_tokens(call, model)
    if kind == "tool_result":
        return _CALL + sum(block_tokens(inner, model) for inner in as_blocks(block.get("content")))
    return text_tokens(_plain_text(block), model)


def without_breakpoint(block: JsonObject) -> JsonObject:
    """The block without its breakpoint, which is no part of the prompt."""
    return {name: value for name, value in block.items() if name != "cache_control"}


def _block_segment(role: str, block: JsonObject, model: str, extra: int) -> Segment:
    return Segment(f"{role} {_plain_text(block)}", block_tokens(block, model) + extra, _lifetime(block))


def _plain_text(block: JsonObject) -> str:
    return _SORTED.encode(without_breakpoint(block) if "cache_control" in block else block)


def _lifetime(block: JsonObject) -> str | None:
    control = block.get("cache_control")
    return (as_text(as_object(control).get("ttl")) or "5m") if control else None
