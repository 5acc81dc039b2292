"""A reply while it streams: rows at the end of a timeline whose text grows in place until it is stored."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from rich.segment import Segment
from textual.strip import Strip

from workbench.trace.rows import EventRow
from workbench.tui.kinds import kind_of
from workbench.tui.row_text import Paints
from workbench.tui.wrapping import GrowingText, fit

_TYPES = {"text": "message", "reasoning": "reasoning", "tool_input": "tool_call"}
_LEAD = 4
_ENDS = ("model_response", "run_completed", "run_failed")


@dataclass(slots=True)
class _LiveRow:
    step: int
    kind: str
    text: GrowingText


class LiveRows:
    """The streaming rows: one for each stretch of text, reasoning or arguments of the reply.

    Each takes a line that tells what streams, and its text below, wrapped.
    """

    def __init__(self, width: int) -> None:
        self._width = width
        self._rows: list[_LiveRow] = []

    def take(self, step: int, kind: str, text: str) -> None:
        """Let the reply grow; `reset` makes it void."""
        if kind == "reset":
            self._rows.clear()
            return
        if not self._rows or self._rows[-1].kind != kind or self._rows[-1].step != step:
            self._rows.append(_LiveRow(step, kind, GrowingText(self._text_width)))
        self._rows[-1].text.append(text)

    def stored(self, rows: Sequence[EventRow]) -> None:
        """Events were stored: the reply that they hold, or the end of the run, takes the place of what streamed."""
        if self._rows and any(row.type in _ENDS for row in rows):
            self._rows.clear()

    def end(self) -> bool:
        """Take the rows away; whether there were any."""
        had = bool(self._rows)
        self._rows.clear()
        return had

    def rewrap(self, width: int) -> None:
        """Wrap for another width of the widget."""
        self._width = width
        for row in self._rows:
            row.text.rewrap(self._text_width)

    @property
    def _text_width(self) -> int:
        return max(10, self._width - _LEAD)

    def __len__(self) -> int:
        """How many lines they take."""
        return sum(1 + len(row.text) for row in self._rows)

    def key(self, line: int) -> Hashable:
        """What the looks of a line depend on."""
        at = self._at(line)
        if at is None:
            return None
        row, part = at
        return "live", row.step, row.kind, part, row.text.line(part - 1) if part else len(row.text)

    def strip(self, line: int, paints: Paints, width: int) -> Strip:
        """A line of them; blank beyond the last."""
        at = self._at(line)
        if at is None:
            return Strip.blank(width, paints["base"])
        row, part = at
        kind = kind_of(_TYPES.get(row.kind, row.kind))
        if part == 0:
            return Strip(
                [
                    Segment(
                        fit(f" … {kind.glyph} {kind.name}  step {row.step}", width), paints["base"] + paints[kind.style]
                    )
                ]
            )
        return Strip([Segment(fit("  │ " + row.text.line(part - 1), width), paints["base"])])

    def _at(self, line: int) -> tuple[_LiveRow, int] | None:
        """The row that a line belongs to, and which of its lines it is."""
        for row in self._rows:
            height = 1 + len(row.text)
            if line < height:
                return row, line
            line -= height
        return None
