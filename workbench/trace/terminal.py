"""Text from tools and models, made safe to print: nothing in it can move the cursor, set colours or reorder a line."""

from __future__ import annotations

import re

_CONTROLS = r"\x00-\x1f\x7f-\x9f"
_BIDI = r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_LINE_BREAKS = r"\u2028\u2029"
_SURROGATES = r"\ud800-\udfff"
_UNSAFE = re.compile(f"[{_CONTROLS}{_BIDI}{_LINE_BREAKS}{_SURROGATES}]")


def printable(text: str, keep: str = "") -> str:
    r"""`text` with every character that a terminal would obey replaced by a visible mark.

    Marked are C0 and C1 controls (ESC among them), DEL, the characters that change the direction of writing, the line
    and paragraph separators, and surrogates, which no encoding can write. C0 and DEL become control pictures such as
    `␛`, everything else `⟨U+202E⟩`. Characters of `keep`, in practice "\n" and "\t", stay as they are; with "\n" kept
    a "\r\n" is written as "\n".
    """
    if text.isprintable():
        return text
    if "\n" in keep:
        text = text.replace("\r\n", "\n")
    return _UNSAFE.sub(lambda match: match[0] if match[0] in keep else _mark(match[0]), text)


def one_line(text: str, limit: int = 200) -> str:
    """The beginning of `text` on one line: white space runs become one space, at most `limit` characters, printable."""
    head = " ".join(text[: limit * 8].split())
    shown = printable(head[: limit + 1])
    if len(shown) > limit or len(text) > limit * 8:
        return shown[: limit - 1].rstrip() + "…"
    return shown


def _mark(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    return f"⟨U+{code:04X}⟩"
