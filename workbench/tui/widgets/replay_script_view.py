"""The script of a replay draft as lines: a cursor on one entry, the fork point between them, texts that unfold."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.message import Message
from textual.strip import Strip

from workbench.tui.replay_draft import ReplayDraft
from workbench.tui.replay_lines import (
    ScriptLine,
    edited_from,
    entry_strip,
    fork_strip,
    lines_of,
    problem_strip,
    steps_from,
    text_strip,
)
from workbench.tui.replay_script import Entry, Place
from workbench.tui.replay_texts import gist_of
from workbench.tui.spans import Line
from workbench.tui.unfolded_text import unfolded
from workbench.tui.widgets.line_view import LineView
from workbench.tui.widgets.replay_keys import SCRIPT_KEYS
from workbench.tui.wrapping import clean, wrap

_LEAD = 5
"""Cells before the text of an unfolded entry."""


class ReplayScript(LineView):
    """The entries of one draft. What it shows is given to it by `show`; keys move its cursor and fold texts."""

    HELP_NAME = "replay script"
    BINDINGS: ClassVar[list[BindingType]] = [*SCRIPT_KEYS]

    class Opened(Message):
        """The user wants to edit the selected entry: a double click."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id, classes=classes)
        self._draft: ReplayDraft | None = None
        self._entries: list[Entry] = []
        self._lines: list[ScriptLine] = []
        self._starts: list[int] = []
        self._gists: dict[Place, str] = {}
        self._unfolded: dict[Place, Sequence[Line]] = {}
        self._problem: tuple[Place | None, str] | None = None
        self._problem_lines: list[str] = []
        self._cursor = 0

    # What the editor calls

    def show(self, draft: ReplayDraft | None, entries: list[Entry], problem: tuple[Place | None, str] | None) -> None:
        """Show a draft; the cursor stays on its entry, or goes to the first of another run."""
        before = self.selected
        other = draft is None or self._draft is None or draft.tape.run_id != self._draft.tape.run_id
        self._draft, self._entries = draft, entries
        self._gists = {}
        if other:
            self._unfolded = {}
            self._cursor = 0
        elif before is not None:
            self._cursor = self._nearest(before.place)
        self._unfolded = {place: self._text_lines(place) for place in self._unfolded if self._has(place)}
        self._problem = problem
        self._lay_out()
        self.scroll_to_line(0 if other else self.top)

    @property
    def selected(self) -> Entry | None:
        """The entry under the cursor."""
        return self._entries[self._cursor] if 0 <= self._cursor < len(self._entries) else None

    def select(self, place: Place) -> bool:
        """Put the cursor on an entry; False if there is none of this place."""
        number = next((number for number, entry in enumerate(self._entries) if entry.place == place), None)
        if number is not None:
            self._go(number)
        return number is not None

    # The line view

    def line_count(self) -> int:
        """All lines."""
        return len(self._lines)

    def line_key(self, line: int) -> Hashable:
        """A line looks the same until the draft, the cursor or what is unfolded changes; then all are forgotten."""
        return (line, self._cursor_on(line))

    def draw_line(self, line: int) -> Strip:
        """One line."""
        if self._draft is None or not 0 <= line < len(self._lines):
            return Strip.blank(self.text_width, self.paints["base"])
        kind, number, part = self._lines[line]
        if kind == "fork":
            return fork_strip(self._draft, self.paints, self.text_width)
        entry = self._entries[number]
        if kind == "problem":
            return problem_strip(self._problem_lines[part], self.paints, self.text_width)
        if kind == "text":
            texts = self._unfolded[entry.place]
            return text_strip(texts[part], self.paints, self.text_width, last=part == len(texts) - 1)
        return entry_strip(
            self._draft,
            entry,
            self._gist(entry),
            self.paints,
            self.text_width,
            cursor=number == self._cursor,
            unfolded=entry.place in self._unfolded,
        )

    def width_changed(self) -> None:
        """Wrap what is unfolded anew."""
        self._unfolded = {place: self._text_lines(place) for place in self._unfolded}
        self._lay_out()
        self.call_after_refresh(self._show_cursor)

    # Keys and mouse

    def action_move(self, entries: int) -> None:
        """Up or down."""
        self._go(self._cursor + entries)

    def action_page(self, direction: int) -> None:
        """A page up or down."""
        self._go(self._cursor + direction * max(1, self.page_height - 1))

    def action_edge(self, direction: int) -> None:
        """To the first or the last."""
        self._go(0 if direction < 0 else len(self._entries) - 1)

    def action_step(self, direction: int) -> None:
        """To the next step, or back."""
        self._go_if(steps_from(self._entries, self._cursor, direction))

    def action_edited(self, direction: int) -> None:
        """To the next edited entry, or back."""
        self._go_if(edited_from(self._entries, self._cursor, direction))

    def action_unfold(self) -> None:
        """Show the text below the entry, or fold it."""
        entry = self.selected
        if entry is None:
            return
        if entry.place in self._unfolded:
            del self._unfolded[entry.place]
        else:
            self._unfolded[entry.place] = self._text_lines(entry.place)
        self._lay_out()
        self._show_cursor()

    def on_click(self, event: events.Click) -> None:
        """Select; a second click edits."""
        line = self.line_at(event.y)
        if line is None or not 0 <= line < len(self._lines) or self._lines[line].kind == "fork":
            return
        self._go(self._lines[line].entry)
        if event.chain == 2:
            self.post_message(self.Opened())

    # Within

    def _lay_out(self) -> None:
        if self._draft is None:
            self._lines, self._starts = [], []
        else:
            wanted = self._unfolded or self._problem
            numbers = {entry.place: number for number, entry in enumerate(self._entries)} if wanted else {}
            heights = {numbers[place]: len(texts) for place, texts in self._unfolded.items() if place in numbers}
            blamed, said = self._problem or (None, "")
            self._problem_lines = wrap(clean(said), max(10, self.text_width - 6))
            at = (numbers[blamed], len(self._problem_lines)) if blamed in numbers else None
            self._lines = lines_of(self._entries, self._draft.fork, heights, at)
            self._starts = [at for at, line in enumerate(self._lines) if line.kind == "entry"]
        self.lines_changed()
        self.draw_again()

    def _cursor_on(self, line: int) -> bool:
        return 0 <= line < len(self._lines) and self._lines[line] == ("entry", self._cursor, 0)

    def _go(self, number: int) -> None:
        number = max(0, min(number, len(self._entries) - 1))
        if number != self._cursor:
            self._cursor = number
            self.refresh()
        self._show_cursor()

    def _go_if(self, number: int | None) -> None:
        if number is None:
            self.app.bell()
        else:
            self._go(number)

    def _show_cursor(self) -> None:
        if not 0 <= self._cursor < len(self._starts):
            return
        first = self._starts[self._cursor]
        following = self._cursor + 1
        last = (self._starts[following] if following < len(self._starts) else len(self._lines)) - 1
        self.bring_into_view(first, last)

    def _has(self, place: Place) -> bool:
        return any(entry.place == place for entry in self._entries)

    def _nearest(self, place: Place) -> int:
        """The entry of this place; where it is gone, the one that is where it was."""
        if self._cursor < len(self._entries) and self._entries[self._cursor].place == place:
            return self._cursor
        found = next((number for number, entry in enumerate(self._entries) if entry.place == place), None)
        return min(self._cursor, len(self._entries) - 1) if found is None else found

    def _gist(self, entry: Entry) -> str:
        if entry.place not in self._gists and self._draft is not None:
            self._gists[entry.place] = gist_of(self._draft.tape, self._draft.edits, entry.place)
        return self._gists[entry.place]

    def _text_lines(self, place: Place) -> Sequence[Line]:
        draft = self._draft
        if draft is None:
            return []
        entry = next((entry for entry in self._entries if entry.place == place), None)
        original = draft.original(place) if entry is not None and entry.edited else None
        return unfolded(draft.text(place), original, self.text_width - _LEAD)
