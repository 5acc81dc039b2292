"""Two to four runs side by side: aligned rows, drawn by one widget so that they scroll together."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from time import monotonic
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message import Message
from textual.strip import Strip

from workbench.tui.compare_cells import GUTTER, Bodies, CompareCells
from workbench.tui.compare_column import CompareColumn
from workbench.tui.compare_rows import CompareRows
from workbench.tui.compare_text import HEAD_LINES, SMALL_HEAD_LINES, figures_of, head_cell
from workbench.tui.widgets.compare_keys import BINDINGS
from workbench.tui.widgets.line_view import LineView

_WIDE = 120
"""Cells from which on all columns are shown; below it two."""
_TALL = 30
"""Lines from which on the head has a line for each figure."""
_CALM_SECONDS = 2.0
"""How long after the user moved the rows in view stay as they are, though runs go on."""


class CompareView(LineView):
    """Runs side by side. It is given columns once and told to `look_again` as they grow."""

    HELP_NAME = "comparison"
    HELP = """\
    # Comparison

    Each row is one thing that happened: a message, a call, a result. Rows that correspond stand side by side; `≠` marks
    those that differ, `░` what a run does not have. Words that the first run does not have are marked.

    While runs go on, rows in view stay as they are for a moment after you move.
    """
    DEFAULT_CSS = """
    CompareView > .compare-view--gap { color: $foreground 25%; }
    CompareView > .compare-view--added { color: $text-success; background: $success-muted; text-style: bold; }
    CompareView > .compare-view--removed { color: $text-error; background: $error-muted; text-style: bold; }
    CompareView > .compare-view--differs { color: $text-warning; text-style: bold; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"compare-view--{name}" for name in ("gap", "added", "removed", "differs")}
    BINDINGS = BINDINGS

    class CopyRequested(Message):
        """The user wants this text on the clipboard."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class ColumnChosen(Message):
        """Another column is the chosen one."""

        def __init__(self, column: int) -> None:
            super().__init__()
            self.column = column

    def __init__(
        self,
        columns: Sequence[CompareColumn],
        runtime_cost: Callable[[Decimal], Decimal],
        *,
        id: str | None = None,  # noqa: A002 (Textual's name)
    ) -> None:
        super().__init__(id=id)
        self.table = CompareRows(columns)
        self.chosen = 0
        self._runtime_cost = runtime_cost
        self._now: datetime | None = None
        self._cursor = -1
        self._follow = any(column.is_going_on for column in columns)
        self._touched_at = float("-inf")
        self._other = 1
        self._bodies: dict[int, Bodies] = {}
        self._own_paints: Mapping[str, Style] | None = None
        self._cells = CompareCells(self.table, range(len(columns)), 0)

    # Doors

    def look_again(self, now: datetime | None = None) -> None:
        """Draw what has changed in the columns; `now` is for the figures of runs that go on."""
        self._now = now
        if self.table.is_stale and not self._is_frozen():
            self._align()
        self.refresh()

    @property
    def cursor_row(self) -> int:
        """The aligned row under the cursor, -1 when there is none."""
        return self.table.shown[self._cursor] if 0 <= self._cursor < len(self.table.shown) else -1

    @property
    def in_view(self) -> Sequence[int]:
        """The columns that are shown: all, or in a narrow terminal the first and one other."""
        return self._cells.in_view

    def go_to_next_difference(self, direction: int = 1) -> bool:
        """Go to the next row in which visible columns differ, or the one before; False when there is none."""
        places = range(self._cursor + 1, len(self.table.shown)) if direction > 0 else range(self._cursor - 1, -1, -1)
        found = next((place for place in places if self.table.differs(self.table.shown[place], self.in_view)), None)
        if found is None:
            return False
        self._go_to(found)
        return True

    # Lines

    def line_count(self) -> int:
        """Rows and what is expanded."""
        return self.table.line_count

    def line_key(self, line: int) -> Hashable:
        """What a line looks like depends on."""
        at = self.table.at(line)
        if at is None:
            return None
        row = self.table.shown[at.place]
        cells = self.table.rows[row]
        if at.part:
            return row, cells, at.part, self._other
        pending = tuple(self.table.is_pending(row, column) for column in self.in_view)
        return row, cells, at.place == self._cursor, row in self._bodies, pending, self._other

    def draw_line(self, line: int) -> Strip:
        """A row, or a line of an expansion."""
        at = self.table.at(line)
        paints = self.look
        if at is None:
            return Strip.blank(self.text_width, paints["base"])
        row = self.table.shown[at.place]
        if at.part:
            cells = self._cells.body_cells(self._bodies[row], at.part - 1, paints)
            return self._cells.strip(Segment(" " * GUTTER), cells, self._border("│"), paints["base"])
        is_cursor = at.place == self._cursor
        mark = "≠" if self.table.differs(row, self.in_view) else " "
        lead = f"{'▌' if is_cursor else ' '}{'▾' if row in self._bodies else '▸'}{mark} "
        base = paints["base"] + paints["cursor"] if is_cursor else paints["base"]
        cells = self._cells.row_cells(row, paints)
        return self._cells.strip(Segment(lead, paints["differs"]), cells, self._border("│"), base)

    def draw_head(self, number: int) -> Strip:
        """The summary of each column above it."""
        figures = {
            column: figures_of(self.table.columns[column], self._runtime_cost, self._now) for column in self.in_view
        }
        paints = self.look
        first = figures[self.in_view[0]]
        is_last = number == self.HEAD - 1
        cells = [
            head_cell(
                number,
                figures[column],
                None if column == self.in_view[0] else first,
                width,
                paints,
                small=self.HEAD == SMALL_HEAD_LINES,
                active=column == self.chosen and self.has_focus,
            )
            for column, width in zip(self.in_view, self._cells.widths, strict=True)
        ]
        lead = Segment(("─" if is_last else " ") * GUTTER, paints["faint"])
        return self._cells.strip(lead, cells, self._border("┼" if is_last else "│"), paints["base"])

    def width_changed(self) -> None:
        """Choose the head, and wrap what is expanded."""
        self.HEAD = HEAD_LINES if self.size.height >= _TALL else SMALL_HEAD_LINES
        self._lay_out()
        if self.chosen not in self.in_view:
            self.chosen = self.in_view[-1]
        if self.table.is_stale:
            self._align()
        self._expand(self._bodies)
        self.refresh_bindings()
        self.call_after_refresh(self._show_cursor)

    def scrolled_by_hand(self, lines: int) -> None:
        """The wheel: the cursor stays, and so do the rows for a while."""
        self._touch()
        super().scrolled_by_hand(lines)

    @property
    def look(self) -> Mapping[str, Style]:
        """The styles to draw with."""
        paints = self.paints
        if self._own_paints is None or self._own_paints["base"] is not paints["base"]:
            own = {name: self._paint(f"compare-view--{name}") for name in ("gap", "added", "removed", "differs")}
            self._own_paints = {**paints, **own}
        return self._own_paints

    # Actions

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Another column can be shown only where not all are."""
        del parameters
        return action != "rotate" or len(self.in_view) < len(self.table.columns)

    def action_move(self, rows: int) -> None:
        """Move the cursor by rows."""
        self._go_to(self._cursor + rows)

    def action_page(self, pages: float) -> None:
        """Move the cursor by pages."""
        lines = max(1, round(abs(pages) * (self.page_height - 1)))
        if self._cursor < 0:
            return
        line = self.table.line_of(self._cursor) + (lines if pages > 0 else -lines)
        at = self.table.at(max(0, line))
        self._go_to(at.place if at else len(self.table.shown) - 1)

    def action_first(self) -> None:
        """Go to the first row."""
        self._go_to(0)

    def action_follow(self) -> None:
        """Go to the last row and stay on it as more come."""
        self._go_to(len(self.table.shown) - 1)
        self._follow = True
        self._touched_at = float("-inf")

    def action_next_difference(self, direction: int) -> None:
        """Go to another row that differs."""
        if not self.go_to_next_difference(direction):
            self.app.bell()

    def action_expand(self) -> None:
        """Show the row under the cursor whole in all columns, or fold it."""
        row = self.cursor_row
        if row < 0:
            return
        self._touch()
        rows = [other for other in self._bodies if other != row]
        self._expand(rows if row in self._bodies else [*rows, row])
        self.draw_again()
        self.lines_changed()
        self._show_cursor()

    def action_only_differences(self) -> None:
        """Hide the rows that are the same, or show them again."""
        row = self.cursor_row
        self.table.show(only_differences=not self.table.only_differences)
        self._cursor = self.table.place_of(row)
        self.draw_again()
        self.lines_changed()
        self._show_cursor()

    def action_rotate(self, direction: int) -> None:
        """Where only two columns are shown: show another one beside the first."""
        others = len(self.table.columns) - 1
        self._other = (self._other - 1 + direction) % others + 1
        self.chosen = self._other if self.chosen else 0
        self._lay_out()
        self._expand(self._bodies)
        self.draw_again()
        self.lines_changed()
        self.post_message(self.ColumnChosen(self.chosen))

    def action_column(self, direction: int) -> None:
        """Choose a column; what is done to one run is done to that of the chosen column."""
        at = self.in_view.index(self.chosen) + direction
        if 0 <= at < len(self.in_view):
            self.chosen = self.in_view[at]
            self.refresh()
            self.post_message(self.ColumnChosen(self.chosen))

    def action_copy(self) -> None:
        """Ask for the text of the chosen column to be copied."""
        text = self._cells.text(self.cursor_row, self.chosen) if self.cursor_row >= 0 else None
        if text is not None:
            self.post_message(self.CopyRequested(text))

    def on_click(self, event: events.Click) -> None:
        """A click chooses a row and a column; a click on the chosen row expands or folds it."""
        column = self._cells.column_at(event.x)
        if column is not None:
            self.chosen = column
            self.post_message(self.ColumnChosen(column))
        line = self.line_at(event.y)
        at = None if line is None else self.table.at(line)
        if at is None:
            return
        if at.place == self._cursor:
            self.action_expand()
        else:
            self._go_to(at.place)

    # Inside

    def _align(self) -> None:
        """Align anew; cursor, expansions and the line at the top stay with what they were on."""
        held = self._held(self.cursor_row)
        expanded = [self._held(row) for row in self._bodies]
        above = self.table.line_of(self._cursor) - self.top if 0 <= self._cursor < len(self.table.shown) else 0
        self.table.align()
        self._bodies = {}
        self._expand([row for item in expanded if item is not None and (row := self._row_of(item)) >= 0])
        last = len(self.table.shown) - 1
        if self._follow:
            self._cursor = last
        elif held is not None:
            self._cursor = self.table.place_of(self._row_of(held))
        self._cursor = max(0, min(self._cursor, last)) if last >= 0 else -1
        self.draw_again()
        self.lines_changed()
        if self._follow:
            self.scroll_to_line(self.line_count())
        elif self._cursor >= 0:
            self.scroll_to_line(self.table.line_of(self._cursor) - above)

    def _held(self, row: int) -> tuple[int, int] | None:
        """Something that a row is known by after another alignment: a column and the place in its run."""
        if row < 0:
            return None
        return next(((column, at) for column, at in enumerate(self.table.rows[row]) if at is not None), None)

    def _row_of(self, held: tuple[int, int]) -> int:
        column, at = held
        return next((row for row, cells in enumerate(self.table.rows) if cells[column] == at), -1)

    def _is_frozen(self) -> bool:
        """Whether the user has just moved and would see rows change under the cursor."""
        if self._follow or monotonic() - self._touched_at >= _CALM_SECONDS:
            return False
        place = self.table.would_change_from()
        return place < len(self.table.shown) and self.table.line_of(place) < self.top + self.page_height

    def _touch(self) -> None:
        self._follow = False
        self._touched_at = monotonic()

    def _go_to(self, place: int) -> None:
        """Put the cursor on a row because the user wants to be there."""
        last = len(self.table.shown) - 1
        if last < 0:
            return
        self._touch()
        self._cursor = max(0, min(place, last))
        self._show_cursor()
        self.refresh()

    def _show_cursor(self) -> None:
        if 0 <= self._cursor < len(self.table.shown):
            first = self.table.line_of(self._cursor)
            self.bring_into_view(first, first + self.table.height_of(self._cursor) - 1)

    def _expand(self, rows: Sequence[int] | Mapping[int, Bodies]) -> None:
        """Let exactly these rows be expanded, laid out for the columns as they are."""
        self._bodies = {row: self._cells.bodies(row) for row in rows}
        self.table.expand({row: max(map(len, bodies), default=0) for row, bodies in self._bodies.items()})

    def _lay_out(self) -> None:
        """Choose the columns in view: all, or in a narrow terminal the first and one other."""
        every = range(len(self.table.columns))
        in_view = every if len(every) <= 2 or self.size.width >= _WIDE else (0, self._other)
        self._cells = CompareCells(self.table, in_view, self.text_width)

    def _border(self, glyph: str) -> Segment:
        return Segment(glyph, self.look["faint"])
