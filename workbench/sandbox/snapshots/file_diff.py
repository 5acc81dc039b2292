"""The difference between two contents of one file, as text."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_Code = tuple[str, int, int, int, int]
"""What to do with lines: the tag of `difflib`, their range in the old text, their range in the new."""

_CONTEXT = 3
_MOST_PAIRS = 1_000_000
"""Lines on one side times lines on the other beyond which the changed part is shown as replaced as a whole."""
_MOST_TEXT = 256 * 1024


@dataclass(frozen=True, slots=True)
class FileDiff:
    """A unified diff as `text`, empty when there is nothing to show.

    `note` says in words what the text does not show: a binary file, a link, other permissions, a text cut short. The
    text is the file's own and may hold terminal escapes.
    """

    path: str
    text: str
    note: str = ""


def unified_diff(path: str, old: bytes | None, new: bytes | None) -> FileDiff:
    """The unified diff of two contents; None is a file that is not there."""
    old_text, new_text = _text(old), _text(new)
    if old_text is None or new_text is None:
        note = "" if old == new else f"binary file, {_size(old)} before, {_size(new)} after"
        return FileDiff(path, "", note)
    names = ("/dev/null" if old is None else f"a/{path}", "/dev/null" if new is None else f"b/{path}")
    text = "".join(_unified(_lines(old_text), _lines(new_text), *names))
    if len(text) > _MOST_TEXT:
        return FileDiff(path, text[:_MOST_TEXT], f"the first {_MOST_TEXT} characters of {len(text)}")
    return FileDiff(path, text)


def _text(data: bytes | None) -> str | None:
    if data is None:
        return ""
    if b"\0" in data:
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _size(data: bytes | None) -> str:
    return "nothing" if data is None else f"{len(data)} bytes"


def _lines(text: str) -> list[str]:
    """Lines with their ends; only line feeds end lines."""
    lines = text.split("\n")
    last = lines.pop()
    return [f"{line}\n" for line in lines] + ([last] if last else [])


def _unified(old: Sequence[str], new: Sequence[str], old_name: str, new_name: str) -> Iterator[str]:
    codes = _opcodes(old, new)
    for number, hunk in enumerate(_hunks(codes)):
        if number == 0:
            yield f"--- {old_name}\n+++ {new_name}\n"
        first, last = hunk[0], hunk[-1]
        yield f"@@ -{_range(first[1], last[2])} +{_range(first[3], last[4])} @@\n"
        for tag, start, end, new_start, new_end in hunk:
            if tag == "equal":
                yield from (_line(" ", line) for line in old[start:end])
            else:
                yield from (_line("-", line) for line in old[start:end])
                yield from (_line("+", line) for line in new[new_start:new_end])


def _hunks(codes: Sequence[_Code]) -> Iterator[list[_Code]]:
    """Changes that are near each other, with the equal lines around them."""
    hunk: list[_Code] = []
    for code in codes:
        tag, start, end, new_start, new_end = code
        joins = hunk and end - start <= 2 * _CONTEXT and code is not codes[-1]
        if tag != "equal" or joins:
            hunk.append(code)
            continue
        if hunk:
            kept = min(_CONTEXT, end - start)
            yield [*hunk, *([(tag, start, start + kept, new_start, new_start + kept)] if kept else [])]
        kept = min(_CONTEXT, end - start)
        hunk = [(tag, end - kept, end, new_end - kept, new_end)]
    if len(hunk) > 1 or (hunk and hunk[0][0] != "equal"):
        yield hunk


def _opcodes(old: Sequence[str], new: Sequence[str]) -> list[_Code]:
    """How to turn one into the other; what is equal at both ends is not searched, as the search may be slow."""
    shorter = min(len(old), len(new))
    head = next((index for index in range(shorter) if old[index] != new[index]), shorter)
    rest = shorter - head
    tail = next((index for index in range(rest) if old[-1 - index] != new[-1 - index]), rest)
    old_end, new_end = len(old) - tail, len(new) - tail
    middle: list[_Code] = []
    if (old_end - head) * (new_end - head) > _MOST_PAIRS:
        middle = [("replace", head, old_end, head, new_end)]
    elif old_end > head or new_end > head:
        matcher = difflib.SequenceMatcher(None, old[head:old_end], new[head:new_end], autojunk=False)
        middle = [(tag, a + head, b + head, c + head, d + head) for tag, a, b, c, d in matcher.get_opcodes()]
    return [
        *([("equal", 0, head, 0, head)] if head else []),
        *middle,
        *([("equal", old_end, len(old), new_end, len(new))] if tail else []),
    ]


def _range(start: int, end: int) -> str:
    length = end - start
    if length == 1:
        return str(start + 1)
    return f"{start + 1 if length else start},{length}"


def _line(sign: str, line: str) -> str:
    return sign + line if line.endswith("\n") else f"{sign}{line}\n\\ No newline at end of file\n"
