"""JSON as indented lines, made one by one, so that the beginning of a large value costs little."""

from __future__ import annotations

import json
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterator, Mapping, Sequence

from workbench.jsontypes import JsonObject, JsonValue
from workbench.tools.images import recognise

_INDENT = "  "
_HEAD_OF_IMAGE = 64 * 1024
"""Base64 characters of an image that are read to learn its size; a JPEG may tell it late."""


def json_lines(value: JsonValue) -> Iterator[str]:
    """The lines of `value` as indented JSON. Binary data is replaced by what it is: type, size, dimensions."""
    return _lines(value, "", "", "")


def binary_facts(block: JsonObject) -> str | None:
    """What the base64 data of an image or document is, such as `image/png, 640x480, 12,345 bytes`; None if none is."""
    data, media_type = block.get("data"), block.get("media_type") or block.get("mimeType")
    if not isinstance(data, str) or not (isinstance(media_type, str) or block.get("type") == "base64"):
        return None
    image = recognise(_decoded_head(data))
    facts = [image.media_type if image else str(media_type or "binary data")]
    if image and image.width is not None:
        facts.append(f"{image.width}x{image.height}")
    size = len(data) * 3 // 4 - data[-2:].count("=")
    return ", ".join([*facts, f"{size:,} bytes"])


def _decoded_head(data: str) -> bytes:
    try:
        return b64decode(data[:_HEAD_OF_IMAGE])
    except (Base64Error, ValueError):
        return b""


def _lines(value: JsonValue, indent: str, before: str, after: str) -> Iterator[str]:
    """`before` is what stands on the first line before the value, `after` the comma on the last."""
    if isinstance(value, Mapping) and value:
        binary = binary_facts(value)
        items: Iterator[tuple[str, JsonValue]] = (
            (f"{json.dumps(str(key), ensure_ascii=False)}: ", f"[{binary}]" if binary and key == "data" else item)
            for key, item in value.items()
        )
        yield from _nested(items, len(value), indent, f"{before}{{", f"}}{after}")
    elif isinstance(value, Sequence) and not isinstance(value, str) and value:
        yield from _nested((("", item) for item in value), len(value), indent, f"{before}[", f"]{after}")
    else:
        yield f"{indent if not before else ''}{before}{json.dumps(value, ensure_ascii=False)}{after}"


def _nested(
    items: Iterator[tuple[str, JsonValue]], count: int, indent: str, opening: str, closing: str
) -> Iterator[str]:
    yield opening if opening[0] == " " else indent + opening
    deeper = indent + _INDENT
    for number, (name, item) in enumerate(items, start=1):
        yield from _lines(item, deeper, deeper + name, "," if number < count else "")
    yield indent + closing
