"""Found text marked in a line, in any case."""

from __future__ import annotations

from collections.abc import Iterator

from rich.segment import Segment
from rich.style import Style


def marked(text: str, needle: str, style: Style | None, hit: Style) -> Iterator[Segment]:
    """`text` as segments, every occurrence of `needle` (in small letters) in the style `hit`."""
    folded = text.lower()
    if len(folded) != len(text):  # a letter whose small form is longer would shift the places
        folded = text
    begin = 0
    while needle and (found := folded.find(needle, begin)) >= 0:
        if found > begin:
            yield Segment(text[begin:found], style)
        begin = found + len(needle)
        yield Segment(text[found:begin], hit if style is None else style + hit)
    if begin < len(text):
        yield Segment(text[begin:], style)
