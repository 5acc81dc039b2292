"""The keys of the comparison."""

from __future__ import annotations

from textual.binding import Binding, BindingType

BINDINGS: list[BindingType] = [
    Binding("n", "next_difference(1)", "Next diff", tooltip="Next row that differs", id="compare.next"),
    Binding("N", "next_difference(-1)", "Previous", show=False, tooltip="Row before that differs", id="compare.prev"),
    Binding("enter,space", "expand", "Expand", tooltip="Show the row whole in all columns", id="compare.expand"),
    Binding("d", "only_differences", "Only diffs", tooltip="Hide what is the same", id="compare.only"),
    Binding(
        "right_square_bracket",
        "rotate(1)",
        "Other run",
        key_display="]",
        tooltip="Show another column",
        id="compare.rotate",
    ),
    Binding("left_square_bracket", "rotate(-1)", "Other run", key_display="[", show=False, id="compare.rotate_back"),
    Binding("up,k", "move(-1)", "Up", show=False, tooltip="Previous row", id="compare.up"),
    Binding("down,j", "move(1)", "Down", show=False, tooltip="Next row", id="compare.down"),
    Binding("left,h", "column(-1)", "Column left", show=False, tooltip="Choose the column left", id="compare.left"),
    Binding("right,l", "column(1)", "Column right", show=False, tooltip="Choose the column right", id="compare.right"),
    Binding("pageup,ctrl+b", "page(-1.0)", "Page up", show=False, id="compare.page_up"),
    Binding("pagedown,ctrl+f", "page(1.0)", "Page down", show=False, id="compare.page_down"),
    Binding("ctrl+u", "page(-0.5)", "Half up", show=False, id="compare.half_up"),
    Binding("ctrl+d", "page(0.5)", "Half down", show=False, id="compare.half_down"),
    Binding("home,g", "first", "First row", show=False, id="compare.first"),
    Binding("end,G,f", "follow", "Follow", show=False, tooltip="Last row, and follow", id="compare.follow"),
    Binding("y", "copy", "Copy", show=False, tooltip="Copy the row of the chosen column", id="compare.copy"),
]
