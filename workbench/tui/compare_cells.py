"""The lines of a comparison: the columns that are in view, their widths, and what each line of them shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from workbench.trace.compared_rows import compared_text
from workbench.trace.word_diff import Piece
from workbench.tui.compare_rows import CompareRows
from workbench.tui.compare_text import BODY_INDENT, body_cell, body_lines, gap_cell, row_cell

GUTTER = 4
"""Cells left of the columns: the cursor, the fold, the mark of a difference."""

_MOST_TEXT = 40_000
"""Characters of a cell that its expansion shows."""

Bodies = Sequence[Sequence[Sequence[Piece]]]
"""For each column in view the lines of its whole text."""

Cells = Sequence[Sequence[Segment]]


class CompareCells:
    """Draws the rows of `table` for the columns `in_view`, in `width` cells."""

    def __init__(self, table: CompareRows, in_view: Sequence[int], width: int) -> None:
        self._table = table
        self.in_view = in_view
        self.width = width
        count = len(in_view)
        each, over = divmod(max(0, width - GUTTER - (count - 1)), count)
        self.widths = [each + (number < over) for number in range(count)]

    def text(self, row: int, column: int) -> str | None:
        """The whole text of a cell, None for a gap."""
        cell = self._table.cell(row, column)
        if cell is None:
            return None
        event = self._table.columns[column].details(cell.seq)
        return cell.text if event is None else compared_text(event)

    def bodies(self, row: int) -> Bodies:
        """The whole texts of a row, wrapped, with what differs from the first."""
        texts = [self._shown_text(row, column) for column in self.in_view]
        there = [text for text in texts if text is not None]
        bodies: list[Sequence[Sequence[Piece]]] = []
        for number, (text, width) in enumerate(zip(texts, self.widths, strict=True)):
            if text is None:
                bodies.append(())
                continue
            is_first = all(before is None for before in texts[:number])
            other = there[1] if is_first and len(there) == 2 else None
            bodies.append(body_lines(text, None if is_first else there[0], other, max(8, width - BODY_INDENT - 1)))
        return bodies

    def row_cells(self, row: int, paints: Mapping[str, Style]) -> Cells:
        """The cells of a row's own line."""
        reference = self._table.reference(row, self.in_view)
        cells = []
        for column, width in zip(self.in_view, self.widths, strict=True):
            cell = self._table.cell(row, column)
            if cell is None:
                cells.append(gap_cell(width, paints, pending=self._table.is_pending(row, column)))
            else:
                cells.append(row_cell(cell, None if cell is reference else reference, width, paints))
        return cells

    def body_cells(self, bodies: Bodies, part: int, paints: Mapping[str, Style]) -> Cells:
        """The cells of a line of an expansion, from 0."""
        return [
            body_cell(lines[part], width, paints) if part < len(lines) else [Segment(" " * width)]
            for lines, width in zip(bodies, self.widths, strict=True)
        ]

    def strip(self, lead: Segment, cells: Cells, border: Segment, base: Style) -> Strip:
        """A whole line."""
        segments = [lead]
        for number, cell in enumerate(cells):
            if number:
                segments.append(border)
            segments.extend(cell)
        return Strip(Segment.apply_style(segments, base)).adjust_cell_length(self.width, base)

    def column_at(self, x: int) -> int | None:
        """The column at a cell of the widget; None left of them all and between them."""
        left = GUTTER
        for column, width in zip(self.in_view, self.widths, strict=True):
            if left <= x < left + width:
                return column
            left += width + 1
        return None

    def _shown_text(self, row: int, column: int) -> str | None:
        text = self.text(row, column)
        if text is not None and len(text) > _MOST_TEXT:
            return f"{text[:_MOST_TEXT]}\n… {len(text) - _MOST_TEXT:,} more characters"
        return text
