"""The answer of a REST API as text for the model: status, the headers that matter, and as much of the body as fits."""

from __future__ import annotations

import codecs
import json
from collections.abc import Sequence
from dataclasses import dataclass

import httpx2

from workbench.tools.text import clean, head, one_line

BODY_BYTES = 256 * 1024
"""Bytes of a body that are read, after decompression; as much as the hosted `read` tool gives at once."""
HEADERS = (
    "content-type",
    "location",
    "etag",
    "last-modified",
    "link",
    "retry-after",
    "allow",
    "content-disposition",
    "content-range",
    "www-authenticate",
    "x-request-id",
    "x-total-count",
)
"""Response headers that are shown, besides those on rate limits. Cookies are not: none are kept."""

_TEXT_TYPES = ("json", "xml", "javascript", "yaml", "csv", "urlencoded", "graphql", "toml")


@dataclass(frozen=True, slots=True)
class RestAnswer:
    """What the model gets. An HTTP status of 400 or above is an error."""

    text: str
    is_error: bool
    truncated: bool = False


async def read(response: httpx2.Response, steps: Sequence[str] = ()) -> RestAnswer:
    """Read `response`, no more of it than is kept. `steps` are the paths that redirects led through."""
    body, complete = await _read_body(response)
    lines = [f"HTTP {response.status_code} {one_line(response.reason_phrase)}".strip()]
    lines += [f"(redirected to {one_line(step)})" for step in steps]
    lines += [f"{name}: {one_line(value)}" for name, value in response.headers.items() if _is_shown(name)]
    shown = _show(response, body, complete)
    text = "\n".join(lines) + (f"\n\n{shown}" if shown else "")
    return RestAnswer(text, response.status_code >= 400, not complete)


async def _read_body(response: httpx2.Response) -> tuple[bytes, bool]:
    body = bytearray()
    async for piece in response.aiter_raw():
        body += piece
        if len(body) > BODY_BYTES:
            return bytes(body[:BODY_BYTES]), False
    return bytes(body), True


def _is_shown(name: str) -> bool:
    return name in HEADERS or "ratelimit" in name or "rate-limit" in name


def _show(response: httpx2.Response, body: bytes, complete: bool) -> str:
    if not body:
        return ""
    media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    length = response.headers.get("content-length", "")
    whole = f"{len(body)} bytes" if complete else f"{length or f'more than {len(body)}'} bytes"
    if "content-encoding" in response.headers or not _is_text(media_type, body):
        return f"[binary body: {one_line(media_type) or 'of unknown type'}, {whole}]"
    text = clean(_decode(response, body))
    if complete:
        return _pretty(text) if media_type.endswith("json") else text
    kept = head(text, BODY_BYTES)
    return f"{kept}\n[truncated: {BODY_BYTES} of {whole} kept]"


def _is_text(media_type: str, body: bytes) -> bool:
    if media_type.startswith("text/") or any(word in media_type for word in _TEXT_TYPES):
        return True
    if media_type not in ("", "application/octet-stream") or b"\0" in body:
        return False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(body)
    except UnicodeDecodeError:
        return False
    return True


def _decode(response: httpx2.Response, body: bytes) -> str:
    try:
        return body.decode(response.charset_encoding or "utf-8", "replace")
    except LookupError:
        return body.decode("utf-8", "replace")


def _pretty(text: str) -> str:
    """`text` indented, if it is JSON and that loses nothing of it: no digit of a number, no repeated key."""
    try:
        value = json.loads(
            text, object_pairs_hook=_unique, parse_float=_exact_float, parse_int=int, parse_constant=_no_constant
        )
        return json.dumps(value, ensure_ascii=False, indent=1)
    except (ValueError, RecursionError):
        return text


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is repeated")
    return found


def _exact_float(text: str) -> float:
    value = float(text)
    if repr(value) != text:
        raise ValueError("the number would change")
    return value


def _no_constant(text: str) -> float:
    raise ValueError(f"{text} is not JSON")
