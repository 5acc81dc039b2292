"""The keys of the timeline: those of vi, of pagers, and the arrows."""

from __future__ import annotations

from collections.abc import Sequence

from textual.binding import Binding

TIMELINE_KEYS: Sequence[Binding] = [
    Binding(
        "enter,space", "expand", "Expand", tooltip="Show the event below its row, or fold it", id="timeline.expand"
    ),
    Binding("up,k", "move(-1)", "Up", show=False, tooltip="Previous event", id="timeline.up"),
    Binding("down,j", "move(1)", "Down", show=False, tooltip="Next event", id="timeline.down"),
    Binding("pageup,ctrl+b", "page(-1.0)", "Page up", show=False, tooltip="A page up", id="timeline.page_up"),
    Binding("pagedown,ctrl+f", "page(1.0)", "Page down", show=False, tooltip="A page down", id="timeline.page_down"),
    Binding("ctrl+u", "page(-0.5)", "Half up", show=False, tooltip="Half a page up", id="timeline.half_up"),
    Binding("ctrl+d", "page(0.5)", "Half down", show=False, tooltip="Half a page down", id="timeline.half_down"),
    Binding("home,g", "first", "First", show=False, tooltip="The first event", id="timeline.first"),
    Binding("end,G", "follow", "Follow", tooltip="The last event, and follow new ones", id="timeline.follow"),
    Binding("e", "next_error(1)", "Error", tooltip="Next error", id="timeline.next_error"),
    Binding("E", "next_error(-1)", "Error back", show=False, tooltip="Previous error", id="timeline.previous_error"),
    Binding("right_square_bracket", "next_step(1)", "Step", show=False, tooltip="Next step", id="timeline.next_step"),
    Binding(
        "left_square_bracket",
        "next_step(-1)",
        "Step back",
        show=False,
        tooltip="Previous step",
        id="timeline.previous_step",
    ),
    Binding("n", "next_hit(1)", "Next hit", show=False, tooltip="Next hit of the search", id="timeline.next_hit"),
    Binding(
        "N",
        "next_hit(-1)",
        "Hit back",
        show=False,
        tooltip="Previous hit of the search",
        id="timeline.previous_hit",
    ),
    Binding("y", "copy", "Copy", show=False, tooltip="Copy the event as text", id="timeline.copy"),
]
