"""Content and arguments as whole text, for details and differences; `gist` is the same on one line."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from workbench.jsontypes import JsonObject, JsonValue

NOT_CAPTURED = "(not captured)"


def content_text(content: Sequence[JsonObject] | None) -> str:
    """All text of content blocks; of an image or a document its kind and size, of other blocks their JSON."""
    if content is None:
        return NOT_CAPTURED
    return "\n".join(_block(block) for block in content)


def arguments_text(arguments: JsonObject | None) -> str:
    """Arguments one by one, `name: value`; text as it is, below its name when it has several lines."""
    if arguments is None:
        return NOT_CAPTURED
    return "\n".join(f"{name}:{_value(value)}" for name, value in arguments.items())


def _value(value: JsonValue) -> str:
    text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
    return f"\n{text}" if "\n" in text.rstrip("\n") else f" {text}"


def _block(block: JsonObject) -> str:
    text = block.get("text")
    if isinstance(text, str):
        return text
    source = block.get("source")
    if isinstance(source, Mapping) and isinstance(source.get("data"), str):
        size = len(str(source["data"])) * 3 // 4
        return f"[{block.get('type', 'content')}, {source.get('media_type', 'unknown type')}, {size:,} bytes]"
    return json.dumps(block, indent=2, ensure_ascii=False)
