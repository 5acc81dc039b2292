"""A run as a script to read: system prompt, input, replies, tool results. A pure fold over its events."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from workbench.jsontypes import JsonObject
from workbench.trace.events import Event, ModelRequest, ModelResponse, RunStarted, ToolResult
from workbench.trace.gist import content_text
from workbench.trace.terminal import printable

_CUT = 4000
"""Characters of one part that are shown; the whole is in the timeline's detail."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the script. `title` says what it is, `text` is safe to print and may have several lines."""

    step: int
    title: str
    text: str


def script(events: Iterable[Event]) -> Sequence[Part]:
    """The parts of a run in order. What was not captured says so."""
    parts: list[Part] = []
    for event in events:
        parts += _parts(event)
    return parts


def _parts(event: Event) -> list[Part]:
    match event.data:
        case RunStarted() as start:
            return [_part(0, "input", start.input)]
        case ModelRequest() as request if request.system is not None:
            return [_part(event.step, "system prompt", content_text(request.system))]
        case ModelResponse(content=None):
            return [_part(event.step, "reply", "(not captured)")]
        case ModelResponse() as reply:
            return [_block(event.step, block) for block in reply.content or ()]
        case ToolResult() as result:
            text = content_text(result.content) if result.content is not None else "(not captured)"
            return [_part(event.step, f"{result.tool} gave{' an error' if result.is_error else ''}", text)]
        case _:
            return []


def _block(step: int, block: JsonObject) -> Part:
    kind = str(block.get("type"))
    if kind == "tool_use":
        return _part(step, f"calls {block.get('name')}", json.dumps(block.get("input"), ensure_ascii=False, indent=1))
    if kind == "thinking":
        return _part(step, "reasoning", str(block.get("thinking") or "(kept back)"))
    return _part(step, "says" if kind == "text" else kind, content_text([block]))


def _part(step: int, title: str, text: str) -> Part:
    shown = printable(text[:_CUT], keep="\n\t").expandtabs(4)
    more = f"\n… {len(text) - _CUT:,} more characters" if len(text) > _CUT else ""
    return Part(step, printable(title), shown + more)
