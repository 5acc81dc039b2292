"""The last door before the terminal: no character that it would obey passes, whatever widget drew it.

Text from models and tools is made printable where it enters the screen (`workbench.trace.terminal`). Textual lets ESC
and other controls through in every one of its widgets, so the app also puts `NO_CONTROL` into its line filters:

    def get_line_filters(self) -> Sequence[LineFilter]:
        return [*super().get_line_filters(), NO_CONTROL]
"""

from __future__ import annotations

import re

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

_OBEYED = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


class NoControl(LineFilter):
    """Replaces what a terminal would obey, or could not be written to it, by as many cells of `·` as it was given."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The segments without control characters, and without links that hold some."""
        if not any(_is_unsafe(segment) for segment in segments):
            return segments
        return [segment if segment.control else _made_safe(segment) for segment in segments]


NO_CONTROL = NoControl()
"""The one instance: strips remember what a filter made of them, each instance anew."""


def without_controls(text: str) -> str:
    """`text` with every character that a terminal would obey replaced by `·` of the same width, mostly nothing."""
    return text if text.isprintable() else _OBEYED.sub(lambda match: "·" * cell_len(match[0]), text)


def _is_unsafe(segment: Segment) -> bool:
    text, style, control = segment
    if control:
        return False
    if not text.isprintable() and _OBEYED.search(text):
        return True
    return style is not None and style.link is not None and _OBEYED.search(style.link) is not None


def _made_safe(segment: Segment) -> Segment:
    style = segment.style
    if style is not None and style.link is not None and _OBEYED.search(style.link):
        style = style.update_link(None)
    return Segment(without_controls(segment.text), style)
