"""Editing the agent's files from the main screen: here, or in the user's own editor; and copying text out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from workbench.trace.terminal import one_line
from workbench.tui.session import Session

if TYPE_CHECKING:
    from textual.screen import Screen


class Editing:
    """Opens editors above a screen, and tells them what happens on disk meanwhile."""

    def __init__(self, screen: Screen[None], session: Session) -> None:
        self._screen = screen
        self._session = session

    @property
    def prompt(self) -> Path:
        """The file of the system prompt."""
        definition = self._session.definition
        named = definition.files[1:] if definition is not None else ()
        return named[0] if named else self._session.folder / "prompt.md"

    def label(self, path: Path) -> str:
        """A file as a person calls it."""
        folder = self._session.folder
        return one_line(str(path.relative_to(folder) if path.is_relative_to(folder) else path), 80)

    async def here(self, path: Path, line: int | None = None) -> bool:
        """Edit a file here until it is closed; True if the user wants to run with it."""
        from workbench.tui.screens.edit import EditScreen

        try:
            editor = EditScreen(path, self.label(path), line)
        except (OSError, UnicodeDecodeError) as error:
            self._tell(f"{self.label(path)} cannot be edited here: {error}")
            return False
        left = await self._screen.app.push_screen_wait(editor)
        if left == "editor":
            await self.outside(path, line)
        return left == "run"

    async def outside(self, path: Path, line: int | None = None) -> None:
        """Edit a file in the user's own editor."""
        from workbench.tui.external_editor import NoEditorError
        from workbench.tui.outside import edit_outside

        try:
            await edit_outside(self._screen.app, path, line)
        except NoEditorError as error:
            self._tell(str(error))

    async def text_outside(self, text: str, suffix: str) -> None:
        """Show a text in the user's own editor."""
        from workbench.tui.external_editor import NoEditorError
        from workbench.tui.outside import read_outside

        try:
            await read_outside(self._screen.app, text, suffix)
        except NoEditorError as error:
            self._tell(str(error))

    async def copy(self, text: str) -> None:
        """Copy a text, and say how."""
        from workbench.tui.clipboard import copy_text

        try:
            copied = str(await copy_text(text, self._screen.app.copy_to_clipboard))
        except OSError as error:
            self._tell(f"nothing could be copied: {error}")
        else:
            self._screen.notify(copied, timeout=3, markup=False)

    def tell_editors(self) -> None:
        """Files changed on disk: whoever edits one has a look."""
        from workbench.tui.screens.edit import EditScreen

        for screen in self._screen.app.screen_stack:
            if isinstance(screen, EditScreen):
                screen.look()
                screen.show_problems(self._session.problems)

    def _tell(self, message: str) -> None:
        self._screen.notify(message, severity="error", timeout=10, markup=False)
