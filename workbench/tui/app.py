"""The application: themes, signals of the framework, and which screen is up. What it shows comes from the session."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.filter import LineFilter

from workbench.tui.remembered import Remembered
from workbench.tui.safe_text import NO_CONTROL
from workbench.tui.screens.main import MainScreen
from workbench.tui.session import Session, SittingOptions
from workbench.tui.themes import THEMES

AGENT_FILE = "agent.yaml"


class WorkbenchApp(App[None]):
    """The workbench on a terminal."""

    TITLE = "workbench"
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "ctrl+p"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "leave", "Quit", show=False, priority=True, id="app.quit"),
        Binding("f1,question_mark", "help", "Help", key_display="?", id="app.help"),
        Binding("ctrl+t", "next_theme", "Next theme", show=False, id="app.theme"),
        Binding("ctrl+c", "interrupt", "Stop the run", show=False, system=True),
    ]

    def __init__(self, folder: Path, options: SittingOptions) -> None:
        super().__init__()
        self._folder = folder
        self._options = options
        self.session: Session | None = None
        self.remembered = Remembered.of_screen()
        for theme in THEMES:
            self.register_theme(theme)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """The framework's, and the one that keeps control characters from the terminal."""
        return [*super().get_line_filters(), NO_CONTROL]

    async def on_mount(self) -> None:
        """Open the agent, or offer some."""
        theme = self.remembered.get("theme", THEMES[0].name)
        self.theme = theme if theme in self.available_themes else THEMES[0].name
        self.call_after_refresh(_collect_garbage_again)
        await self.open_agent(self._folder)

    async def open_agent(self, folder: Path) -> None:
        """Show the agent in `folder`."""
        self.session = Session(folder, self._options)
        await self.push_screen(MainScreen(self.session, self.remembered))

    async def action_leave(self) -> None:
        """End the workbench."""
        self.exit()

    def action_next_theme(self) -> None:
        """Take the next theme."""
        names = [theme.name for theme in THEMES]
        self.theme = names[(names.index(self.theme) + 1) % len(names)] if self.theme in names else names[0]
        self.remembered.set("theme", self.theme)
        self.remembered.save()


def _collect_garbage_again() -> None:
    gc.enable()
    gc.freeze()
