"""JSONPath in checks: which values of a JSON text a path finds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, cast

from workbench.jsontypes import JsonValue

if TYPE_CHECKING:
    from jsonpath import CompoundJSONPath, JSONPath


class JsonPathError(ValueError):
    """A text is no JSONPath, or another text no JSON."""


@lru_cache(maxsize=1024)
def compiled(path: str) -> JSONPath | CompoundJSONPath:
    """The path, ready to be used.

    Raises:
        JsonPathError: it is none.
    """
    import jsonpath  # 30 ms, and only for cases that use one

    try:
        return jsonpath.compile(path)
    except (jsonpath.JSONPathError, RecursionError) as error:
        raise JsonPathError(str(error).splitlines()[0]) from None


def found_at(path: str, text: str) -> Sequence[JsonValue]:
    """The values that `path` finds in the JSON `text`, in its order.

    Text around the JSON is passed over where it is a fenced block of Markdown, as models like to write it.

    Raises:
        JsonPathError: the text is no JSON, or the path cannot be followed in it.
    """
    import jsonpath

    try:
        value = json.loads(_unfenced(text))
    except (ValueError, RecursionError) as error:
        raise JsonPathError(f"not JSON ({error})") from None
    try:
        return cast("Sequence[JsonValue]", compiled(path).findall(value))
    except (jsonpath.JSONPathError, RecursionError) as error:
        raise JsonPathError(str(error).splitlines()[0]) from None


def _unfenced(text: str) -> str:
    """What stands in the one fenced block of `text`; all of it where there is no such block."""
    parts = text.split("```")
    if len(parts) != 3:
        return text
    head, _, body = parts[1].partition("\n")
    return body if head.strip() in ("", "json") else text
