"""What a whole event holds, in parts that a person reads: facts, texts, JSON, differences, images by what they are."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import singledispatch
from itertools import chain
from typing import Literal

from workbench.jsontypes import JsonObject, JsonValue
from workbench.trace.events import (
    Egress,
    Event,
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
from workbench.trace.terminal import printable
from workbench.tui.event_facts import facts_of
from workbench.tui.json_lines import binary_facts, json_lines

Form = Literal["text", "json", "diff", "note"]

_JSON_TEXT_LIMIT = 1_000_000
"""Characters of a text result that is tried as JSON."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an event: a title, a text or a JSON value, and how to show it."""

    title: str
    form: Form
    value: JsonValue

    def lines(self) -> Iterator[str]:
        """The lines of the part, made as they are taken."""
        if self.form == "json":
            return json_lines(self.value)
        return iter(str(self.value).split("\n"))

    def head(self, limit: int) -> tuple[Sequence[str], bool]:
        """The lines of its first `limit` characters, and whether that is all."""
        if self.form != "json":
            text = str(self.value)
            return text[:limit].split("\n"), len(text) <= limit
        taken: list[str] = []
        left = limit
        for line in self.lines():
            if left <= 0:
                return taken, False
            taken.append(line[:left])
            left -= len(line) + 1
        return taken, left >= -1

    @property
    def suffix(self) -> str:
        """The ending of a file that holds it."""
        return {"json": ".json", "diff": ".diff"}.get(self.form, ".txt")

    @property
    def text(self) -> str:
        """The whole part as text, safe to print."""
        return printable("\n".join([*self.lines(), ""]), keep="\n\t")


def parts_of(event: Event) -> Sequence[Part]:
    """The parts of an event, the most important first."""
    return [part for part in _parts(event.data) if part.value not in (None, "", [], {}, ())]


def event_text(event: Event) -> str:
    """The whole event as text, to copy or to open in an editor; safe to print."""
    head = (f"{name}: {value}" for name, value in facts_of(event))
    body = chain.from_iterable(("", f"--- {part.title} ---", *part.lines()) for part in parts_of(event))
    return printable("\n".join([*head, *body, ""]), keep="\n\t")


@singledispatch
def _parts(data: EventData) -> Iterator[Part]:
    raise TypeError(f"no parts for {type(data).__name__}")


@_parts.register
def _(data: RunStarted) -> Iterator[Part]:
    yield from _text_parts("input", data.input)
    yield Part("definition", "json", data.definition)


@_parts.register
def _(data: ModelRequest) -> Iterator[Part]:
    yield Part("messages added", "json", data.messages_added)
    yield Part("parameters", "json", data.parameters)
    if data.system is not None:
        yield Part("system prompt", "text", "\n".join(_texts(data.system)))
    if data.tools is not None:
        yield Part("tools", "json", data.tools)


@_parts.register
def _(data: ModelResponse) -> Iterator[Part]:
    if data.content is None:
        yield Part("reply", "note", "The content was not captured.")
    for block in data.content or ():
        yield from _block_parts(block)
    if data.stop_details is not None:
        yield Part("stop details", "json", data.stop_details)


@_parts.register
def _(data: Reasoning) -> Iterator[Part]:
    if data.text is None:
        yield Part("reasoning", "note", "The text was not captured, or the model keeps it back.")
    else:
        yield Part("reasoning", "text", data.text)


@_parts.register
def _(data: Message) -> Iterator[Part]:
    yield Part("message", "text", data.text)


@_parts.register
def _(data: ToolCall) -> Iterator[Part]:
    if data.arguments is None:
        yield Part("arguments", "note", f"Not captured: {data.arguments_bytes:,} bytes.")
    else:
        yield from _argument_parts(data.tool, data.arguments)
    if data.container is not None:
        yield from _changes("files changed since the last call", data.container.changed)


@_parts.register
def _(data: ToolResult) -> Iterator[Part]:
    if data.content is None:
        yield Part("result", "note", f"Not captured: {data.content_bytes:,} bytes.")
    elif not any(data.content):
        yield Part("result", "note", "The result is empty.")
    for block in data.content or ():
        yield from _block_parts(block, "result")
    yield from _changes("files changed", data.changed)


@_parts.register
def _(data: Egress) -> Iterator[Part]:
    yield Part("reason", "text", data.reason)


@_parts.register
def _(data: Permission) -> Iterator[Part]:
    yield Part("reason", "text", data.reason)


@_parts.register
def _(data: Notice) -> Iterator[Part]:
    yield Part("notice", "text", data.text)
    yield Part("data", "json", data.data)


@_parts.register
def _(data: RunCompleted) -> Iterator[Part]:
    yield from _text_parts("output", data.output)


@_parts.register
def _(data: RunFailed) -> Iterator[Part]:
    yield Part("what happened", "text", data.message)
    yield Part("details", "json", data.details)
    yield Part("stack trace", "text", data.stack_trace)


def _argument_parts(tool: str, arguments: JsonObject) -> Iterator[Part]:
    """The arguments; those of the well-known tools as what they mean."""
    old, new, path = arguments.get("old_string"), arguments.get("new_string"), arguments.get("file_path")
    if tool == "edit" and isinstance(old, str) and isinstance(new, str):
        yield Part(f"edit of {path}", "diff", edit_diff(str(path), old, new))
    elif tool == "write" and isinstance(arguments.get("content"), str):
        yield Part(f"write to {path}", "text", arguments["content"])
    elif tool == "bash" and isinstance(arguments.get("command"), str):
        yield Part("command", "text", arguments["command"])
    yield Part("arguments", "json", arguments)


def edit_diff(path: str, old: str, new: str) -> str:
    """An edit as a unified difference of what it takes away and what it puts there."""
    removed, added = old.split("\n"), new.split("\n")
    first = 0
    while first < min(len(removed), len(added)) and removed[first] == added[first]:
        first += 1
    last = 0
    while last < min(len(removed), len(added)) - first and removed[-1 - last] == added[-1 - last]:
        last += 1
    lines = [f"--- {path}", f"+++ {path}", f"@@ {len(removed)} lines, {len(added)} after @@"]
    lines += [f" {line}" for line in removed[:first]]
    lines += [f"-{line}" for line in removed[first : len(removed) - last]]
    lines += [f"+{line}" for line in added[first : len(added) - last]]
    lines += [f" {line}" for line in removed[len(removed) - last :]]
    return "\n".join(lines)


def _block_parts(block: JsonObject, title: str = "text") -> Iterator[Part]:
    """A content block of the Messages API."""
    kind, text, source = block.get("type"), block.get("text"), block.get("source")
    if isinstance(text, str):
        yield from _text_parts(title, text)
    elif isinstance(source, Mapping) and (facts := binary_facts(source)):
        yield Part(str(kind), "note", facts)
    elif kind == "thinking" and isinstance(block.get("thinking"), str):
        yield Part("reasoning", "text", block["thinking"])
    elif kind in ("tool_use", "server_tool_use") and isinstance(block.get("input"), Mapping):
        yield Part(f"call of {block.get('name')}", "json", block["input"])
    else:
        yield Part(str(kind or "content"), "json", block)


def _text_parts(title: str, text: str) -> Iterator[Part]:
    """A text, as JSON or as a difference when it is one."""
    parsed = _parsed(text)
    if parsed is not None:
        yield Part(title, "json", parsed)
    elif _is_diff(text):
        yield Part(title, "diff", text)
    else:
        yield Part(title, "text", text)


def _parsed(text: str) -> JsonValue:
    """The object or list that a text is; None when it is neither."""
    if len(text) > _JSON_TEXT_LIMIT or text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        value: JsonValue = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value or None


def _is_diff(text: str) -> bool:
    head = text[:4_000]
    return head.startswith(("diff --git ", "--- ", "Index: ")) and "\n@@ " in head


def _texts(blocks: Sequence[JsonObject]) -> Iterator[str]:
    for block in blocks:
        if isinstance(block.get("text"), str):
            yield str(block["text"])


def _changes(title: str, changes: Sequence[FileChange]) -> Iterator[Part]:
    signs = {"added": "+", "modified": "~", "deleted": "-"}
    lines = [
        f"{signs.get(change.change, '?')} {change.path}" + ("" if change.size is None else f"  {change.size:,} bytes")
        for change in changes
    ]
    yield Part(title, "diff", "\n".join(lines))
