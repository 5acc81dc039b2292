"""Text from outside, made fit for JSON, for the Messages API, for the store and for a line on the screen."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from workbench.jsontypes import JsonValue

REPLACEMENT = "\ufffd"
"""Stands where a character was that cannot be kept."""

_CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def valid_unicode(text: str) -> str:
    """`text` with each lone surrogate replaced; such text cannot be encoded as UTF-8 and breaks what sends it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return re.sub(r"[\ud800-\udfff]", REPLACEMENT, text)
    return text


def clean(text: str) -> str:
    """`text` without lone surrogates and NUL characters, each replaced by U+FFFD."""
    return valid_unicode(text).replace("\x00", REPLACEMENT)


def clean_json(value: object) -> JsonValue:
    """`value` as JSON can hold it: text made valid, NaN and infinities null, keys text, all else its `str`."""
    if isinstance(value, str):
        return valid_unicode(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, Mapping):
        return {valid_unicode(str(key)): clean_json(item) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [clean_json(item) for item in value]
    return valid_unicode(str(value))


def size(text: str) -> int:
    """The length of `text` in bytes of UTF-8."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def head(text: str, limit: int) -> str:
    """The beginning of `text` in at most `limit` bytes of UTF-8, never half a character."""
    if size(text) <= limit:
        return text
    return text.encode("utf-8", "surrogatepass")[: max(limit, 0)].decode("utf-8", "ignore")


def one_line(text: str, limit: int = 500) -> str:
    """`text` for a line on the screen: control characters gone, white space single, at most `limit` characters."""
    line = " ".join(_CONTROL.sub(" ", clean(text)).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
