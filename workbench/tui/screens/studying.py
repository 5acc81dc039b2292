"""A screen on which runs are studied: edited and replayed, and compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual import work

from workbench.trace.terminal import one_line
from workbench.tui.remembered import Remembered
from workbench.tui.screens.editing import Editing
from workbench.tui.screens.paned import PanedScreen
from workbench.tui.session import Session
from workbench.tui.widgets.agent_pane import AgentPane

if TYPE_CHECKING:
    from workbench.trace.runs import RunSummary
    from workbench.tui.chosen_input import ChosenInput
    from workbench.tui.layout import PaneName
    from workbench.tui.run_list import RunList
    from workbench.tui.run_panes import RunPanes
    from workbench.tui.screens.compare_desk import CompareDesk
    from workbench.tui.screens.replay_desk import ReplayDesk
    from workbench.tui.widgets.replay_editor import ReplayEditor


class StudyingScreen(PanedScreen):
    """The part of the main screen that is about what can be done with runs that there are."""

    chosen: ChosenInput

    def __init__(self, session: Session, remembered: Remembered) -> None:
        super().__init__(remembered)
        self.session = session
        self.editing = Editing(self, session)
        self.replays: ReplayDesk | None = None
        self.compared: CompareDesk | None = None

    @property
    def filled(self) -> tuple[RunPanes, RunList]:
        """The panes of a run, and the list of runs."""
        raise NotImplementedError  # by the main screen

    @property
    def shown_run(self) -> RunSummary | None:
        """The run that is shown, None before there is one."""
        raise NotImplementedError

    def open_run(self, run_id: str) -> object:
        """Show a run."""
        raise NotImplementedError

    async def runs_changed(self) -> None:
        """List the runs anew: some were made that the list was not told of."""
        raise NotImplementedError

    def tell(self, message: str, title: str = "") -> None:
        """Tell the user what went wrong."""
        self.notify(message, title=title, severity="error", timeout=20, markup=False)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A replay has a parent to be compared with; a run must be shown to be gone back in."""
        del parameters
        if action == "compare_parent":
            run = self.shown_run
            return run is not None and run.parent_run_id is not None
        if action == "go_back":
            return self.shown_run is not None
        return True

    def on_replay_editor_plan_needed(self, event: ReplayEditor.PlanNeeded) -> None:
        """The draft changed."""
        if self.replays is not None:
            self.replays.plan(event.draft)

    def on_replay_editor_replay_requested(self, event: ReplayEditor.ReplayRequested) -> None:
        """The user wants the replay."""
        if self.replays is not None:
            self.replays.send(event)

    @work(group="edit")
    async def on_replay_editor_edit_externally(self, event: ReplayEditor.EditExternally) -> None:
        """The user wants an entry in their own editor."""
        if self.replays is not None:
            await self.replays.edit_outside(event)

    @work(group="copy")
    async def on_replay_editor_copy_requested(self, event: ReplayEditor.CopyRequested) -> None:
        """Copy an entry."""
        await self.editing.copy(event.text)

    def action_pane(self, name: PaneName) -> None:
        """Go to a pane; a long run is read for the replay editor only when that is gone to."""
        super().action_pane(name)
        if name == "replay" and self.shown_run is not None:
            self.run_worker(self._read_whole(), group="whole", exclusive=True)

    @work(group="back", exclusive=True)
    async def action_go_back(self) -> None:
        """Go to the entry of the selected event in the replay editor."""
        await self._read_whole()
        self.action_pane("replay")
        self.filled[0].edit_selected()

    async def _read_whole(self) -> None:
        from workbench.trace.errors import StoreError

        try:
            await self.filled[0].read_whole()
        except StoreError as error:
            self.tell(str(error))

    @work(group="compare", exclusive=True)
    async def action_compare(self) -> None:
        """Compare the marked runs, or models on one input."""
        from workbench.tui.compare_column import MOST_COLUMNS

        agent = self.query_one(AgentPane)
        marked = agent.marked
        if len(marked) >= MOST_COLUMNS + 1:
            self.notify(f"{len(marked)} runs are marked; two to {MOST_COLUMNS} can be compared", severity="warning")
        elif len(marked) >= 2:
            await self._compare_runs(marked)
            agent.unmark()
        else:
            await self._compare_models()

    def action_comparisons(self) -> None:
        """Show the comparisons with repeats."""
        from workbench.tui.screens.comparisons import ComparisonsScreen

        if self.compared is not None and self.session.loaded:
            self.app.push_screen(ComparisonsScreen(self.session, self.compared, self.chosen, self.editing))

    @work(group="matrix")
    async def look_at_matrix(self) -> None:
        """Once a comparison with repeats has ended: say so, and list its runs."""
        matrix = self.session.matrix
        if matrix is None or not matrix.take_end():
            return
        if matrix.stopped is None:
            self.app.notify(f"The comparison {matrix.name} is finished.", markup=False)
        else:
            told = f"The comparison {matrix.name} is not complete: {one_line(matrix.stopped)}"
            self.app.notify(told, severity="warning", timeout=20, markup=False)
        await self.runs_changed()

    @work(group="compare", exclusive=True)
    async def action_compare_parent(self) -> None:
        """Compare the shown replay with the run that it was made from."""
        run = self.shown_run
        if run is not None and run.parent_run_id is not None:
            await self._compare_runs((run.parent_run_id, run.run_id))

    async def _compare_runs(self, run_ids: Sequence[str]) -> None:
        from workbench.trace.errors import StoreError

        runs, desk = self.filled[1], self.compared
        chosen = [summary for summary in map(runs.summary, run_ids) if summary is not None]
        if desk is None or len(chosen) < 2:
            return
        names = {summary.run_id: runs.name(summary) for summary in chosen}
        try:
            self._open_wanted(await desk.runs(chosen, names))
        except StoreError as error:
            self.tell(str(error))

    async def _compare_models(self) -> None:
        from workbench.definition.inputs import InputError

        try:
            text = self.chosen.text()
        except InputError:
            text = ""
        if self.compared is not None:
            inputs = {path.name: path for path in self.chosen.offered}
            self._open_wanted(await self.compared.models(text, inputs))

    def _open_wanted(self, run_id: str | None) -> None:
        if run_id is not None:
            self.open_run(run_id)
