"""What the Messages API refuses about a request, so that offline runs fail where live ones would."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from workbench.jsontypes import JsonObject, JsonValue
from workbench.model.capabilities import capabilities
from workbench.model.offline_content import signature
from workbench.model.reading import as_blocks, as_list, as_object, as_objects, as_text

_FIELDS = frozenset(
    {
        "model",
        "messages",
        "max_tokens",
        "system",
        "tools",
        "tool_choice",
        "thinking",
        "output_config",
        "metadata",
        "stop_sequences",
        "stream",
        "cache_control",
        "container",
        "diagnostics",
        "inference_geo",
        "service_tier",
        "speed",
    }
)
_TOOL_NAME = re.compile(r"[A-Za-z0-9_-]{1,128}")
_MOST_BREAKPOINTS = 4


def fault_in(body: JsonObject, prompt_tokens: int) -> str | None:
    """What the API would say against a request of so many tokens, None if it would take it."""
    return next(_faults(body, prompt_tokens), None)


def _faults(body: JsonObject, prompt_tokens: int) -> Iterator[str]:
    for name, value in body.items():
        if name not in _FIELDS:
            yield f"{name}: Extra inputs are not permitted"
        elif value is None:
            yield f"{name}: Input should not be null"
    if not as_text(body.get("model")):
        yield "model: Field required"
    max_tokens = body.get("max_tokens")
    if not isinstance(max_tokens, int) or isinstance(max_tokens, bool) or max_tokens < 1:
        yield "max_tokens: Input should be a whole number greater than 0"
    yield from _tool_faults(as_objects(body.get("tools")))
    messages = as_list(body.get("messages"))
    yield from _message_faults(messages)
    yield from _pairing_faults(as_objects(messages))
    yield from _breakpoint_faults(body)
    window = capabilities(as_text(body.get("model"))).context_window
    if prompt_tokens > window:
        yield f"prompt is too long: {prompt_tokens} tokens > {window} maximum"


def _tool_faults(tools: Sequence[JsonObject]) -> Iterator[str]:
    for at, tool in enumerate(tools):
        name = as_text(tool.get("name"))
        if not _TOOL_NAME.fullmatch(name):
            yield f"tools.{at}.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'"
        if "type" not in tool and as_object(tool.get("input_schema")).get("type") != "object":
            yield f"tools.{at}.input_schema.type: Input should be 'object'"
    for name, number in Counter(as_text(tool.get("name")) for tool in tools).items():
        if number > 1:
            yield f"tools: Tool names must be unique, {name} is not."


def _message_faults(messages: Sequence[JsonValue]) -> Iterator[str]:
    if not messages:
        yield "messages: at least one message is required"
    elif as_object(messages[0]).get("role") != "user":
        yield "messages: first message must use the user role"
    for at, message in enumerate(messages):
        content = as_object(message).get("content")
        if as_object(message).get("role") not in ("user", "assistant"):
            yield f"messages.{at}.role: Input should be 'user' or 'assistant'"
        if not as_blocks(content):
            yield f"messages.{at}: all messages must have non-empty content"
        for inner, block in enumerate(as_blocks(content)):
            yield from _block_faults(f"messages.{at}.content.{inner}", block)


def _block_faults(where: str, block: JsonObject) -> Iterator[str]:
    kind = as_text(block.get("type"))
    if not kind:
        yield f"{where}.type: Field required"
    for name, value in block.items():
        if value is None and name not in ("cache_control", "citations"):
            yield f"{where}.{kind}.{name}: Input should not be null"
    if kind == "text" and not as_text(block.get("text")).strip():
        yield f"{where}.text: text content blocks must contain non-whitespace text"
    if kind == "tool_use" and not isinstance(block.get("input"), dict):
        yield f"{where}.tool_use.input: Input should be a valid dictionary"
    if kind in ("thinking", "redacted_thinking") and "cache_control" in block:
        yield f"{where}.{kind}.cache_control: Extra inputs are not permitted"
    if kind == "thinking" and as_text(block.get("signature")) != signature(as_text(block.get("thinking"))):
        yield f"{where}: `thinking` blocks in an assistant message cannot be modified"
    if kind == "tool_result":
        for at, inner in enumerate(as_blocks(block.get("content"))):
            yield from _block_faults(f"{where}.tool_result.content.{at}", inner)


def _pairing_faults(messages: Sequence[JsonObject]) -> Iterator[str]:
    """Every call is answered in the next message, and nothing else is."""
    wanted: list[str] = []
    seen: set[str] = set()
    for at, message in enumerate(messages):
        blocks = as_blocks(message.get("content"))
        given = [as_text(block.get("tool_use_id")) for block in blocks if block.get("type") == "tool_result"]
        for name in given:
            if name not in wanted:
                yield f"messages.{at}: unexpected `tool_use_id` found in `tool_result` blocks: {name}"
        if missing := [name for name in wanted if name not in given]:
            ids = ", ".join(missing)
            yield f"messages.{at - 1}: `tool_use` ids were found without `tool_result` blocks immediately after: {ids}"
        wanted = [as_text(block.get("id")) for block in blocks if block.get("type") == "tool_use"]
        if seen & set(wanted) or len(set(wanted)) < len(wanted):
            yield f"messages.{at}: `tool_use` ids must be unique"
        seen.update(wanted)
    if wanted:
        ids = ", ".join(wanted)
        yield f"messages.{len(messages) - 1}: `tool_use` ids were found without `tool_result` blocks: {ids}"


def _breakpoint_faults(body: JsonObject) -> Iterator[str]:
    blocks = [*as_objects(body.get("tools")), *as_blocks(body.get("system"))]
    for message in as_objects(body.get("messages")):
        blocks.extend(as_blocks(message.get("content")))
    number = sum(1 for block in blocks if block.get("cache_control"))
    if number > _MOST_BREAKPOINTS:
        yield f"A maximum of {_MOST_BREAKPOINTS} blocks with cache_control may be provided. Found {number}."
