"""A screen of panes: which are shown, which is in use, how wide each is."""

from __future__ import annotations

from textual import events, on
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from workbench.tui.layout import PANES, PaneName
from workbench.tui.remembered import Remembered
from workbench.tui.screens.pane_layout import PaneLayout
from workbench.tui.widgets.splitter import Splitter

SHORT = 32
"""Rows below which lists are kept small and the detail is shown only when it is asked for."""


class PanedScreen(Screen[None]):
    """The part of the main screen that is about its panes.

    Where not all panes are shown a line of tabs tells which there are. The classes `-tabs`, `-short` and `-no-detail`
    say how the screen is arranged.
    """

    def __init__(self, remembered: Remembered) -> None:
        super().__init__()
        self.panes = PaneLayout(self, remembered)
        self._detail_wanted: bool | None = None

    def rearrange(self) -> None:
        """Arrange the panes for the screen as it is now."""
        short = self.app.size.height < SHORT
        self.panes.apply()
        wanted = self._detail_wanted if self._detail_wanted is not None else not short
        self.set_class(self.panes.hides_panes, "-tabs")
        self.set_class(short, "-short")
        self.set_class(not wanted, "-no-detail")
        parts: list[tuple[str, str]] = []
        for number, name in enumerate(PANES, start=1):
            here = name == self.panes.current
            parts += [(f" {number} {name} ", "bold $background on $primary" if here else "$foreground 60%"), (" ", "")]
        self.query_one("#tabs", Static).update(Content.assemble(*parts))

    @property
    def shows_detail(self) -> bool:
        """Whether the detail of an event is shown."""
        return not self.has_class("-no-detail")

    def detail_opened(self) -> None:
        """The detail has been opened; a subclass fills it."""

    def on_resize(self, event: events.Resize) -> None:
        """Arrange the panes for the new size."""
        del event
        self.rearrange()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """The focus decides which pane is in use."""
        if self.panes.focused(event.widget):
            self.rearrange()

    def action_pane(self, name: PaneName) -> None:
        """Go to a pane."""
        self.panes.go_to(name)
        self.rearrange()

    def action_maximise_pane(self) -> None:
        """Give the pane all room, or back."""
        self.panes.toggle_maximised()
        self.rearrange()

    def action_resize(self, steps: int) -> None:
        """Make the pane wider or narrower."""
        self.panes.resize(steps)

    def action_resize_detail(self, rows: int) -> None:
        """Make the detail higher or lower."""
        self.panes.resize_detail(rows)

    def action_toggle_detail(self) -> None:
        """Show or hide the detail of the selected event."""
        self._detail_wanted = not self.shows_detail
        self.rearrange()
        if self._detail_wanted:
            self.detail_opened()

    @on(Splitter.Moved)
    def _splitter_moved(self, event: Splitter.Moved) -> None:
        self.panes.drag(str(event.splitter.id), event.cell)

    @on(Splitter.Reset)
    def _splitter_reset(self, event: Splitter.Reset) -> None:
        self.panes.reset(str(event.splitter.id))
