"""The keys of the replay editor: those that change the draft, and those that move in its script."""

from __future__ import annotations

from collections.abc import Sequence

from textual.binding import Binding

EDITOR_KEYS: Sequence[Binding] = [
    Binding("enter", "edit", "Edit", tooltip="Edit the entry here", id="replay.edit"),
    Binding("ctrl+r", "replay", "Replay", tooltip="Replay the run with these edits", id="replay.send"),
    Binding("u", "undo", "Undo", tooltip="Undo the last change of the draft", id="replay.undo"),
    Binding("U", "redo", "Redo", show=False, tooltip="Do again what was undone", id="replay.redo"),
    Binding("x", "revert", "Revert", tooltip="Make the entry as the run had it", id="replay.revert"),
    Binding("X", "revert_all", "Revert all", show=False, tooltip="Forget all edits", id="replay.revert_all"),
    Binding("a,plus", "say", "Say", show=False, tooltip="Add a message of yours after this step", id="replay.say"),
    Binding("b", "edit_reply", "Blocks", show=False, tooltip="Edit the whole reply as JSON", id="replay.blocks"),
    Binding("e", "external", "$EDITOR", show=False, tooltip="Edit in your own editor", id="replay.external"),
    Binding("y", "copy", "Copy", show=False, tooltip="Copy the entry's text", id="replay.copy"),
    Binding(
        "exclamation_mark",
        "mark_error",
        "Error",
        show=False,
        tooltip="Give the result as an error, or as none",
        id="replay.mark_error",
    ),
    Binding("m", "switch_model", "Model", show=False, tooltip="Who answers as the model", id="replay.model"),
    Binding("t", "switch_tools", "Tools", show=False, tooltip="Where results come from", id="replay.tools"),
    Binding("f", "fork_here", "Fork", show=False, tooltip="Run from this entry on", id="replay.fork"),
    Binding("F", "fork_auto", "Fork auto", show=False, tooltip="Fork where the edits ask", id="replay.fork_auto"),
    Binding(
        "left_curly_bracket,shift+up",
        "move_fork(-1)",
        "Fork up",
        show=False,
        tooltip="Fork earlier",
        id="replay.fork_up",
    ),
    Binding(
        "right_curly_bracket,shift+down",
        "move_fork(1)",
        "Fork down",
        show=False,
        tooltip="Fork later",
        id="replay.fork_down",
    ),
]

SCRIPT_KEYS: Sequence[Binding] = [
    Binding("space", "unfold", "Unfold", show=False, tooltip="Show the entry's text below it", id="replay.unfold"),
    Binding("up,k", "move(-1)", "Up", show=False, tooltip="Previous entry", id="replay.up"),
    Binding("down,j", "move(1)", "Down", show=False, tooltip="Next entry", id="replay.down"),
    Binding("pageup,ctrl+b", "page(-1)", "Page up", show=False, tooltip="A page up", id="replay.page_up"),
    Binding("pagedown,ctrl+f", "page(1)", "Page down", show=False, tooltip="A page down", id="replay.page_down"),
    Binding("home,g", "edge(-1)", "First", show=False, tooltip="The first entry", id="replay.first"),
    Binding("end,G", "edge(1)", "Last", show=False, tooltip="The last entry", id="replay.last"),
    Binding("right_square_bracket", "step(1)", "Step", show=False, tooltip="Next step", id="replay.next_step"),
    Binding("left_square_bracket", "step(-1)", "Step back", show=False, tooltip="Previous step", id="replay.last_step"),
    Binding("n", "edited(1)", "Next edit", show=False, tooltip="Next edited entry", id="replay.next_edit"),
    Binding("N", "edited(-1)", "Edit back", show=False, tooltip="Previous edited entry", id="replay.last_edit"),
]
