"""The keys of the main screen."""

from __future__ import annotations

from collections.abc import Sequence

from textual.binding import Binding

MAIN_KEYS: Sequence[Binding] = (
    Binding("escape", "stop", "Stop", tooltip="Stop the run that goes on", id="main.stop"),
    Binding("r", "run", "Run", tooltip="Run the chosen input, or the last one again", id="main.run"),
    Binding("s", "resume", "Go on", tooltip="Go on with the shown run, which was cut off", id="main.resume"),
    Binding("i", "type_input", "Input", tooltip="Type an input and run it", id="main.input"),
    Binding("p", "edit_prompt", "Prompt", tooltip="Edit the prompt here", id="main.prompt"),
    Binding(
        "P",
        "edit_outside",
        "Prompt in $EDITOR",
        show=False,
        tooltip="Edit the prompt in your own editor",
        id="main.prompt_outside",
    ),
    Binding("b", "go_back", "Back to here", tooltip="Edit the run from this event on", id="main.back"),
    Binding(
        "c", "compare", "Compare", tooltip="Compare models on one input, or the runs that are marked", id="main.compare"
    ),
    Binding("C", "compare_parent", "With parent", tooltip="Compare the replay with its parent", id="main.parent"),
    Binding(
        "M",
        "comparisons",
        "Comparisons",
        tooltip="Comparisons with repeats: models × inputs, and what they show",
        id="main.comparisons",
    ),
    Binding(
        "t", "fire", "Fire a trigger", show=False, tooltip="Fire a webhook or cron trigger by hand", id="main.fire"
    ),
    Binding("m", "next_mode", "On save", show=False, tooltip="Another mode of what a save leads to", id="main.on_save"),
    Binding("d", "changes", "Changes", show=False, tooltip="All that saves have changed", id="main.changes"),
    Binding(
        "x", "hide_save", "Hide the save", show=False, tooltip="Hide what the last save changed", id="main.hide_save"
    ),
    Binding("1", "pane('agent')", "Agent", show=False, tooltip="Go to the agent's pane", id="main.agent"),
    Binding("2", "pane('timeline')", "Timeline", show=False, tooltip="Go to the timeline", id="main.timeline"),
    Binding("3", "pane('cost')", "Cost", show=False, tooltip="Go to the cost meter", id="main.cost"),
    Binding("4", "pane('replay')", "Replay", show=False, tooltip="Go to the replay editor", id="main.replay"),
    Binding("tab", "app.focus_next", "Next part", show=False, tooltip="Go to the next part", id="main.next"),
    Binding(
        "shift+tab",
        "app.focus_previous",
        "Part before",
        show=False,
        tooltip="Go to the part before",
        id="main.previous",
    ),
    Binding("v", "toggle_detail", "Detail", show=False, tooltip="Show or hide the event's detail", id="main.detail"),
    Binding(
        "z", "maximise_pane", "Maximise", show=False, tooltip="Give this pane all room, or back", id="main.maximise"
    ),
    Binding("greater_than_sign", "resize(1)", "Wider", show=False, tooltip="This pane wider", id="main.wider"),
    Binding("less_than_sign", "resize(-1)", "Narrower", show=False, tooltip="This pane narrower", id="main.narrower"),
    Binding("plus", "resize_detail(2)", "Higher", show=False, tooltip="The detail higher", id="main.higher"),
    Binding("minus", "resize_detail(-2)", "Lower", show=False, tooltip="The detail lower", id="main.lower"),
)
