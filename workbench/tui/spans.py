"""Lines of a pane as spans of text with a role each: made by pure functions, painted by a widget in its theme."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size


class Span(NamedTuple):
    """Text that is painted as one; `role` names what it is (`label`, `bad`), never a colour."""

    text: str
    role: str = ""


Line = Sequence[Span]


def width_of(line: Line) -> int:
    """The cells that a line takes."""
    return sum(cell_len(span.text) for span in line)


def fitted(line: Iterable[Span], width: int) -> Line:
    """The line cut to `width` cells; what is cut ends in an ellipsis."""
    kept: list[Span] = []
    left = width
    for span in line:
        length = cell_len(span.text)
        if length > left:
            if left > 0:
                kept.append(Span(set_cell_size(span.text, left - 1) + "…", span.role))
            break
        kept.append(span)
        left -= length
    return kept


def plain(line: Line) -> str:
    """The line without its roles."""
    return "".join(span.text for span in line)
