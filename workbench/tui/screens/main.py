"""The main screen: the agent, the timeline of a run, its cost, its script, side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Static

from workbench.definition.inputs import InputError, offered_inputs, resolve_input
from workbench.trace.errors import StoreError
from workbench.trace.events import Trigger
from workbench.trace.terminal import one_line
from workbench.tui.layout import PANES, PaneName
from workbench.tui.live_run import LiveRun
from workbench.tui.on_save import DEBOUNCE, EXPLAINED, SAID, mode_of, next_mode
from workbench.tui.palette import Command
from workbench.tui.remembered import Remembered
from workbench.tui.run_list import RunList
from workbench.tui.run_panes import RunPanes
from workbench.tui.saves import Saved, Saves
from workbench.tui.screens.pane_layout import PaneLayout
from workbench.tui.session import CannotRunError, Session
from workbench.tui.status_of import status_of
from workbench.tui.widgets.agent_pane import AgentPane
from workbench.tui.widgets.cost_meter import CostMeter
from workbench.tui.widgets.event_detail import EventDetail
from workbench.tui.widgets.key_line import KeyLine
from workbench.tui.widgets.pane import Pane
from workbench.tui.widgets.save_strip import SaveStrip
from workbench.tui.widgets.script_view import ScriptView
from workbench.tui.widgets.splitter import Splitter
from workbench.tui.widgets.status_line import Status, StatusLine
from workbench.tui.widgets.timeline import Timeline
from workbench.tui.widgets.timeline_pane import TimelinePane

_FRAME = 1 / 20
_SLOW = 0.5
_WARM_UP_AFTER = 1.0
_SHORT = 32
"""Rows below which lists are kept small and the detail is shown only when it is asked for."""


class MainScreen(Screen[None]):
    """One agent and its runs. Everything that it shows comes from the session; it keeps no truth of its own."""

    CSS_PATH = "main.tcss"
    HELP = (
        "One agent and its runs. On the left its files, inputs and runs; beside it the timeline of one run, what it "
        "cost, and its script. Choose an input to run it, save a file to see what changed, choose a run to look at it."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "stop", "Stop", tooltip="Stop the run that goes on", id="main.stop"),
        Binding("r", "run", "Run", tooltip="Run the chosen input, or the last one again", id="main.run"),
        Binding("i", "type_input", "Input", tooltip="Type an input and run it", id="main.input"),
        Binding("p", "edit_prompt", "Prompt", tooltip="Edit the prompt here", id="main.prompt"),
        Binding("P", "edit_outside", "Prompt in $EDITOR", show=False, id="main.prompt_outside"),
        Binding("t", "fire", "Fire a trigger", show=False, tooltip="Fire a webhook or cron trigger", id="main.fire"),
        Binding("m", "next_mode", "On save", show=False, tooltip="What a save leads to", id="main.on_save"),
        Binding("d", "changes", "Changes", show=False, tooltip="All that saves have changed", id="main.changes"),
        Binding("x", "hide_save", "Hide the save", show=False, id="main.hide_save"),
        Binding("1", "pane('agent')", "Agent", show=False, tooltip="Go to the agent's pane", id="main.agent"),
        Binding("2", "pane('timeline')", "Timeline", show=False, tooltip="Go to the timeline", id="main.timeline"),
        Binding("3", "pane('cost')", "Cost", show=False, tooltip="Go to the cost meter", id="main.cost"),
        Binding("4", "pane('replay')", "Replay", show=False, tooltip="Go to the script", id="main.replay"),
        Binding("tab", "app.focus_next", "Next part", show=False, tooltip="Go to the next part", id="main.next"),
        Binding("shift+tab", "app.focus_previous", "Part before", show=False, tooltip="Go back", id="main.previous"),
        Binding("v", "toggle_detail", "Detail", show=False, tooltip="Show or hide the detail", id="main.detail"),
        Binding("z", "maximise_pane", "Maximise", show=False, tooltip="Give this pane all room", id="main.maximise"),
        Binding("greater_than_sign", "resize(1)", "Wider", show=False, tooltip="This pane wider", id="main.wider"),
        Binding("less_than_sign", "resize(-1)", "Narrower", show=False, tooltip="This pane narrower", id="main.narrower"),
        Binding("plus", "resize_detail(2)", "Higher", show=False, tooltip="The detail higher", id="main.higher"),
        Binding("minus", "resize_detail(-2)", "Lower", show=False, tooltip="The detail lower", id="main.lower"),
    ]

    def __init__(self, session: Session, remembered: Remembered, of_agent: Remembered) -> None:
        super().__init__()
        self.session = session
        self._remembered = remembered
        self._of_agent = of_agent
        self._layout = PaneLayout(self, remembered)
        self._runs = RunList(session)
        self._saves = Saves(session)
        self._mode = mode_of(of_agent.get("on_save", ""))
        self._input: Path | str | None = None
        self._unrun: set[Path] = set()
        self._rerun_timer: Timer | None = None
        self._detail_wanted: bool | None = None
        self._loaded = False
        self._run_asked = False

    def compose(self) -> ComposeResult:
        """The frame and its panes."""
        yield StatusLine()
        yield SaveStrip()
        yield Static(id="tabs", markup=False)
        with Horizontal(id="panes"):
            yield AgentPane()
            yield Splitter(id="split-agent")
            with Pane("timeline", "timeline"):
                yield TimelinePane()
                yield Splitter("across", id="split-detail")
                yield EventDetail(id="detail")
            yield Splitter(id="split-cost")
            with Pane("cost", "cost"):
                yield CostMeter()
            yield Splitter(id="split-replay")
            with Pane("replay", "replay"):
                yield ScriptView()
        yield KeyLine()

    # Begin

    def on_mount(self) -> None:
        """Paint first, load then."""
        self._panes = RunPanes(
            self.session, self.query_one(TimelinePane).timeline, self.query_one(CostMeter), self.query_one(ScriptView)
        )
        self._panes.runs_per_month = self._of_agent.get("runs_per_month", 1_000)
        self.query_one(StatusLine).status = Status(self.session.folder.resolve().name, busy="loading")
        self._layout.apply_detail()
        self.query_one(Timeline).focus()
        self.call_after_refresh(self._begin)

    @work(group="begin")
    async def _begin(self) -> None:
        await self.session.load()
        self._loaded = True
        self._show_definition()
        self._follow_saves()
        await self._runs.read()
        self._show_runs()
        self.set_interval(_FRAME, self._frame)
        self.set_interval(_SLOW, self._slow_frame)
        self.set_timer(_WARM_UP_AFTER, self.session.warm_up)
        last = self._of_agent.get("run", "") or self._runs.newest
        if self._run_asked:
            self.action_run()
        elif last:
            self._open_run(last)

    # What is shown

    def _frame(self) -> None:
        """Take what live runs have said, once for each frame."""
        renewed = False
        for live in tuple(self.session.live_runs):
            news = live.take()
            self._panes.take(live, news)
            if live.summary is not None and news.events:
                renewed = self._runs.update(live.summary) or renewed
            if live.ended:
                self._ended(live)
                renewed = True
        self._panes.draw_slow()
        if renewed:
            self._show_runs()
            self._show_status()

    def _slow_frame(self) -> None:
        """What needs not be drawn with every frame."""
        self._show_status()
        if self.session.running:
            self._show_runs()

    def _ended(self, live: LiveRun) -> None:
        self.session.live_runs.remove(live)
        error = live.task.exception() if live.task is not None and not live.task.cancelled() else None
        if error is not None:
            self.notify(str(error), title="the run could not start", severity="error", timeout=30, markup=False)
        elif live.summary is not None and live.summary.error not in (None, "cancelled"):
            said = live.summary.outcome_gist or ""
            self.notify(said, title="the run failed", severity="error", timeout=15, markup=False)
        self.session.prepare()

    def _show_definition(self) -> None:
        from workbench.tui.agent_facts import definition_files, facts

        session, agent = self.session, self.query_one(AgentPane)
        definition = session.definition
        if definition is not None:
            agent.show_facts(facts(definition))
        inputs = offered_inputs(session.folder)
        self._runs.name_inputs(inputs)
        if self._input is None and (kept := self._of_agent.get("input", "")):
            self._input = next((path for path in inputs if path.name == kept), None)
        agent.show_files(definition_files(session.folder, definition), session.folder, session.problems, dict.fromkeys(self._unrun, "not run yet"))
        agent.show_inputs(inputs, self._input.name if isinstance(self._input, Path) else None)
        if session.trouble:
            self.notify(session.trouble, severity="error", timeout=30, markup=False)
        self._show_status()

    def _show_runs(self) -> None:
        branches = self._runs.branches
        names = {branch.run.run_id: self._runs.name(branch.run) for branch in branches}
        self.query_one(AgentPane).show_runs(branches, names, self._panes.run_id)

    def _show_status(self) -> None:
        self.query_one(StatusLine).status = status_of(self.session, self._panes.proof, SAID[self._mode])
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Stopping is for what runs, hiding for what is shown."""
        if action == "stop":
            return bool(self.session.running)
        if action == "hide_save":
            return self.query_one(SaveStrip).display
        return True

    # Runs

    def action_run(self) -> None:
        """Run the input on which the cursor is, else the last one, else the first; once the agent is loaded."""
        if not self._loaded:
            self._run_asked = True
            return
        agent = self.query_one(AgentPane)
        under_cursor = agent.highlighted_input if agent.query_one("#inputs").has_focus else None
        self._run(under_cursor or self._input, Trigger())

    @on(AgentPane.InputChosen)
    def _input_chosen(self, event: AgentPane.InputChosen) -> None:
        if event.path is None:
            self.action_type_input()
        else:
            self._run(event.path, Trigger())

    def _run(self, chosen: Path | str | None, trigger: Trigger) -> None:
        try:
            text = self._text_of(chosen)
            live = self.session.run(text, trigger)
        except (CannotRunError, InputError) as error:
            self.notify(str(error), severity="error", timeout=10, markup=False)
            return
        if isinstance(self._input, Path):
            self._of_agent.set("input", self._input.name)
        self._of_agent.forget("run")
        self._unrun.clear()
        if not self.session.broken:
            self.query_one(SaveStrip).hide()
        self._panes.start(live)
        self.query_one(EventDetail).show(None)
        self._show_definition()
        if self._layout.narrow or trigger.kind != "save":
            self._layout.go_to("timeline")

    def _text_of(self, chosen: Path | str | None) -> str:
        folder = self.session.folder
        if chosen is None:
            offered = offered_inputs(folder)
            chosen = offered[0] if offered else None
        self._input = chosen
        if isinstance(chosen, str):
            return chosen
        return resolve_input(folder, None if chosen is None else f"@{chosen}")

    def action_stop(self) -> None:
        """Stop what runs."""
        for live in self.session.running:
            live.cancel()

    @work
    async def action_type_input(self) -> None:
        """Type an input and run it."""
        from workbench.tui.screens.text_entry import TextEntry

        before = self._input if isinstance(self._input, str) else ""
        hint = "What shall the agent answer?"
        text = await self.app.push_screen_wait(TextEntry("an input of your own", hint, before))
        if text is not None:
            self._run(text, Trigger())

    @work
    async def action_fire(self) -> None:
        """Fire a trigger by hand."""
        from workbench.definition.agent import WebhookTrigger
        from workbench.tui.agent_facts import trigger_text
        from workbench.tui.screens.text_entry import TextEntry
        from workbench.tui.screens.triggers import TriggerScreen

        definition = self.session.definition
        if definition is None or not definition.triggers:
            self.notify("agent.yaml declares no triggers", severity="warning", markup=False)
            return
        trigger = await self.app.push_screen_wait(TriggerScreen(definition.triggers))
        if trigger is None:
            return
        webhook = isinstance(trigger, WebhookTrigger)
        sample = self._sample_payload() if isinstance(trigger, WebhookTrigger) else trigger.input
        hint = "The body of the request is the run's input." if webhook else "The trigger's input."
        text = await self.app.push_screen_wait(TextEntry(trigger_text(trigger), hint, sample, as_json=webhook))
        if text is not None:
            self._run(text, Trigger("webhook" if webhook else "cron", trigger_text(trigger)))

    def _sample_payload(self) -> str:
        """The input that ran last or the first that is offered, else an empty object."""
        try:
            return self._text_of(self._input)
        except InputError:
            return "{}"

    @on(AgentPane.RunChosen)
    def _run_chosen(self, event: AgentPane.RunChosen) -> None:
        self._open_run(event.run_id)
        if self._layout.narrow:
            self._layout.go_to("timeline")

    @work(group="open", exclusive=True)
    async def _open_run(self, run_id: str) -> None:
        live = next((live for live in self.session.live_runs if live.run_id == run_id), None)
        try:
            await self._panes.open(run_id, live)
        except StoreError as error:
            self.notify(str(error), severity="error", markup=False)
            return
        self._of_agent.set("run", run_id)
        self._show_runs()
        self._show_status()

    @on(Timeline.Selected)
    def _event_selected(self, event: Timeline.Selected) -> None:
        if not self.has_class("-no-detail"):
            self.query_one(EventDetail).show(self._panes.event(event.seq))

    # Saves

    @work(group="saves")
    async def _follow_saves(self) -> None:
        async for saved in self._saves:
            self._saved(saved)

    def _saved(self, saved: Saved) -> None:
        self._unrun.update(saved.paths)
        self._show_definition()
        self._tell_editor()
        rerun = self._mode == "rerun" and not saved.errors and not saved.trouble and self._concerns(saved)
        if saved.diffs or saved.errors or saved.trouble:
            self.query_one(SaveStrip).show(saved, self._what_follows(saved, rerun), 5 if self.size.height < _SHORT else 12)
        if rerun:
            if self._rerun_timer is not None:
                self._rerun_timer.stop()
            self._rerun_timer = self.set_timer(DEBOUNCE, lambda: self._rerun(saved))

    def _concerns(self, saved: Saved) -> bool:
        """Whether the save can change what the last input leads to."""
        others = [path for path in saved.paths if path.parent.name == "inputs" and path != self._input]
        return len(others) < len(saved.paths)

    def _what_follows(self, saved: Saved, rerun: bool) -> str:
        if saved.errors or saved.trouble:
            return "cannot be used as it is: the last good definition stays"
        if rerun:
            return "running with it"
        return "live: the next run has it (r)" if saved.changes_agent else ""

    def _rerun(self, saved: Saved) -> None:
        for live in self.session.running:
            if live.trigger.kind == "save" or live.input == self._last_text:
                live.cancel()
        self._run(self._input, Trigger("save", saved.names))

    @property
    def _last_text(self) -> str:
        try:
            return self._text_of(self._input)
        except InputError:
            return ""

    def action_next_mode(self) -> None:
        """Another mode of what a save leads to."""
        self._mode = next_mode(self._mode)
        self._of_agent.set("on_save", self._mode)
        self.notify(EXPLAINED[self._mode], title=SAID[self._mode], timeout=4, markup=False)
        self._show_status()

    def action_changes(self) -> None:
        """Show all changes."""
        from workbench.tui.screens.changes import ChangesScreen

        self.app.push_screen(ChangesScreen(list(reversed(self._saves.history))))

    def action_hide_save(self) -> None:
        """Hide the strip."""
        self.query_one(SaveStrip).hide()
        self.refresh_bindings()

    # Editing

    @on(AgentPane.FileChosen)
    def _file_chosen(self, event: AgentPane.FileChosen) -> None:
        self._edit(event.path, event.line)

    def action_edit_prompt(self) -> None:
        """Edit the prompt here."""
        self._edit(self._prompt)

    def action_edit_outside(self) -> None:
        """Edit the prompt in the user's own editor."""
        self._edit_outside(self._prompt)

    @property
    def _prompt(self) -> Path:
        definition = self.session.definition
        named = definition.files[1:] if definition is not None else ()
        return named[0] if named else self.session.folder / "prompt.md"

    @work(group="edit")
    async def _edit(self, path: Path, line: int | None = None) -> None:
        from workbench.tui.screens.edit import EditScreen

        try:
            editor = EditScreen(path, self._label(path), line)
        except (OSError, UnicodeDecodeError) as error:
            self.notify(f"{self._label(path)} cannot be edited here: {error}", severity="error", markup=False)
            return
        left = await self.app.push_screen_wait(editor)
        if left == "run":
            self.action_run()
        elif left == "editor":
            self._edit_outside(path, line)

    @work(group="edit")
    async def _edit_outside(self, path: Path, line: int | None = None) -> None:
        from workbench.tui.external_editor import NoEditorError
        from workbench.tui.outside import edit_outside

        try:
            await edit_outside(self.app, path, line)
        except NoEditorError as error:
            self.notify(str(error), severity="error", markup=False)

    def _tell_editor(self) -> None:
        from workbench.tui.screens.edit import EditScreen

        for screen in self.app.screen_stack:
            if isinstance(screen, EditScreen):
                screen.look()
                screen.show_problems(self.session.problems)

    def _label(self, path: Path) -> str:
        folder = self.session.folder
        return one_line(str(path.relative_to(folder) if path.is_relative_to(folder) else path), 80)

    # Panes

    def on_resize(self, event: events.Resize) -> None:
        """Arrange the panes for the new size."""
        del event
        self._arrange()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """The focus decides which pane is in use."""
        if self._layout.focused(event.widget):
            self._arrange()

    def _arrange(self) -> None:
        self._layout.apply()
        short = self.size.height < _SHORT
        self.set_class(self._layout.hides_panes, "-tabs")
        self.query_one(AgentPane).set_class(short, "-short")
        wanted = self._detail_wanted if self._detail_wanted is not None else not short
        self.set_class(not wanted, "-no-detail")
        parts: list[tuple[str, str]] = []
        for number, name in enumerate(PANES, start=1):
            here = name == self._layout.current
            parts += [(f" {number} {name} ", "bold $background on $primary" if here else "$foreground 60%"), (" ", "")]
        self.query_one("#tabs", Static).update(Content.assemble(*parts))

    def action_pane(self, name: PaneName) -> None:
        """Go to a pane."""
        self._layout.go_to(name)
        self._arrange()

    def action_maximise_pane(self) -> None:
        """Give the pane all room, or back."""
        self._layout.toggle_maximised()
        self._arrange()

    def action_resize(self, steps: int) -> None:
        """Make the pane wider or narrower."""
        self._layout.resize(steps)

    def action_resize_detail(self, rows: int) -> None:
        """Make the detail higher or lower."""
        self._layout.resize_detail(rows)

    def action_toggle_detail(self) -> None:
        """Show or hide the detail of the selected event."""
        self._detail_wanted = self.has_class("-no-detail")
        self._arrange()
        selected = self.query_one(Timeline).selected
        if self._detail_wanted and selected is not None:
            self.query_one(EventDetail).show(self._panes.event(selected.seq))

    @on(Splitter.Moved)
    def _splitter_moved(self, event: Splitter.Moved) -> None:
        if event.splitter.id == "split-detail":
            self._layout.drag_detail(event.cell)
        else:
            self._layout.drag(str(event.splitter.id), event.cell)

    @on(Splitter.Reset)
    def _splitter_reset(self, event: Splitter.Reset) -> None:
        if event.splitter.id == "split-detail":
            self._layout.keep_detail(None)
        else:
            self._layout.reset(str(event.splitter.id))

    @on(Timeline.CopyRequested)
    @on(EventDetail.CopyRequested)
    @on(CostMeter.CopyRequested)
    @work(group="copy")
    async def _copy(self, event: Timeline.CopyRequested | EventDetail.CopyRequested | CostMeter.CopyRequested) -> None:
        from workbench.tui.clipboard import copy_text

        try:
            copied = str(await copy_text(event.text, self.app.copy_to_clipboard))
        except OSError as error:
            self.notify(f"nothing could be copied: {error}", severity="error", markup=False)
        else:
            self.notify(copied, timeout=3, markup=False)

    @on(EventDetail.OpenRequested)
    @work(group="edit")
    async def _open_text(self, event: EventDetail.OpenRequested) -> None:
        from workbench.tui.external_editor import NoEditorError
        from workbench.tui.outside import read_outside

        try:
            await read_outside(self.app, event.text, event.suffix)
        except NoEditorError as error:
            self.notify(str(error), severity="error", markup=False)

    @on(CostMeter.RateChanged)
    def _rate_changed(self, event: CostMeter.RateChanged) -> None:
        self._of_agent.set("runs_per_month", event.runs_per_month)
        self._panes.set_rate(event.runs_per_month)

    def offered_commands(self) -> Iterator[Command]:
        """Run each input, edit each file, show each of the newest runs."""
        from workbench.tui.agent_facts import definition_files

        session = self.session
        for path in offered_inputs(session.folder):
            yield Command(f"run {one_line(path.name)}", "Run this input", lambda path=path: self._run(path, Trigger()))
        for path in definition_files(session.folder, session.definition):
            name = self._label(path)
            yield Command(f"edit {name}", "Edit it here", lambda path=path: self._edit(path))
            yield Command(f"edit {name} in $EDITOR", "Edit it in your editor", lambda path=path: self._edit_outside(path))
        for branch in self._runs.branches[:30]:
            run = branch.run
            told = f"{run.status}, {run.started_at.astimezone():%d %b %H:%M}, {run.model}"
            name = f"show run {run.run_id[-4:]} {self._runs.name(run)[:60]}"
            yield Command(name, told, lambda run_id=run.run_id: self._open_run(run_id))

    async def on_unmount(self) -> None:
        """Remember."""
        await asyncio.to_thread(self._of_agent.save)
        await asyncio.to_thread(self._remembered.save)
