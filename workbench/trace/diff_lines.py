"""A difference of texts as lines of a width, broken at spaces where there are any and measured in terminal cells."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rich.cells import cell_len, chop_cells

from workbench.trace.terminal import printable
from workbench.trace.word_diff import Piece

TAB = "    "
_PARTS = re.compile(r"\n|[^\S\n]+|\S+")


def wrapped(pieces: Iterable[Piece], width: int) -> list[list[Piece]]:
    """The pieces in lines of at most `width` cells, safe to print. At least one line, which may be empty."""
    lines: list[list[Piece]] = [[]]
    room = width
    for piece in pieces:
        text = printable(piece.text.replace("\t", TAB), keep="\n")
        for part in _PARTS.findall(text):
            if part == "\n":
                lines.append([])
                room = width
                continue
            length = cell_len(part)
            if length > room and room < width:
                lines.append([])
                room = width
                if part.isspace():
                    continue
            for number, chunk in enumerate(chop_cells(part, width) if length > width else (part,)):
                if number:
                    lines.append([])
                    room = width
                _add(lines[-1], Piece(piece.tag, chunk))
                room -= cell_len(chunk)
    return lines


def _add(line: list[Piece], piece: Piece) -> None:
    """Add to the last piece of the line if it is of the same kind, so that a line has few of them."""
    if line and line[-1].tag == piece.tag:
        line[-1] = Piece(piece.tag, line[-1].text + piece.text)
    else:
        line.append(piece)


def elided(lines: Sequence[Sequence[Piece]], context: int = 1) -> list[Sequence[Piece] | int]:
    """The lines with a difference in them and `context` around each; of what is left out the number of lines.

    A single line is not left out: its number would take as much room.
    """
    near: set[int] = set()
    for number, line in enumerate(lines):
        if any(piece.tag != "same" for piece in line):
            near.update(range(number - context, number + context + 1))
    shown: list[Sequence[Piece] | int] = []
    hidden: list[Sequence[Piece]] = []
    for number, line in enumerate(lines):
        if number not in near:
            hidden.append(line)
            continue
        shown += _hidden(hidden)
        shown.append(line)
        hidden = []
    return shown + _hidden(hidden)


def _hidden(lines: Sequence[Sequence[Piece]]) -> list[Sequence[Piece] | int]:
    return [len(lines)] if len(lines) > 1 else list(lines)
