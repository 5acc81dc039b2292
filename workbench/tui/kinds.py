"""The kinds of events as a screen shows them: a glyph, names, and which style. The glyph alone tells the kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of event. `name` is the event's type, `short` a word for narrow screens, `style` a name of `PAINTS`."""

    name: str
    short: str
    glyph: str
    style: str


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("run_started", "start", "▶", "run"),
        Kind("model_request", "request", "→", "faint"),
        Kind("model_response", "reply", "←", "model"),
        Kind("reasoning", "thought", "∴", "reasoning"),
        Kind("message", "message", "❝", "message"),
        Kind("tool_call", "call", "⚒", "tool"),
        Kind("tool_result", "result", "↳", "tool"),
        Kind("egress", "egress", "⇅", "outside"),
        Kind("permission", "ask", "?", "outside"),
        Kind("notice", "notice", "!", "outside"),
        Kind("run_completed", "done", "■", "run"),
        Kind("run_failed", "failed", "✗", "run"),
    )
}

ERROR_GLYPH = "✗"

ALIASES: Mapping[str, str] = {kind.short: kind.name for kind in KINDS.values() if kind.short != kind.name}
"""The short names, which a filter understands too."""


def kind_of(name: str) -> Kind:
    """The kind of an event type; a type of a later version is shown by its name."""
    return KINDS.get(name) or Kind(name, name, "·", "faint")
