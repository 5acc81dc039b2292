"""The main screen: the agent, the timeline of a run, its cost, its script, side by side."""

from __future__ import annotations

from typing import ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, Static

from workbench.definition.inputs import InputError, offered_inputs, resolve_input
from workbench.trace.events import Event
from workbench.trace.rows import row_of
from workbench.tui.layout import ALL_PANES, PANES, TWO_PANES, PaneName, arrange
from workbench.tui.live_run import LiveRun
from workbench.tui.remembered import Remembered
from workbench.tui.run_script import script
from workbench.tui.run_tree import tree
from workbench.tui.session import CannotRunError, Session
from workbench.tui.widgets.agent_pane import AgentPane
from workbench.tui.widgets.cost_meter import CostMeter
from workbench.tui.widgets.pane import Pane
from workbench.tui.widgets.script_view import ScriptView
from workbench.tui.widgets.splitter import Splitter
from workbench.tui.widgets.status_line import Status, StatusLine
from workbench.tui.widgets.timeline import Timeline

_FRAME = 1 / 20
_WARM_UP_AFTER = 1.0


class MainScreen(Screen[None]):
    """One agent and its runs."""

    CSS_PATH = "main.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "run", "Run", id="main.run"),
        Binding("escape", "cancel", "Stop", id="main.cancel"),
        Binding("1", "pane('agent')", "Agent", show=False, id="main.agent"),
        Binding("2", "pane('timeline')", "Timeline", show=False, id="main.timeline"),
        Binding("3", "pane('cost')", "Cost", show=False, id="main.cost"),
        Binding("4", "pane('replay')", "Replay", show=False, id="main.replay"),
        Binding("z", "maximise_pane", "Maximise", id="main.maximise"),
    ]

    def __init__(self, session: Session, remembered: Remembered) -> None:
        super().__init__()
        self._session = session
        self._remembered = remembered
        self._current: PaneName = "timeline"
        self._side: PaneName = "agent"
        self._maximised = False
        self._shown: str | None = None
        self._shown_live: LiveRun | None = None
        self._script: list[Event] = []

    def compose(self) -> ComposeResult:
        """The frame and its panes."""
        yield StatusLine()
        yield Static(id="tabs", markup=False)
        with Horizontal(id="panes"):
            yield AgentPane()
            yield Splitter(id="split-agent")
            with Pane("timeline", "timeline"):
                yield Timeline()
            yield Splitter(id="split-cost")
            with Pane("cost", "cost"):
                yield CostMeter()
            yield Splitter(id="split-replay")
            with Pane("replay", "script"):
                yield ScriptView()
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Paint first, load then."""
        self.query_one(StatusLine).status = Status(self._session.folder.name, busy="loading")
        self.call_after_refresh(self._begin)
        self.set_interval(_FRAME, self._pump)

    @work(group="begin")
    async def _begin(self) -> None:
        await self._session.load()
        self._show_definition()
        await self._show_runs()
        self.set_timer(_WARM_UP_AFTER, self._session.warm_up)

    def on_resize(self, event: events.Resize) -> None:
        """Arrange the panes for the new width."""
        self._arrange(event.size.width)

    def _arrange(self, width: int) -> None:
        arrangement = arrange(width, self._current, self._side, {}, maximised=self._maximised)
        self.set_class(len(arrangement.shown) == 1, "-narrow")
        for name in PANES:
            pane = self.query_one(f"#{name}")
            pane.display = name in arrangement.shown
            pane.styles.width = arrangement.widths.get(name, "1fr")
        self.query_one("#split-agent").display = {"agent", "timeline"} <= set(arrangement.shown)
        self.query_one("#split-cost").display = {"timeline", "cost"} <= set(arrangement.shown)
        self.query_one("#split-replay").display = "replay" in arrangement.shown and len(arrangement.shown) > 1
        self._show_tabs()

    def _show_tabs(self) -> None:
        parts = []
        for number, name in enumerate(PANES, start=1):
            style = "bold reverse" if name == self._current else ""
            parts += [(f" {number} {name} ", style), ("  ", "")]
        self.query_one("#tabs", Static).update(Content.assemble(*parts))

    def _show_definition(self) -> None:
        from workbench.tui.agent_facts import definition_files, facts

        session, agent = self._session, self.query_one(AgentPane)
        definition = session.definition
        if definition is not None:
            agent.show_facts(facts(definition))
        agent.show_files(definition_files(session.folder, definition), session.folder, session.problems, {})
        agent.show_inputs(offered_inputs(session.folder), None)
        if definition is not None:
            self.query_one(StatusLine).status = Status(definition.name, definition.model.id)

    async def _show_runs(self) -> None:
        runs = await self._session.summaries()
        self.query_one(AgentPane).show_runs(tree(runs), {run.run_id: run.input_gist for run in runs}, self._shown)

    def _pump(self) -> None:
        for live in self._session.live_runs:
            news = live.take()
            if live is self._shown_live and news.events:
                self.query_one(Timeline).extend([row_of(event) for event in news.events])
                self.query_one(CostMeter).show(live.meter)
                self._script += news.events
                self.query_one(ScriptView).show(script(self._script))

    def action_run(self) -> None:
        """Run the input."""
        try:
            live = self._session.run(resolve_input(self._session.folder, None))
        except (CannotRunError, InputError) as error:
            self.notify(str(error), severity="error", markup=False)
            return
        self._shown_live = live
        self._script = []
        self.query_one(Timeline).show_run([], lambda seq: self._session.event(live.run_id, seq))

    def action_cancel(self) -> None:
        """Stop."""
        for live in self._session.running:
            live.cancel()

    def action_pane(self, name: PaneName) -> None:
        """Go to a pane."""
        self._current = name
        if name != "timeline":
            self._side = name
        self._arrange(self.size.width)
        for widget in self.query_one(f"#{name}").query("*"):
            if widget.focusable:
                widget.focus()
                break

    def action_maximise_pane(self) -> None:
        """Give the pane all room, or back."""
        self._maximised = not self._maximised
        self._arrange(self.size.width)
