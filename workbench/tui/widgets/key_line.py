"""The bottom line: the few keys that matter most where the focus is. Each can be clicked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.app import App
from textual.content import Content
from textual.dom import DOMNode
from textual.keys import format_key
from textual.screen import Screen
from textual.widget import Widget

FEWEST, MOST = 6, 12
"""How many keys are shown on any line, and how many on one that has room for them; help has them all."""

_OF_FOCUS = 3
_GAP = "   "


@dataclass(frozen=True, slots=True)
class _Shown:
    node: DOMNode
    action: str
    keys: str
    name: str

    @property
    def width(self) -> int:
        """The cells that it takes, with the gap after it."""
        return len(f"{self.keys} {self.name}{_GAP}")


class KeyLine(Widget):
    """Kept up to date by the framework's signal that bindings have changed."""

    DEFAULT_CSS = """
    KeyLine { height: 1; dock: bottom; background: $panel; color: $foreground 80%; padding: 0 1; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._shown: Sequence[_Shown] = ()
        self._ends: list[int] = []

    def on_mount(self) -> None:
        """Follow the focus."""
        self.screen.bindings_updated_signal.subscribe(self, self._changed)
        self._changed(self.screen)

    def on_resize(self) -> None:
        """Another width has room for other keys."""
        self._changed(self.screen)

    def _changed(self, screen: Screen[object]) -> None:
        shown = _chosen(screen, self.app, self.content_size.width)
        if shown != self._shown:
            self._shown = shown
            self.refresh()

    def render(self) -> Content:
        """Keys and what they do."""
        parts: list[tuple[str, str]] = []
        self._ends, at = [], 0
        for shown in self._shown:
            parts += [(f"{shown.keys} ", "bold $accent"), (shown.name, ""), (_GAP, "")]
            at += shown.width
            self._ends.append(at)
        return Content.assemble(*parts)

    async def on_click(self, event: events.Click) -> None:
        """Do what was clicked."""
        at = event.x - self.styles.padding.left
        for shown, end in zip(self._shown, self._ends, strict=True):
            if at < end:
                await self.app.run_action(shown.action, shown.node)
                return


def _chosen(screen: Screen[object], app: App[object], width: int) -> Sequence[_Shown]:
    """The screen's own keys, as many as a line of `width` has room for, the focused widget's first, then the app's."""
    of_screen: list[_Shown] = []
    of_focus: list[_Shown] = []
    of_app: list[_Shown] = []
    seen: set[str] = set()
    for active in screen.active_bindings.values():
        binding = active.binding
        if not binding.show or not active.enabled or binding.action in seen:
            continue
        seen.add(binding.action)
        where = of_screen if active.node is screen else of_app if active.node is app else of_focus
        key = binding.key_display or format_key(binding.key).replace("ctrl+", "^")
        where.append(_Shown(active.node, binding.action, key, binding.description))
    for shown in (of_screen, of_focus, of_app):
        shown.sort(key=_place)
    rest = (*of_focus[:_OF_FOCUS], *of_app)
    return (*_that_fit(of_screen, FEWEST - len(rest), MOST - len(rest), width - sum(key.width for key in rest)), *rest)


def _that_fit(keys: Sequence[_Shown], fewest: int, most: int, room: int) -> Sequence[_Shown]:
    """The first keys: `fewest` whatever they take, then up to `most` while they fit into `room` cells."""
    taken = 0
    for number, key in enumerate(keys[:most]):
        taken += key.width
        if number >= fewest and taken > room:
            return keys[:number]
    return keys[:most]


def _place(shown: _Shown) -> int:
    """Where the node itself has bound the action: the most important comes first."""
    actions = [binding.action for bindings in shown.node._bindings.key_to_bindings.values() for binding in bindings]
    return actions.index(shown.action) if shown.action in actions else len(actions)
