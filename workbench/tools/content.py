"""The result of an MCP tool as content blocks of the Messages API."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.jsontypes import JsonObject
from workbench.tools.images import Image, recognise
from workbench.tools.text import clean, clean_json, head, one_line, size

if TYPE_CHECKING:
    from mcp_types import BlobResourceContents, CallToolResult, ContentBlock, ResourceLink, TextResourceContents

TEXT_BYTES = 256 * 1024
"""Text of one result that is kept; as much as the hosted `read` tool gives at once."""
IMAGE_BYTES = 5 * 1024 * 1024
"""Base64 of one image; the API refuses a request with a larger one (`anthropic.lib.tools.agent_toolset`)."""
IMAGE_PIXELS = 8000
"""Width and height of an image; the API refuses a request with a larger one."""
PDF_BYTES = 20 * 1024 * 1024
"""A PDF document, as the hosted `read` tool limits it."""
MEDIA_BYTES = 20 * 1024 * 1024
"""Base64 of all images and documents of one result; the API takes requests of at most 32 MB."""
BLOCKS = 100
"""Content blocks of one result."""
EMPTY = "(no output)"
"""Stands for a result without content: the API refuses text blocks that hold nothing but white space."""


@dataclass(frozen=True, slots=True)
class Content:
    """Blocks that the API accepts, never none. `truncated` says that the tool gave more than is kept."""

    blocks: Sequence[JsonObject]
    truncated: bool


def convert(result: CallToolResult) -> Content:
    """The content of `result`, whatever a server may have put there.

    `structured_content` is appended as JSON where no text block already says the same.
    """
    budget = _Budget()
    blocks = [block for item in result.content[:BLOCKS] for block in _convert_block(item, budget)]
    if len(result.content) > BLOCKS:
        budget.truncated = True
        blocks.append(text_block(f"[truncated: {BLOCKS} of {len(result.content)} content blocks kept]"))
    if result.structured_content is not None and not _says(result.content, result.structured_content):
        as_json = json.dumps(clean_json(result.structured_content), ensure_ascii=False)
        blocks.extend(budget.text(as_json))
    return Content(blocks or [text_block(EMPTY)], budget.truncated)


def text_block(text: str) -> JsonObject:
    """A text block."""
    return {"type": "text", "text": text}


def cut_text(text: str, limit: int = TEXT_BYTES) -> tuple[str, bool]:
    """`text` in at most `limit` bytes and a line that says what was cut; and whether it was."""
    length = size(text)
    if length <= limit:
        return text, False
    kept = head(text, limit)
    return f"{kept}\n[truncated: {size(kept)} of {length} bytes kept]", True


class _Budget:
    """What one result may still hold."""

    def __init__(self) -> None:
        self.truncated = False
        self._text = TEXT_BYTES
        self._media = MEDIA_BYTES

    def text(self, text: str) -> Sequence[JsonObject]:
        text = clean(text)
        if not text.strip():
            return ()
        text, cut = cut_text(text, self._text)
        self._text = 0 if cut else self._text - size(text)
        self.truncated = self.truncated or cut
        return (text_block(text),)

    def media(self, kind: str, media_type: str, data: str) -> Sequence[JsonObject]:
        if len(data) > self._media:
            self.truncated = True
            return self.text(f"[{media_type} of {len(data)} base64 bytes left out: the result holds too much]")
        self._media -= len(data)
        return ({"type": kind, "source": {"type": "base64", "media_type": media_type, "data": data}},)


def _convert_block(item: ContentBlock, budget: _Budget) -> Sequence[JsonObject]:
    if item.type == "text":
        return budget.text(item.text)
    if item.type == "image":
        return _binary(item.data, item.mime_type, "image", budget)
    if item.type == "audio":
        return _binary(item.data, item.mime_type, "audio", budget)
    if item.type == "resource_link":
        return budget.text(_describe_link(item))
    return _resource(item.resource, budget)


def _resource(resource: TextResourceContents | BlobResourceContents, budget: _Budget) -> Sequence[JsonObject]:
    text = getattr(resource, "text", None)
    if isinstance(text, str):
        return budget.text(f"[resource {one_line(resource.uri)}]\n{text}")
    return _binary(getattr(resource, "blob", ""), resource.mime_type or "", f"resource {resource.uri}", budget)


def _binary(encoded: str, claimed: str, what: str, budget: _Budget) -> Sequence[JsonObject]:
    """An image or a PDF if the bytes are one that the API takes, else a line of text about what there was."""
    try:
        data = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return budget.text(f"[{one_line(what)}: {one_line(claimed)}, {len(encoded)} characters that are not base64]")
    note = f"{one_line(what)}: {one_line(claimed) or 'of unknown type'}, {len(data)} bytes"
    image = recognise(data)
    if image is not None:
        return _image(image, encoded, note, budget)
    if claimed.startswith("text/") and _is_utf8(data):
        return budget.text(f"[{one_line(what)}]\n{data.decode()}")
    if data.startswith(b"%PDF-") and len(data) <= PDF_BYTES:
        return budget.media("document", "application/pdf", encoded)
    return budget.text(f"[{note}: cannot be shown to the model]")


def _image(image: Image, encoded: str, note: str, budget: _Budget) -> Sequence[JsonObject]:
    if len(encoded) > IMAGE_BYTES:
        reason = f"an image may have {IMAGE_BYTES} bytes of base64"
    elif max(image.width or 0, image.height or 0) > IMAGE_PIXELS:
        reason = f"{image.width}x{image.height} pixels, at most {IMAGE_PIXELS} a side"
    else:
        return budget.media("image", image.media_type, encoded)
    budget.truncated = True
    return budget.text(f"[{note}: left out, {reason}]")


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _describe_link(link: ResourceLink) -> str:
    facts = [one_line(link.uri), f"name {one_line(link.name)}"]
    facts += [f"title {one_line(link.title)}"] if link.title else []
    facts += [f"type {one_line(link.mime_type)}"] if link.mime_type else []
    facts += [f"{link.size} bytes"] if link.size is not None else []
    facts += [one_line(link.description)] if link.description else []
    return f"[link to a resource: {', '.join(facts)}]"


def _says(content: Sequence[ContentBlock], structured: object) -> bool:
    """Whether a text block holds `structured` as JSON, as servers repeat it for older clients, or as plain text."""
    sole = _sole_value(structured)
    for item in content:
        if item.type != "text":
            continue
        try:
            found = json.loads(item.text)
        except (ValueError, RecursionError):
            found = item.text
        if structured in (found, item.text) or sole in (found, item.text):
            return True
    return False


def _sole_value(structured: object) -> object:
    """What an object of one key holds, as servers wrap a text that is no object; else a value that equals nothing."""
    return next(iter(structured.values())) if isinstance(structured, dict) and len(structured) == 1 else object()
