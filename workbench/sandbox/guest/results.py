"""What a tool call gives, and how MCP writes it."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

ERROR_TEXT_LIMIT = 4096
"""Characters of an unforeseen error that a model is shown."""


_SURROGATE = re.compile("[\ud800-\udfff]")


class ToolError(Exception):
    """A tool refuses or fails; its text is what the model reads."""


class ToolResult(NamedTuple):
    """The result of one call.

    `exit_code` and `cwd` are those of the shell after a bash call, None where there are none or they are unknown.
    `truncated` says that the tool cut its own output at its limit.
    """

    content: list[dict[str, Any]]
    is_error: bool = False
    exit_code: int | None = None
    truncated: bool = False
    cwd: str | None = None


def text_result(
    text: str, *, is_error: bool = False, exit_code: int | None = None, truncated: bool = False, cwd: str | None = None
) -> ToolResult:
    """A result of one text."""
    return ToolResult([{"type": "text", "text": text}], is_error, exit_code, truncated, cwd)


def error_result(error: Exception) -> ToolResult:
    """The result of a call that raised: the text of a `ToolError`, the type and text of anything else."""
    text = str(error) if isinstance(error, ToolError) else repr(error)[:ERROR_TEXT_LIMIT]
    return text_result(text, is_error=True)


def encode_result(result: ToolResult) -> bytes:
    """The MCP `CallToolResult` as JSON. Unpaired surrogates (bytes of a name that is not UTF-8) become U+FFFD."""
    message = {
        "content": result.content,
        "isError": result.is_error,
        "resultType": "complete",
        "_meta": {
            "workbench/exit_code": result.exit_code,
            "workbench/truncated": result.truncated,
            "workbench/cwd": result.cwd,
        },
    }
    return encode_json(message)


def encode_json(message: Any) -> bytes:
    """JSON on one line."""
    text = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        return _SURROGATE.sub("\ufffd", text).encode("utf-8")
