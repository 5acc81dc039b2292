"""The text of an entry below its line: as it is, or where it is edited, word by word against what it was."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from workbench.trace.word_diff import Piece, word_diff
from workbench.tui.spans import Line, Span
from workbench.tui.wrapping import breaks, clean

SHOWN = 6_000
"""Characters of a text that are shown; editing it shows all."""

_COMPARED = 200_000
_NEAR = 200
"""Characters of what is the same that are shown before and behind a difference."""


def unfolded(text: str, original: str | None, width: int) -> Sequence[Line]:
    """The lines for a width. The roles `removed` and `added` tell of a text that differs from `original`."""
    width = max(10, width)
    if original is None or original == text or max(len(original), len(text)) > _COMPARED:
        lines = list(_lines([Piece("same", text[:SHOWN])], width))
        missing = len(text) - SHOWN
    else:
        pieces = list(_near_differences(word_diff(original, text)))
        lines = list(_lines(_head(pieces), width))
        missing = sum(len(piece.text) for piece in pieces) - SHOWN
    if missing > 0:
        lines.append([Span(f"… {missing:,} more characters; enter opens the whole", "faint")])
    return lines


def _near_differences(pieces: Sequence[Piece]) -> Iterator[Piece]:
    """The pieces, long ones that are the same cut to what is near a difference."""
    last = len(pieces) - 1
    for number, piece in enumerate(pieces):
        before, behind = _NEAR * (number > 0), _NEAR * (number < last)
        if piece.tag != "same" or len(piece.text) <= before + behind + _NEAR:
            yield piece
        else:
            end = piece.text[len(piece.text) - behind :] if behind else ""
            yield Piece("same", f"{piece.text[:before]}\n…\n{end}")


def _head(pieces: Sequence[Piece]) -> Iterator[Piece]:
    left = SHOWN
    for piece in pieces:
        if left <= 0:
            return
        yield Piece(piece.tag, piece.text[:left])
        left -= len(piece.text)


def _lines(pieces: Iterator[Piece] | Sequence[Piece], width: int) -> Iterator[Line]:
    roles: list[tuple[int, str]] = []  # where each piece ends, and its role
    texts: list[str] = []
    end = 0
    for piece in pieces:
        texts.append(clean(piece.text))
        end += len(texts[-1])
        roles.append((end, "" if piece.tag == "same" else piece.tag))
    begin = 0
    for line in "".join(texts).split("\n"):
        for first, last in breaks(line, width):
            yield list(_spans(line[first:last], begin + first, roles))
        begin += len(line) + 1


def _spans(text: str, begin: int, roles: Sequence[tuple[int, str]]) -> Iterator[Span]:
    """A wrapped line that begins at `begin` of the whole, as spans of one role each."""
    at = 0
    for end, role in roles:
        if end <= begin + at:
            continue
        part = text[at : end - begin]
        if part:
            yield Span(part, role)
        at += len(part)
        if at >= len(text):
            return
