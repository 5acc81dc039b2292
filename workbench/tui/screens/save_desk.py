"""What a save leads to on the main screen: it is shown, and runs follow from it if the user wants that."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from workbench.tui.on_save import DEBOUNCE, EXPLAINED, SAID, mode_of, next_mode
from workbench.tui.remembered import Remembered
from workbench.tui.screens.paned import SHORT
from workbench.tui.widgets.save_strip import SaveStrip

if TYPE_CHECKING:
    from pathlib import Path

    from textual.screen import Screen
    from textual.timer import Timer

    from workbench.tui.saves import Saved

_MODE = "on_save"


class SaveDesk:
    """Knows the mode, and waits until no other save follows before it calls `rerun` with the last one and the mode."""

    def __init__(self, screen: Screen[None], remembered: Remembered, rerun: Callable[[Saved], None]) -> None:
        self._screen = screen
        self._remembered = remembered
        self._rerun = rerun
        self._timer: Timer | None = None
        self.mode = mode_of(remembered.get(_MODE, ""))

    @property
    def said(self) -> str:
        """What the top line says of the mode."""
        return SAID[self.mode]

    def next_mode(self) -> None:
        """Take the next mode, and say what it means."""
        self.mode = next_mode(self.mode)
        self._remembered.set(_MODE, self.mode)
        self._screen.notify(EXPLAINED[self.mode], title=SAID[self.mode], timeout=4, markup=False)

    def take(self, saved: Saved, chosen: Path | None) -> None:
        """Show a save, and let a run follow from it if it can change what the input `chosen` leads to."""
        rerun = self.mode != "show" and not saved.broken and saved.concerns(chosen)
        if saved.diffs or saved.broken:
            lines = 5 if self._screen.size.height < SHORT else 12
            self.strip.show(saved, "running with it" if rerun else saved.follows, lines)
        if rerun:
            if self._timer is not None:
                self._timer.stop()
            self._timer = self._screen.set_timer(DEBOUNCE, lambda: self._rerun(saved))

    @property
    def strip(self) -> SaveStrip:
        """The strip that shows it."""
        return self._screen.query_one(SaveStrip)
