"""Applies the arrangement of panes to the main screen: which are shown, how wide, and what drags and keys change."""

from __future__ import annotations

from collections.abc import Mapping

from textual.screen import Screen
from textual.widget import Widget

from workbench.tui.layout import ALL_PANES, MIN_WIDTH, PANES, Arrangement, PaneName, arrange
from workbench.tui.remembered import Remembered

SPLITTERS: Mapping[str, PaneName] = {"split-agent": "agent", "split-cost": "cost", "split-replay": "replay"}
"""The pane whose width each splitter changes; it stands between that pane and the one next to it."""

DETAIL_SPLITTER = "split-detail"
"""The splitter between the timeline and the detail of an event."""

_STEP = 4
_DETAIL_HEIGHT = "detail.height"
_MIN_DETAIL = 4


class PaneLayout:
    """Knows which pane is in use and remembers what the user chose."""

    def __init__(self, screen: Screen[None], remembered: Remembered) -> None:
        self._screen = screen
        self._remembered = remembered
        self._shown = Arrangement((), {})
        self.current: PaneName = "timeline"
        self.side: PaneName = "agent"
        self.maximised = False

    @property
    def narrow(self) -> bool:
        """Whether one pane is shown at a time."""
        return len(self._shown.shown) == 1

    @property
    def hides_panes(self) -> bool:
        """Whether there are panes that are not shown."""
        return len(self._shown.shown) < len(PANES)

    def apply(self) -> None:
        """Arrange the panes for the screen as it is now."""
        width = self._screen.app.size.width
        chosen = {name: kept for name in PANES if (kept := self._remembered.get(self._key(name), 0))}
        shown = self._shown = arrange(width, self.current, self.side, chosen, maximised=self.maximised)
        for name in PANES:
            pane = self._screen.query_one(f"#{name}")
            pane.display = name in shown.shown
            pane.styles.width = shown.widths.get(name, "1fr")
        for splitter, name in SPLITTERS.items():
            self._screen.query_one(f"#{splitter}").display = name in shown.shown and not self.narrow
        if len(shown.shown) == 2:
            # the one splitter that is needed stands between the two, whichever they are
            self._screen.query_one("#split-agent").display = shown.shown[0] == "agent"

    def go_to(self, name: PaneName) -> None:
        """Show a pane and put the focus into it."""
        self._take(name)
        self.apply()
        pane = self._screen.query_one(f"#{name}")
        if self._screen.focused is None or pane not in self._screen.focused.ancestors_with_self:
            first = next((widget for widget in pane.query("*").results(Widget) if widget.focusable), None)
            if first is not None:
                self._screen.set_focus(first, scroll_visible=False)

    def focused(self, widget: Widget) -> bool:
        """The focus moved to a widget; True if another pane is in use now."""
        for node in widget.ancestors_with_self:
            if node.id is not None and node.id in PANES:
                changed = node.id != self.current
                self._take(node.id)
                return changed
        return False

    def toggle_maximised(self) -> None:
        """Give the pane in use all room, or give it back."""
        self.maximised = not self.maximised
        self.apply()

    def resize(self, steps: int) -> None:
        """Make the pane in use wider by so many steps; the timeline takes from the widest other, or gives to it."""
        widths = self._shown.widths
        if not widths:
            return
        name = self.current if self.current in widths else max(widths, key=lambda pane: widths[pane])
        sign = 1 if name == self.current else -1
        self._keep(name, widths[name] + sign * steps * _STEP)

    def drag(self, splitter: str, column: int) -> None:
        """A splitter is to be at a column of the screen, that of the detail at a row."""
        if splitter == DETAIL_SPLITTER:
            self.keep_detail(self._screen.query_one("#timeline").region.bottom - column - 1)
            return
        name = SPLITTERS[splitter]
        region = self._screen.query_one(f"#{name}").region
        self._keep(name, column - region.x if name == "agent" else region.right - column - 1)

    def reset(self, splitter: str) -> None:
        """What a splitter resizes gets its usual size."""
        if splitter == DETAIL_SPLITTER:
            self.keep_detail(None)
            return
        self._remembered.forget(self._key(SPLITTERS[splitter]))
        self.apply()

    def resize_detail(self, rows: int) -> None:
        """Make the detail higher by so many rows."""
        self.keep_detail(self._screen.query_one("#detail").size.height + rows)

    def keep_detail(self, height: int | None) -> None:
        """Give the detail a height, None its usual one, and remember it."""
        room = self._screen.query_one("#timeline").size.height
        if height is None:
            self._remembered.forget(_DETAIL_HEIGHT)
        else:
            self._remembered.set(_DETAIL_HEIGHT, max(_MIN_DETAIL, min(height, room - _MIN_DETAIL - 2)))
        self.apply_detail()

    def apply_detail(self) -> None:
        """Give the detail the height that is remembered."""
        height = self._remembered.get(_DETAIL_HEIGHT, 0)
        self._screen.query_one("#detail").styles.height = height or "45%"

    def _take(self, name: str) -> None:
        for pane in PANES:
            if pane == name:
                self.current = pane
                if pane != "timeline":
                    self.side = pane

    def _keep(self, name: PaneName, width: int) -> None:
        self._remembered.set(self._key(name), max(MIN_WIDTH, width))
        self.apply()

    def _key(self, name: PaneName) -> str:
        """Two panes and all panes are two layouts, each with its own widths."""
        return f"width.{name}" if self._screen.app.size.width >= ALL_PANES else f"width.two.{name}"
