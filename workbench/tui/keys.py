"""All keys of a screen, from its bindings: what help and the palette show is what is bound, nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from textual.app import App
from textual.binding import Binding
from textual.dom import DOMNode
from textual.keys import format_key
from textual.screen import Screen
from textual.widget import Widget


@dataclass(frozen=True, slots=True)
class Key:
    """An action of `node`: the keys that do it as a person reads them, what it is called, and what it does."""

    node: DOMNode
    action: str
    keys: str
    name: str
    meaning: str
    id: str | None


@dataclass(frozen=True, slots=True)
class Section:
    """The keys that work in one place. `title` names it."""

    title: str
    keys: Sequence[Key]


def sections(app: App[Any], screen: Screen[Any], keymap: Mapping[str, str]) -> Sequence[Section]:
    """The keys of the focused widget first, then those of the screen, of the app, and of the screen's other widgets."""
    focused = screen.focused
    near = [node for node in focused.ancestors_with_self if isinstance(node, Widget)] if focused else []
    here = [node for node in near if node is not screen]
    others = [widget for widget in screen.query("*").results(Widget) if widget.focusable and widget not in here]
    found: list[Section] = []
    told: set[type] = set()
    for title, nodes in (
        ("", here),
        ("this screen", [screen]),
        ("everywhere", [app]),
        ("", others),
    ):
        for node in nodes:
            if type(node) in told:
                continue
            told.add(type(node))
            keys = tuple(keys_of(node, keymap))
            if keys:
                found.append(Section(title or place_name(node), keys))
    return found


def keys_of(node: DOMNode, keymap: Mapping[str, str]) -> Iterator[Key]:
    """The named actions of one node, in the order in which they were bound.

    What the framework binds by itself is told only of fields that text is typed into.
    """
    from textual.widgets import Input, TextArea

    typed_into = isinstance(node, Input | TextArea)
    by_action: dict[str, list[Binding]] = {}
    for bindings in node._bindings.key_to_bindings.values():
        for binding in bindings:
            if binding.description and (binding.id is not None or typed_into):
                by_action.setdefault(binding.action, []).append(binding)
    for action, bindings in by_action.items():
        first = bindings[0]
        keys = [binding.key for binding in bindings]
        if first.id is not None and first.id in keymap:
            keys = keymap[first.id].split(",")
        shown = " ".join(dict.fromkeys(format_key(key.strip()) for key in keys))
        yield Key(node, action, shown, first.description, first.tooltip, first.id)


def place_name(node: DOMNode) -> str:
    """What the place is called: its own `HELP_NAME`, else its class's name in words."""
    named = getattr(node, "HELP_NAME", None)
    if isinstance(named, str):
        return named
    name = type(node).__name__
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name).strip()
