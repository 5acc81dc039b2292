"""The forms in which a secret may turn up: encoded by a URL, a page, a shell, base64, or cut into lines."""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote, quote_plus

SHORTEST = 6
"""Characters of the shortest part of a secret that is looked for."""

_PIECE = 48
"""Bytes of the pieces of a long secret whose base64 and hex are looked for; a multiple of 3."""

_SCHEME = re.compile(r"(?i)(?:bearer|basic|token|digest|apikey)\s+(\S+)")
_URL_PASSWORD = re.compile(r"://[^/@\s:]*:([^/@\s]+)@")
_ARMOUR = re.compile(r"-----(?:BEGIN|END)[^-]*-----")
_HEX_ESCAPE = re.compile(r"%[0-9A-F]{2}")
_SHELL_SPECIAL = re.compile(r"([^A-Za-z0-9_@%+=:,./-])")
_ENCODE_URI_SAFE = "!'()*"


@dataclass(frozen=True, slots=True)
class Form:
    """A text to look for. One that is `wrapped` may have line breaks anywhere inside.

    `tail` says that one more base64 character and padding belong to it, where they follow.
    """

    text: str
    wrapped: bool = False
    tail: bool = False


def forms(secret: str) -> list[Form]:
    """All forms of a secret that are looked for, each once, the longest first."""
    found: dict[Form, None] = {}
    for part in parts(secret):
        found.update(dict.fromkeys(Form(text) for text in _escaped(part)))
        found.update(dict.fromkeys(_encoded(part)))
    return sorted((form for form in found if len(form.text) >= SHORTEST), key=lambda form: -len(form.text))


def parts(secret: str) -> Sequence[str]:
    """The secret and what of it is one by itself: each line, a token without its scheme, a password in a URL."""
    found = [secret, secret.strip()]
    lines = [line.strip() for line in secret.splitlines()]
    found += [line for line in lines if not _ARMOUR.fullmatch(line)]
    found += [match[1] for match in _SCHEME.finditer(secret)]
    found += [match[1] for match in _URL_PASSWORD.finditer(secret)]
    for token in _SCHEME.findall(secret):
        found += _basic_password(token)
    return [part for part in dict.fromkeys(found) if len(part) >= SHORTEST]


def _basic_password(token: str) -> list[str]:
    try:
        user, colon, password = base64.b64decode(token, validate=True).decode("utf-8").partition(":")
    except (binascii.Error, ValueError):
        return []
    return [password, f"{user}:{password}"] if colon else []


def _escaped(secret: str) -> Iterator[str]:
    """The secret as it is, and as URLs, JSON, HTML and shells escape it."""
    yield secret
    for encoded in (
        quote(secret, safe=""),
        quote(secret),
        quote_plus(secret),
        quote(secret, safe=_ENCODE_URI_SAFE),
    ):
        yield encoded
        yield _HEX_ESCAPE.sub(lambda match: match[0].lower(), encoded)
    for ascii_only in (True, False):
        once = json.dumps(secret, ensure_ascii=ascii_only)[1:-1]
        yield from (once, once.replace("/", "\\/"), json.dumps(once, ensure_ascii=ascii_only)[1:-1])
    escaped = html.escape(secret, quote=False)
    yield from (escaped, html.escape(secret))
    for quotation, apostrophe in (("&quot;", "&#39;"), ("&#34;", "&#39;"), ("&quot;", "&apos;")):
        yield escaped.replace('"', quotation).replace("'", apostrophe)
    yield shlex.quote(secret)[1:-1] if "'" in secret else secret
    yield secret.replace("'", "'\\''")
    yield _SHELL_SPECIAL.sub(r"\\\1", secret)
    yield repr(secret)[1:-1]


def _encoded(secret: str) -> Iterator[Form]:
    """Hex and base64 of the secret; of a long one those of its pieces, since it may be there in part only."""
    data = secret.encode("utf-8", "surrogatepass")
    pieces = (
        [data] if len(data) <= _PIECE * 2 else [data[start : start + _PIECE] for start in range(0, len(data), _PIECE)]
    )
    for piece in pieces:
        if len(piece) < SHORTEST:
            continue
        yield Form(piece.hex(), wrapped=True)
        yield Form(piece.hex().upper(), wrapped=True)
        for offset in range(3):
            yield from _base64(piece, offset)


def _base64(data: bytes, offset: int) -> Iterator[Form]:
    """What is the same in the base64 of every text that has `data` at `offset`, modulo 3."""
    encoded = base64.b64encode(b"\0" * offset + data).decode("ascii")
    first = (0, 2, 3)[offset]
    bits = (offset + len(data)) * 8
    core, tail = encoded[first : bits // 6], bits % 6 != 0
    yield Form(core, wrapped=True, tail=tail)
    yield Form(core.replace("+", "-").replace("/", "_"), wrapped=True, tail=tail)
