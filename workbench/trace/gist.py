"""What an event says, on one line: for timelines, lists of runs and search results. Safe to print."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import singledispatch

from workbench.jsontypes import JsonObject, JsonValue
from workbench.trace.events import (
    Egress,
    EventData,
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
from workbench.trace.terminal import one_line

LIMIT = 200
"""Characters of a gist."""

_MAIN_ARGUMENTS: Mapping[str, Sequence[str]] = {
    "bash": ("command",),
    "read": ("file_path",),
    "write": ("file_path",),
    "edit": ("file_path",),
    "glob": ("pattern", "path"),
    "grep": ("pattern", "path"),
    "web_search": ("query",),
    "web_fetch": ("url",),
}
"""The arguments that tell what a well-known tool is asked to do, in the order in which a person would say them."""


def gist(data: EventData) -> str:
    """The event on one line of at most `LIMIT` characters, without control characters or terminal escapes."""
    return one_line(_text(data), LIMIT)


def call_text(tool: str, arguments: JsonObject) -> str:
    """A tool call as a person would say it: `bash  pytest -q`, `read  src/app.py`, `GET /tickets/12`."""
    if tool in _MAIN_ARGUMENTS:
        main = [_short(arguments[name]) for name in _MAIN_ARGUMENTS[tool] if arguments.get(name)]
        if main:
            return f"{tool}  {'  '.join(main)}"
    method, path = arguments.get("method"), arguments.get("path") or arguments.get("url")
    if isinstance(method, str) and isinstance(path, str):
        return f"{tool}  {method} {path}"
    said = "  ".join(f"{name}={_short(value)}" for name, value in list(arguments.items())[:8])
    return f"{tool}  {said}".rstrip()


def short_content(content: Sequence[JsonObject] | None) -> str:
    """Content blocks as text, each cut where no gist could show more of it; what is no text by its kind.

    `whole_text.content_text` is all of it.
    """
    return "\n".join(_block_text(block) for block in content or ())


@singledispatch
def _text(data: EventData) -> str:
    raise TypeError(f"no gist for {type(data).__name__}")


@_text.register
def _(data: RunStarted) -> str:
    return data.input


@_text.register
def _(data: ModelRequest) -> str:
    return f"{data.model}  {_counted(data.message_count, 'message')}"


@_text.register
def _(data: ModelResponse) -> str:
    usage = data.usage
    return f"{data.stop_reason or 'no stop reason'}  {usage.total_input_tokens:,} in  {usage.output_tokens:,} out"


@_text.register
def _(data: Reasoning) -> str:
    return "(not captured)" if data.text is None else data.text


@_text.register
def _(data: Message) -> str:
    return data.text


@_text.register
def _(data: ToolCall) -> str:
    if data.arguments is None:
        return f"{data.tool}  (not captured, {data.arguments_bytes:,} bytes)"
    return call_text(data.tool, data.arguments)


@_text.register
def _(data: ToolResult) -> str:
    marks = ["error"] if data.is_error and not data.exit_code else []
    if data.exit_code:
        marks.append(f"exit {data.exit_code}")
    if data.truncated:
        marks.append("truncated")
    text = short_content(data.content) if data.content is not None else f"(not captured, {data.content_bytes:,} bytes)"
    return f"{', '.join(marks)}: {text or '(empty)'}" if marks else text or "(empty)"


@_text.register
def _(data: Egress) -> str:
    return f"{data.decision} {data.host}:{data.port}" + (f"  {data.reason}" if data.reason else "")


@_text.register
def _(data: Permission) -> str:
    return f"{data.state} {data.tool}" + (f"  {data.reason}" if data.reason else "")


@_text.register
def _(data: Notice) -> str:
    return data.text


@_text.register
def _(data: RunCompleted) -> str:
    return data.output


@_text.register
def _(data: RunFailed) -> str:
    return f"{data.error}: {data.message}"


def _short(value: JsonValue) -> str:
    """An argument, cut where no gist could show more of it."""
    if isinstance(value, str):
        return value[: LIMIT * 8]
    if isinstance(value, Mapping):
        return f"{{{', '.join(list(value)[:4])}{', …' if len(value) > 4 else ''}}}"
    if isinstance(value, Sequence):
        return f"[{_counted(len(value), 'item')}]"
    return json.dumps(value)


def _block_text(block: JsonObject) -> str:
    text = block.get("text")
    if isinstance(text, str):
        return text[: LIMIT * 8]
    return f"[{block.get('type', 'content')}]"


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
