"""The application: themes, keys, and which screen is up. What the screens show comes from the session."""

from __future__ import annotations

import gc
import traceback
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import work
from textual.app import App
from textual.binding import Binding, BindingType
from textual.filter import LineFilter
from textual.screen import Screen

from workbench.trace.terminal import printable
from workbench.tui.remembered import Remembered
from workbench.tui.safe_text import NO_CONTROL
from workbench.tui.screens.main import MainScreen
from workbench.tui.session import Session, SittingOptions
from workbench.tui.settings import read_settings, settings_file
from workbench.tui.themes import THEMES

if TYPE_CHECKING:
    from rich.console import RenderableType
    from textual.command import Provider
    from textual.driver import Driver

    from workbench.tui.keys import Key
    from workbench.tui.palette import Command

_SHIPPED = (*(theme.name for theme in THEMES), "ansi-dark", "ansi-light")


def _commands() -> type[Provider]:
    """The palette's commands, imported when it is first opened."""
    from workbench.tui.palette import Commands

    return Commands


_OWN = ("this screen", "everywhere")
"""The sections of keys that are no widget's."""

_CATCH_UP = 0.2
"""Seconds after which a frame that was left out is painted, if the terminal takes frames again."""


class WorkbenchApp(App[None]):
    """The workbench on a terminal."""

    TITLE = "workbench"
    CSS_PATH = "screens/main.tcss"
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {_commands}
    COMMAND_PALETTE_BINDING = "ctrl+p"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark,f1", "help", "Help", key_display="?", tooltip="All keys that work here", id="app.help"),
        Binding(
            "ctrl+p",
            "command_palette",
            "All actions",
            key_display="^p",
            priority=True,
            tooltip="Find any action",
            id="app.palette",
        ),
        Binding("ctrl+t", "next_theme", "Next theme", show=False, tooltip="Other colours", id="app.theme"),
        Binding("ctrl+q", "leave", "Quit", show=False, priority=True, tooltip="Leave the workbench", id="app.quit"),
        Binding(
            "ctrl+z", "suspend_process", "Suspend", show=False, tooltip="Back to the shell until fg", id="app.suspend"
        ),
        Binding(
            "ctrl+c",
            "interrupt",
            "Stop the run",
            show=False,
            tooltip="Copies instead if text is selected",
            id="app.stop",
        ),
    ]

    def __init__(self, folder: Path, options: SittingOptions, *, warm_up: bool = True) -> None:
        """Without `warm_up` nothing is loaded and no sandbox started before the first run."""
        super().__init__()
        self._warm_up = warm_up
        self._folder = folder
        self._options = options
        self._left_out = False
        self.session: Session | None = None
        self.settings = read_settings(settings_file())
        self.remembered = Remembered.of_screen()
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = self._first_theme()
        self.set_keymap(self.settings.keys)

    def get_driver_class(self) -> type[Driver]:
        """The driver that never waits for the terminal."""
        from workbench.tui.driver import PatientDriver

        return PatientDriver

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        """Paint, unless the terminal is behind with what it has; it gets a whole frame once it is not."""
        if getattr(self._driver, "is_behind", False):
            if not self._left_out:
                self._left_out = True
                self.set_timer(_CATCH_UP, self._catch_up)
            return
        super()._display(screen, renderable)

    def _catch_up(self) -> None:
        self._left_out = False
        self.refresh(layout=True)

    def get_default_screen(self) -> Screen[Any]:
        """The agent's screen, so that nothing is painted before it; an empty one where there is no agent."""
        if self._offers_agents:
            return super().get_default_screen()
        return self._main_screen(self._folder)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """The framework's, and the one that keeps control characters from the terminal."""
        return [*super().get_line_filters(), NO_CONTROL]

    def on_mount(self) -> None:
        """Where there is no agent, offer some."""
        self.call_after_refresh(_collect_garbage_again)
        if self._offers_agents:
            self._offer_agents()
        self.call_after_refresh(self._tell_problems)

    def _first_theme(self) -> str:
        wanted = self.settings.theme or self.remembered.get("theme", _SHIPPED[0])
        return wanted if wanted in self.available_themes else _SHIPPED[0]

    @property
    def _offers_agents(self) -> bool:
        return self._folder.is_dir() and not (self._folder / "agent.yaml").exists()

    @work
    async def _offer_agents(self) -> None:
        from workbench.tui.screens.start import StartScreen

        chosen = await self.push_screen_wait(StartScreen(self._folder))
        if chosen is not None:
            await self.push_screen(self._main_screen(chosen))

    def _main_screen(self, folder: Path) -> MainScreen:
        self.session = Session(folder, self._options)
        return MainScreen(self.session, self.remembered, Remembered.of_agent(folder), warm_up=self._warm_up)

    def _tell_problems(self) -> None:
        if not self.screen.is_mounted:  # what is told before there is a place for it is never shown
            self.set_timer(0.1, self._tell_problems)
            return
        for problem in self._settings_problems():
            self.notify(problem, title="settings", severity="warning", timeout=20, markup=False)

    def _settings_problems(self) -> Iterator[str]:
        yield from self.settings.problems
        if not self.settings.keys:
            return
        from workbench.tui.keys import sections

        known = {key.id for section in sections(self, self.screen, {}) for key in section.keys}
        for name in self.settings.keys:
            if name not in known and name.partition(".")[0] in {"app", "main"}:
                yield f"{settings_file()}: there is no action {name!r}; help shows their names"

    def _fatal_error(self) -> None:
        """A fault of the workbench: the screen ends and tells it, without values of variables.

        They may hold secrets, or text of a tool that the terminal would obey.
        """
        from rich.text import Text

        trace = printable(traceback.format_exc(), keep="\n")
        self._exit_renderables.append(Text(f"{trace}\nThis is a fault of the workbench itself. Runs are stored."))
        self._close_messages_no_wait()

    # Actions

    @work
    async def action_leave(self) -> None:
        """Leave; ask first if a run goes on."""
        from workbench.tui.screens.question import Answer, Question

        what = self.session.under_way if self.session is not None else ""
        if what and not isinstance(self.screen, Question):
            answers = [Answer("quit", "y", "stop and quit"), Answer("stay", "n", "go on")]
            if await self.push_screen_wait(Question("quit?", what, answers)) != "quit":
                return
        self.exit()

    def action_interrupt(self) -> None:
        """Ctrl-C: stop what goes on; if nothing does, say how to leave."""
        if self.session is None or not self.session.stop():
            self.notify("ctrl+q quits", timeout=2, markup=False)

    def action_next_theme(self) -> None:
        """Take the next theme."""
        at = _SHIPPED.index(self.theme) if self.theme in _SHIPPED else -1
        self.take_theme(_SHIPPED[(at + 1) % len(_SHIPPED)])

    def take_theme(self, name: str) -> None:
        """Take a theme, and remember it."""
        self.theme = name
        self.remembered.set("theme", name)
        self.remembered.save()

    def action_help(self) -> None:
        """Show every key that works here."""
        from workbench.tui.keys import sections
        from workbench.tui.screens.help import HelpScreen

        screen = self.screen
        self.push_screen(HelpScreen(_about(screen), sections(self, screen, self.settings.keys)))

    # Palette

    def all_commands(self) -> Iterator[Command]:
        """Every action of the screen below the palette, what that screen offers itself, and the themes."""
        from workbench.tui.keys import sections
        from workbench.tui.palette import Command, Offers, command_of

        screen = self.screen_stack[-2] if len(self.screen_stack) > 1 else self.screen
        if isinstance(screen, Offers):
            yield from screen.offered_commands()
        found = sections(self, screen, self.settings.keys)
        for section in sorted(found, key=lambda section: section.title not in _OWN):
            place = "workbench" if section.title in _OWN else section.title
            for key in section.keys:
                yield command_of(key, place, partial(self._do, key))
        for name in sorted(self.available_themes):
            yield Command(f"theme: {name}", "Take these colours", partial(self.take_theme, name))

    async def _do(self, key: Key) -> None:
        await self.run_action(key.action, key.node)


def _about(screen: Screen[object]) -> str:
    about = getattr(screen, "HELP", None)
    return about if isinstance(about, str) else ""


def _collect_garbage_again() -> None:
    gc.enable()
    gc.freeze()
