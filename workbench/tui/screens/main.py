"""The main screen: the agent, the timeline of a run, its cost, its script, side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.widgets import Static

from workbench.trace.terminal import one_line
from workbench.tui.chosen_input import ChosenInput
from workbench.tui.remembered import Remembered
from workbench.tui.screens.main_keys import MAIN_KEYS
from workbench.tui.screens.permission_desk import PermissionDesk
from workbench.tui.screens.save_desk import SaveDesk
from workbench.tui.screens.studying import StudyingScreen
from workbench.tui.session import CannotRunError, Session
from workbench.tui.widgets.agent_pane import AgentPane
from workbench.tui.widgets.key_line import KeyLine
from workbench.tui.widgets.pane import Pane
from workbench.tui.widgets.save_strip import SaveStrip
from workbench.tui.widgets.splitter import Splitter
from workbench.tui.widgets.status_line import Status, StatusLine

if TYPE_CHECKING:
    from workbench.trace.events import Trigger
    from workbench.trace.runs import RunSummary
    from workbench.tui.live_run import LiveRun
    from workbench.tui.palette import Command
    from workbench.tui.run_list import RunList
    from workbench.tui.run_panes import RunPanes
    from workbench.tui.saves import Saved, Saves
    from workbench.tui.widgets.cost_meter import CostMeter
    from workbench.tui.widgets.event_detail import EventDetail
    from workbench.tui.widgets.timeline import Timeline

_FRAME = 1 / 20
_SLOW = 0.5
_WARM_UP_AFTER = 1.0
_CUT_OFF = ("interrupted", "cancelled", "budget", "fuse", "timeout", "max_iterations", "model_error", "sandbox")
"""Failures after which a run can go on from its last complete step."""

_OFFERED_RUNS = 30
"""How many of the newest runs the palette offers."""


class MainScreen(StudyingScreen):
    """One agent and its runs. Everything that it shows comes from the session; it keeps no truth of its own.

    The frame is painted first. What fills the panes is imported after it, then the agent is loaded.
    """

    HELP = (
        "One agent and its runs. On the left its files, inputs and runs; beside it the timeline of one run, what it "
        "cost, and its script. Choose an input to run it, save a file to see what changed, choose a run to look at it."
    )
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [*MAIN_KEYS]

    def __init__(self, session: Session, remembered: Remembered, of_agent: Remembered, *, warm_up: bool = True) -> None:
        super().__init__(session, remembered)
        self._warm_up = warm_up
        self._remembered = remembered
        self._of_agent = of_agent
        self.chosen = ChosenInput(session.folder, of_agent)
        self._desk = SaveDesk(self, of_agent, self._rerun)
        self._panes: RunPanes | None = None
        self._runs: RunList | None = None
        self._saves: Saves | None = None
        self._unrun: set[Path] = set()
        self._run_asked = False
        self._permissions = PermissionDesk(self, session)

    def compose(self) -> ComposeResult:
        """The frame; timeline, cost and script come after its first painting."""
        yield StatusLine(Status(self.session.folder.resolve().name, busy="loading"))
        yield SaveStrip()
        yield Static(id="tabs", markup=False)
        with Horizontal(id="panes"):
            yield AgentPane()
            yield Splitter(id="split-agent")
            yield Pane("timeline", "timeline")
            yield Splitter(id="split-cost")
            yield Pane("cost", "cost")
            yield Splitter(id="split-replay")
            yield Pane("replay", "replay")
        yield KeyLine()

    # Begin

    def on_mount(self) -> None:
        """Paint first, load then."""
        self.rearrange()
        self.call_after_refresh(self._begin)

    @work(group="begin")
    async def _begin(self) -> None:
        await self._fill_panes()
        loading = asyncio.create_task(self.session.load())
        runs = self.filled[1]
        self._show_files()
        await runs.read()
        self._show_runs()
        if not self._run_asked and (last := self._of_agent.get("run", "") or runs.newest):
            self.open_run(last)
        await loading
        self._show_definition()
        self._follow_saves()
        self.set_interval(_FRAME, self._frame)
        self.set_interval(_SLOW, self._slow_frame)
        if self._warm_up:
            self.set_timer(_WARM_UP_AFTER, self.session.warm_up)
        if self._run_asked:
            self.action_run()

    async def _fill_panes(self) -> None:
        from workbench.tui.run_list import RunList
        from workbench.tui.run_panes import RunPanes
        from workbench.tui.screens.compare_desk import CompareDesk
        from workbench.tui.screens.replay_desk import ReplayDesk
        from workbench.tui.widgets.cost_meter import CostMeter
        from workbench.tui.widgets.event_detail import EventDetail
        from workbench.tui.widgets.replay_editor import ReplayEditor
        from workbench.tui.widgets.timeline_pane import TimelinePane

        rows, cost, editor = TimelinePane(), CostMeter(), ReplayEditor(id="editor")
        detail = EventDetail(id="detail")
        with self.app.batch_update():
            await self.query_one("#timeline", Pane).mount(rows, Splitter("across", id="split-detail"), detail)
            await self.query_one("#cost", Pane).mount(cost)
            await self.query_one("#replay", Pane).mount(editor)
        self._panes = RunPanes(self.session, rows.timeline, cost, editor, detail)
        self.replays = ReplayDesk(self, self.session, editor, self.begin_run)
        self._panes.runs_per_month = self._of_agent.get("runs_per_month", 1_000)
        self._panes.restore_filter(self._of_agent.get("filter", ""))
        self.compared = CompareDesk(self, self.session, self.editing)
        self._runs = RunList(self.session)
        self.panes.apply_detail()
        self.rearrange()
        if self.focused is None:
            self.set_focus(rows.timeline)

    @property
    def filled(self) -> tuple[RunPanes, RunList]:
        """The panes of a run, and the list of runs."""
        assert self._panes is not None  # noqa: S101 - the panes are filled before anything can be shown in them
        assert self._runs is not None  # noqa: S101
        return self._panes, self._runs

    # What is shown

    def _frame(self) -> None:
        """Take what live runs have said, once for each frame."""
        panes, runs = self.filled
        renewed = False
        for live in tuple(self.session.live_runs):
            news = live.take()
            panes.take(live, news)
            if self.compared is not None:
                self.compared.take(live, news)
            if live.summary is not None and news.events:
                renewed = runs.update(live.summary) or renewed
            if live.ended:
                self._ended(live)
                renewed = True
        panes.draw_slow()
        self._permissions.look()
        if renewed:
            self._show_runs()
            self._show_status()

    def _slow_frame(self) -> None:
        """What needs not be drawn with every frame."""
        self._show_status()
        self.look_at_matrix()
        if self.session.running:
            self._show_runs()

    async def runs_changed(self) -> None:
        """List the runs anew."""
        await self.filled[1].read()
        self._show_runs()

    def _ended(self, live: LiveRun) -> None:
        self.session.live_runs.remove(live)
        error = live.task.exception() if live.task is not None and not live.task.cancelled() else None
        if self.compared is not None:
            self.compared.ended(live, error)
        if error is not None:
            self.tell(str(error), "the run could not start")
        elif live.summary is not None and live.summary.error not in (None, "cancelled"):
            self.tell(live.summary.outcome_gist or "", "the run failed")
        self.session.prepare()

    def _show_definition(self) -> None:
        from workbench.tui.agent_facts import facts

        if self.session.definition is not None:
            self.query_one(AgentPane).show_facts(facts(self.session.definition))
        self._show_files()
        if self.session.trouble:
            self.tell(self.session.trouble, "the agent cannot be opened")
        self._show_status()

    def _show_files(self) -> None:
        from workbench.tui.agent_facts import definition_files

        session, agent = self.session, self.query_one(AgentPane)
        inputs = self.chosen.offered
        self.filled[1].name_inputs(inputs)
        files = definition_files(session.folder, session.definition)
        agent.show_files(files, session.folder, session.problems, dict.fromkeys(self._unrun, "not run yet"))
        agent.show_inputs(inputs, self.chosen.file)

    def _show_runs(self) -> None:
        panes, runs = self.filled
        branches = runs.branches
        names = {branch.run.run_id: runs.name(branch.run) for branch in branches}
        self.query_one(AgentPane).show_runs(branches, names, panes.run_id)

    def _show_status(self) -> None:
        from workbench.tui.status_of import status_of

        self.query_one(StatusLine).status = status_of(self.session, self.filled[0].proof, self._desk.said)
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Stopping is for what runs, hiding for what is shown."""
        if action == "stop":
            return bool(self.session.running)
        if action == "resume":
            run = self.shown_run
            return run is not None and (run.status == "interrupted" or run.error in _CUT_OFF)
        if action == "hide_save":
            return self._desk.strip.display
        return super().check_action(action, parameters)

    # Runs

    def action_run(self) -> None:
        """Run the input on which the cursor is, else the last one, else the first; once the agent is loaded."""
        if not self.session.loaded:
            self._run_asked = True
            return
        agent = self.query_one(AgentPane)
        if agent.query_one("#inputs").has_focus and agent.highlighted_input is not None:
            self.chosen.choose(agent.highlighted_input)
        self._run()

    @on(AgentPane.InputChosen)
    def _input_chosen(self, event: AgentPane.InputChosen) -> None:
        if event.path is None:
            self.action_type_input()
        else:
            self._run(event.path)

    def _run(self, chosen: Path | str | None = None, trigger: Trigger | None = None) -> None:
        if chosen is not None:
            self.chosen.choose(chosen)
        self.begin_run(lambda: self.session.run(self.chosen.text(), trigger))

    def begin_run(self, begin: Callable[[], LiveRun]) -> None:
        """Begin a run and show it."""
        from workbench.definition.inputs import InputError

        try:
            live = begin()
        except (CannotRunError, InputError) as error:
            self.tell(str(error))
            return
        self._of_agent.forget("run")
        self._unrun.clear()
        if not self.session.broken:
            self._desk.strip.hide()
        self.filled[0].start(live)
        self._show_definition()
        if self.panes.narrow or live.trigger.kind != "save":
            self.panes.go_to("timeline")
            self.rearrange()

    def action_resume(self) -> None:
        """Go on with the shown run, which was cut off."""
        run = self.shown_run
        if run is not None:
            self.begin_run(lambda: self.session.resume(run.run_id, run.input_gist))

    @property
    def shown_run(self) -> RunSummary | None:
        """The run that is shown, None before there is one."""
        panes, runs = self._panes, self._runs
        return runs.summary(panes.run_id) if panes is not None and runs is not None and panes.run_id else None

    def action_stop(self) -> None:
        """Stop what runs."""
        for live in self.session.running:
            live.cancel()

    @work
    async def action_type_input(self) -> None:
        """Type an input and run it."""
        from workbench.tui.screens.text_entry import TextEntry

        hint = "What shall the agent answer?"
        text = await self.app.push_screen_wait(TextEntry("an input of your own", hint, self.chosen.own))
        if text is not None:
            self._run(text)

    @work
    async def action_fire(self) -> None:
        """Fire a trigger by hand."""
        from workbench.tui.screens.triggers import ask_for_trigger

        definition = self.session.definition
        if definition is None or not definition.triggers:
            self.notify("agent.yaml declares no triggers", severity="warning", markup=False)
            return
        fired = await ask_for_trigger(self.app, definition.triggers, self.chosen)
        if fired is not None:
            self._run(*fired)

    @on(AgentPane.RunChosen)
    def _run_chosen(self, event: AgentPane.RunChosen) -> None:
        self.open_run(event.run_id)
        if self.panes.narrow:
            self.action_pane("timeline")

    @work(group="open", exclusive=True)
    async def open_run(self, run_id: str) -> None:
        """Show a run."""
        from workbench.trace.errors import StoreError

        live = next((live for live in self.session.live_runs if live.run_id == run_id), None)
        try:
            await self.filled[0].open(run_id, live)
        except StoreError as error:
            self.tell(str(error))
            return
        self._of_agent.set("run", run_id)
        self._show_runs()
        self._show_status()

    def detail_opened(self) -> None:
        """Fill the detail."""
        self.filled[0].show_detail()

    def on_timeline_selected(self, event: Timeline.Selected) -> None:
        """The detail follows the cursor."""
        if self.shows_detail:
            self.filled[0].show_detail(event.seq)

    # Saves

    @work(group="saves")
    async def _follow_saves(self) -> None:
        from workbench.tui.saves import Saves

        self._saves = Saves(self.session)
        async for saved in self._saves:
            self._saved(saved)

    def _saved(self, saved: Saved) -> None:
        self._unrun.update(saved.paths)
        self._show_definition()
        self.editing.tell_editors()
        self._desk.take(saved, self.chosen.file)

    def _rerun(self, saved: Saved) -> None:
        """Run the last input again, in the place of the runs that a save or the user started with it."""
        from workbench.definition.inputs import InputError
        from workbench.trace.events import Trigger

        for live in self.session.running:
            if live.trigger.kind in ("save", "manual"):
                live.cancel()
        try:
            text = self.chosen.text()
        except InputError as error:
            self.tell(str(error))
            return
        parent = self.filled[1].last_ended(text) if self._desk.mode == "hot" else None
        if parent is None:
            self._run(None, Trigger("save", saved.names))
            return
        self.begin_run(
            lambda: self.session.rerun_hot(
                parent, text, source_changed=saved.changes_source, script_changed=saved.changes_script
            )
        )

    def action_next_mode(self) -> None:
        """Another mode of what a save leads to."""
        self._desk.next_mode()
        self._show_status()

    def action_changes(self) -> None:
        """Show all changes."""
        from workbench.tui.screens.changes import ChangesScreen

        self.app.push_screen(ChangesScreen(self._saves.history[::-1] if self._saves is not None else ()))

    def action_hide_save(self) -> None:
        """Hide the strip."""
        self._desk.strip.hide()
        self.refresh_bindings()

    # Editing

    @on(AgentPane.FileChosen)
    def _file_chosen(self, event: AgentPane.FileChosen) -> None:
        self._edit(event.path, event.line)

    def action_edit_prompt(self) -> None:
        """Edit the prompt here."""
        self._edit(self.editing.prompt)

    def action_edit_outside(self) -> None:
        """Edit the prompt in the user's own editor."""
        self._edit_outside(self.editing.prompt)

    @work(group="edit")
    async def _edit(self, path: Path, line: int | None = None) -> None:
        if await self.editing.here(path, line):
            self.action_run()

    @work(group="edit")
    async def _edit_outside(self, path: Path) -> None:
        await self.editing.outside(path)

    @work(group="edit")
    async def on_event_detail_open_requested(self, event: EventDetail.OpenRequested) -> None:
        """Show what the detail cannot in the user's own editor."""
        await self.editing.text_outside(event.text, event.suffix)

    @work(group="copy")
    async def on_timeline_copy_requested(self, event: Timeline.CopyRequested) -> None:
        """Copy an event."""
        await self.editing.copy(event.text)

    @work(group="copy")
    async def on_event_detail_copy_requested(self, event: EventDetail.CopyRequested) -> None:
        """Copy an event."""
        await self.editing.copy(event.text)

    @work(group="copy")
    async def on_cost_meter_copy_requested(self, event: CostMeter.CopyRequested) -> None:
        """Copy the meter."""
        await self.editing.copy(event.text)

    def on_cost_meter_rate_changed(self, event: CostMeter.RateChanged) -> None:
        """Another number of runs a month."""
        self._of_agent.set("runs_per_month", event.runs_per_month)
        self.filled[0].set_rate(event.runs_per_month)

    # Palette and end

    def offered_commands(self) -> Iterator[Command]:
        """Run each input, edit each file, show each of the newest runs."""
        from workbench.tui.agent_facts import definition_files
        from workbench.tui.palette import Command

        for path in self.chosen.offered:
            yield Command(f"run {one_line(path.name)}", "Run this input", partial(self._run, path))
        for path in definition_files(self.session.folder, self.session.definition):
            name = self.editing.label(path)
            yield Command(f"edit {name}", "Edit it here", partial(self._edit, path))
            yield Command(f"edit {name} in $EDITOR", "Edit it outside", partial(self._edit_outside, path))
        runs = self.filled[1]
        for branch in runs.branches[:_OFFERED_RUNS]:
            run = branch.run
            told = f"{run.status}, {run.started_at.astimezone():%d %b %H:%M}, {run.model}"
            name = f"show run {run.run_id[-4:]} {one_line(runs.name(run), 60)}"
            yield Command(name, told, partial(self.open_run, run.run_id))

    async def on_unmount(self) -> None:
        """Remember."""
        if self._panes is not None:
            self._of_agent.set("filter", self._panes.filter_text)
        await asyncio.to_thread(self._of_agent.save)
        await asyncio.to_thread(self._remembered.save)
