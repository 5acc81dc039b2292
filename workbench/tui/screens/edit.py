"""Editing a file of the agent in place."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Literal

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.reactive import var
from textual.screen import Screen
from textual.widgets import Static, TextArea

from workbench.definition.problems import Problem
from workbench.definition.watcher import FileChange
from workbench.trace.terminal import one_line
from workbench.tui.edited_file import EditedFile, Way
from workbench.tui.file_diff import diff
from workbench.tui.screens.question import Answer, Question
from workbench.tui.widgets.key_line import KeyLine

Leaving = Literal["closed", "run", "editor"]

_HIGHLIGHTED = {
    ".md": ("markdown", 100_000),
    ".yaml": ("yaml", 20_000),
    ".yml": ("yaml", 20_000),
    ".json": ("json", 20_000),
}
"""By ending: the language, and up to how many characters it is highlighted; each key press colours the whole text."""

_CONFLICT_LINES = 10


class EditScreen(Screen[Leaving]):
    """One file. A change on disk meanwhile is shown and asked about, never overwritten."""

    CSS_PATH = "edit.tcss"
    HELP = (
        "Edit a file of the agent. Saving is like saving in any other editor: the main screen shows what changed, and "
        "runs again if it is told to. If another program saves the file meanwhile, both versions are kept until you "
        "choose."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f5", "settle('disk')", "Take the disk's", id="edit.disk", priority=True),
        Binding("f6", "settle('mine')", "Keep mine", id="edit.mine", priority=True),
        Binding("f7", "settle('merge')", "Merge", id="edit.merge", priority=True),
        Binding("ctrl+s", "save", "Save", id="edit.save", priority=True),
        Binding("ctrl+r", "save_and_run", "Save and run", id="edit.run", priority=True),
        Binding("escape", "close", "Close", id="edit.close", priority=True),
        Binding("ctrl+e,f4", "external", "$EDITOR", id="edit.external", priority=True),
    ]

    conflict: var[bool] = var(False, toggle_class="-conflict", bindings=True)

    def __init__(self, path: Path, name: str, line: int | None = None) -> None:
        """Raises what `EditedFile.open` raises."""
        super().__init__()
        self._file = EditedFile.open(path)
        self._called = name
        self._line = line

    def compose(self) -> ComposeResult:
        """Title, what is wrong, and the text."""
        yield Static(id="title", markup=False)
        yield Static(id="conflict", markup=False)
        yield Static(id="problems", markup=False)
        yield TextArea(soft_wrap=True, show_line_numbers=True, tab_behavior="indent")
        yield KeyLine()

    def on_mount(self) -> None:
        """Show the file, the cursor where it is wanted."""
        area = self._area
        text = self._file.base or ""
        language, limit = _HIGHLIGHTED.get(self._file.path.suffix, (None, 0))
        area.load_text(text)
        if language in area.available_languages and len(text) <= limit:
            area.language = language
        if self._line is not None:
            area.move_cursor((min(self._line, area.document.line_count) - 1, 0), center=True)
        self.set_focus(area)
        self._show_state()

    @property
    def path(self) -> Path:
        """The file."""
        return self._file.path

    @property
    def _area(self) -> TextArea:
        return self.query_one(TextArea)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A conflict is settled only while there is one; else its keys are the editor's own."""
        return self.conflict if action == "settle" else True

    def on_text_area_changed(self) -> None:
        """Say whether it is saved."""
        self._show_state()

    def look(self) -> None:
        """The disk may have changed: take what is there if nothing is lost by it, else show the conflict."""
        area = self._area
        try:
            taken = self._file.look(area.text)
        except UnicodeDecodeError:
            self.notify(f"{self._called} on disk is no UTF-8 text any more", severity="error", markup=False)
            return
        if taken is not None and taken != area.text:
            self._replace(taken)
        self._show_conflict()

    def show_problems(self, problems: Sequence[Problem]) -> None:
        """Show what is wrong with the file as it was saved last."""
        mine = [problem for problem in problems if problem.file.resolve() == self.path.resolve()]
        lines = [f"{problem.line}:{problem.column}  {one_line(problem.message, 300)}" for problem in mine]
        self.query_one("#problems", Static).update(Content.assemble(("\n".join(lines), "$text-error")))
        self.set_class(bool(mine), "-problems")

    def action_save(self) -> None:
        """Write the file."""
        self._save()

    def action_save_and_run(self) -> None:
        """Write the file and run with it."""
        if not self._file.dirty(self._area.text) or self._save():
            self.dismiss("run")

    def action_external(self) -> None:
        """Go on in the user's own editor."""
        if not self._file.dirty(self._area.text) or self._save():
            self.dismiss("editor")

    def action_settle(self, way: Way) -> None:
        """Settle a conflict."""
        merged = self._file.settle(way, self._area.text)
        if merged.text != self._area.text:
            self._replace(merged.text)
        if merged.conflicts:
            places = "one place" if merged.conflicts == 1 else f"{merged.conflicts} places"
            self.notify(f"both changed the same lines in {places}: look for <<<<<<<", severity="warning", markup=False)
        self._show_conflict()

    @work
    async def action_close(self) -> None:
        """Close, and ask first if something would be lost."""
        if self._file.dirty(self._area.text):
            answers = [
                Answer("save", "s", "save and close"),
                Answer("discard", "d", "close without saving"),
                Answer("stay", "e", "go on editing"),
            ]
            chosen = await self.app.push_screen_wait(Question("not saved", f"{self._called} is not saved.", answers))
            if chosen not in ("save", "discard") or (chosen == "save" and not self._save()):
                return
        self.dismiss("closed")

    def _save(self) -> bool:
        try:
            saved = self._file.save(self._area.text)
        except OSError as error:
            self.notify(f"{self._called} cannot be written: {error.strerror}", severity="error", markup=False)
            return False
        if not saved:
            self.app.bell()
        self._show_conflict()
        return saved

    def _replace(self, text: str) -> None:
        """Put another text in, as one step that can be undone, the cursor on its line."""
        area = self._area
        row, column = area.cursor_location
        area.replace(text, (0, 0), area.document.end, maintain_selection_offset=False)
        area.move_cursor((min(row, area.document.line_count - 1), column))

    def _show_conflict(self) -> None:
        self.conflict = self._file.conflict
        if self.conflict:
            change = FileChange(self.path, self._area.text, self._file.disk)
            shown = diff(change, self._called)
            more = len(shown.lines) - _CONFLICT_LINES
            lines = [
                Content.styled(f"Another program saved {self._called} while you edited it.", "bold $text-error"),
                Content.styled("f5 takes the disk's · f6 keeps mine · f7 merges both", "bold"),
                Content.styled("from mine (-) to the disk's (+):", "$foreground 60%"),
                *(line.content for line in shown.lines[:_CONFLICT_LINES]),
                *([Content.styled(f"  … {more} more lines", "$foreground 60%")] if more > 0 else []),
            ]
            self.query_one("#conflict", Static).update(Content("\n").join(lines))
        self._show_state()

    def _show_state(self) -> None:
        state = ("conflict", "bold $error") if self.conflict else ("", "")
        if not self.conflict and self.is_mounted:
            state = ("not saved", "bold $warning") if self._file.dirty(self._area.text) else ("saved", "$success")
        title = Content.assemble((one_line(self._called, 80), "bold"), "  ", state)
        self.query_one("#title", Static).update(title)
