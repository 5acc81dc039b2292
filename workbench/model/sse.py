"""A reply as the Messages API streams it: the events, their bytes, and what of the content each carries."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from workbench.jsontypes import JsonObject, JsonValue
from workbench.model.offline_content import Piece
from workbench.model.reading import as_object, as_text


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """An event of a stream. `characters` counts what it carries of the content; 0 for a frame around it."""

    data: JsonObject
    characters: int = 0

    def encoded(self) -> bytes:
        """The event on the wire."""
        text = json.dumps(self.data, ensure_ascii=False, separators=(",", ":"))
        return f"event: {self.data['type']}\ndata: {text}\n\n".encode("utf-8", "replace")


def reply_events(message: JsonObject, pieces: Sequence[Piece], ending: JsonObject, chunk: int) -> Iterator[ServerEvent]:
    """The events of a whole reply, in the order and form of the API.

    Args:
        message: The message as it is at the start, without content, its usage included.
        pieces: The content.
        ending: The `delta` and `usage` of the final `message_delta`.
        chunk: How many characters one delta carries.
    """
    yield ServerEvent({"type": "message_start", "message": message})
    yield ServerEvent({"type": "ping"})
    for index, piece in enumerate(pieces):
        yield ServerEvent({"type": "content_block_start", "index": index, "content_block": _opening(piece.block)})
        for delta, characters in _deltas(piece, chunk):
            yield ServerEvent({"type": "content_block_delta", "index": index, "delta": delta}, characters)
        yield ServerEvent({"type": "content_block_stop", "index": index})
    yield ServerEvent({"type": "message_delta", **ending})
    yield ServerEvent({"type": "message_stop"})


def error_event(kind: str, message: str) -> ServerEvent:
    """An error in the middle of a stream."""
    return ServerEvent({"type": "error", "error": {"type": kind, "message": message}})


def clipped(event: ServerEvent, characters: int) -> ServerEvent:
    """The event with only that many characters of its content."""
    delta = as_object(event.data.get("delta"))
    field = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "partial_json"}
    name = field[as_text(delta.get("type"))]
    return ServerEvent({**event.data, "delta": {**delta, name: as_text(delta[name])[:characters]}}, characters)


def _opening(block: JsonObject) -> JsonObject:
    """The block as its start shows it: empty where deltas follow, whole where none do."""
    match block.get("type"):
        case "text":
            return {**block, "text": ""}
        case "thinking":
            return {**block, "thinking": "", "signature": ""}
        case "tool_use" | "server_tool_use":
            return {**block, "input": {}}
    return block


def _deltas(piece: Piece, chunk: int) -> Iterator[tuple[JsonObject, int]]:
    block = piece.block
    match block.get("type"):
        case "text":
            yield from _parts("text_delta", "text", as_text(block.get("text")), chunk)
        case "thinking":
            yield from _parts("thinking_delta", "thinking", as_text(block.get("thinking")), chunk)
            yield {"type": "signature_delta", "signature": block.get("signature", "")}, 0
        case "tool_use" | "server_tool_use":
            raw = piece.raw_arguments
            text = json.dumps(block.get("input"), ensure_ascii=False) if raw is None else raw
            yield {"type": "input_json_delta", "partial_json": ""}, 0
            yield from _parts("input_json_delta", "partial_json", text, chunk)


def _parts(kind: str, name: str, text: str, chunk: int) -> Iterator[tuple[JsonObject, int]]:
    for at in range(0, len(text), chunk):
        part: JsonValue = text[at : at + chunk]
        yield {"type": kind, name: part}, len(text[at : at + chunk])
