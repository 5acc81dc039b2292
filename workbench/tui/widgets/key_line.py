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

MOST = 6
"""How many keys are shown; help has them all."""

_OF_FOCUS = 3


@dataclass(frozen=True, slots=True)
class _Shown:
    node: DOMNode
    action: str
    keys: str
    name: str


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

    def _changed(self, screen: Screen[object]) -> None:
        shown = _chosen(screen, self.app)
        if shown != self._shown:
            self._shown = shown
            self.refresh()

    def render(self) -> Content:
        """Keys and what they do."""
        parts: list[tuple[str, str]] = []
        self._ends, at = [], 0
        for shown in self._shown:
            piece = [(f"{shown.keys} ", "bold $accent"), (f"{shown.name}", ""), ("   ", "")]
            parts += piece
            at += sum(len(text) for text, _ in piece)
            self._ends.append(at)
        return Content.assemble(*parts)

    async def on_click(self, event: events.Click) -> None:
        """Do what was clicked."""
        at = event.x - self.styles.padding.left
        for shown, end in zip(self._shown, self._ends, strict=True):
            if at < end:
                await self.app.run_action(shown.action, shown.node)
                return


def _chosen(screen: Screen[object], app: App[object]) -> Sequence[_Shown]:
    """The screen's own keys, the first ones of the focused widget, then those of the app."""
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
    room = MOST - len(of_app) - len(of_focus[:_OF_FOCUS])
    return (*of_screen[:room], *of_focus[:_OF_FOCUS], *of_app)


def _place(shown: _Shown) -> int:
    """Where the node itself has bound the action: the most important comes first."""
    actions = [binding.action for bindings in shown.node._bindings.key_to_bindings.values() for binding in bindings]
    return actions.index(shown.action) if shown.action in actions else len(actions)
