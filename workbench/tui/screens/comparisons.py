"""Comparisons with repeats: the agent's, the report of each, and the one that is being made."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.screen import Screen
from textual.widgets import OptionList, Static

from workbench.comparison.progress_wording import how_it_stands
from workbench.definition.problems import DefinitionError
from workbench.trace.errors import StoreError
from workbench.trace.terminal import printable
from workbench.tui.matrix_book import Listed, Reading, listed, read_matrix, write_page
from workbench.tui.matrix_run import MatrixRun, go_on_with_matrix, start_matrix
from workbench.tui.matrix_text import NONE_YET, how_far, run_lines
from workbench.tui.screens.matrix_setup import MatrixSetup
from workbench.tui.session import CannotRunError, Session
from workbench.tui.widgets.choices import ComparisonList
from workbench.tui.widgets.key_line import KeyLine
from workbench.tui.widgets.report_pane import ReportPane

if TYPE_CHECKING:
    from workbench.tui.chosen_input import ChosenInput
    from workbench.tui.screens.compare_desk import CompareDesk
    from workbench.tui.screens.editing import Editing

_LOOKS_A_SECOND = 4
_CANNOT_READ = (StoreError, DefinitionError, OSError)


class ComparisonsScreen(Screen[None]):
    """Shows what the book of comparisons and the store say, and starts, goes on with and cancels one at a time.

    A comparison goes on when the screen is left: the session has it.
    """

    HELP = (
        "Comparisons with repeats. Each model answers each input several times; the report tells what came of it and "
        "what is chance. What is finished is never run again: a comparison that was cancelled or cut off goes on."
    )
    DEFAULT_CSS = """
    ComparisonsScreen {
        & #about { height: 1; background: $panel; padding: 0 1; }
        & #parts { layout: horizontal; height: 1fr; }
        & #names { width: 44; height: 1fr; padding: 0 1; }
        &.-narrow #parts { layout: vertical; }
        &.-narrow #names { width: 1fr; height: auto; max-height: 6; }
        &.-low #names { max-height: 4; }
    }
    """
    VERTICAL_BREAKPOINTS = [(0, "-low"), (30, "-high")]  # noqa: RUF012 (Textual declares it for instances)
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (150, "-wide")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "new", "New", tooltip="Compare models with repeats", id="comparisons.new"),
        Binding("s", "go_on", "Go on", tooltip="Run what of it has no result yet", id="comparisons.go_on"),
        Binding("x", "cancel", "Cancel", tooltip="Stop its runs; what is finished stays", id="comparisons.cancel"),
        Binding("w", "write_page", "Write HTML", tooltip="Write the report as one HTML page", id="comparisons.page"),
        Binding("y", "copy", "Copy", tooltip="Copy the report", id="comparisons.copy"),
        Binding("escape,q", "back", "Back", tooltip="To the agent; a comparison goes on", id="comparisons.back"),
    ]

    def __init__(self, session: Session, desk: CompareDesk, chosen: ChosenInput, editing: Editing) -> None:
        super().__init__()
        self._session = session
        self._desk = desk
        self._chosen = chosen
        self._editing = editing
        self._listed: Sequence[Listed] = ()
        self._reading: Reading | None = None
        self._followed: MatrixRun | None = None
        self._page: Path | None = None
        self._name: str | None = None

    def compose(self) -> ComposeResult:
        """The list, the report, the keys."""
        yield Static("comparisons with repeats", id="about", markup=False)
        with Container(id="parts"):
            yield ComparisonList(id="names")
            yield ReportPane()
        yield KeyLine()

    def on_mount(self) -> None:
        """Begin with the one that goes on, else the newest."""
        self._followed = self._going_on
        self._list_again(self._followed.name if self._followed is not None else None)
        self.query_one("#names").focus()
        self.set_interval(1 / _LOOKS_A_SECOND, self._look)

    @property
    def shown(self) -> ReportPane:
        """The report, or the runs of the comparison that goes on."""
        return self.query_one(ReportPane)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """One comparison is made at a time; only what is unfinished can be gone on with."""
        del parameters
        going, reading = self._going_on, self._reading
        can = {
            "new": going is None,
            "go_on": going is None and reading is not None and not reading.finished,
            "cancel": going is not None,
            "write_page": reading is not None,
            "copy": reading is not None,
        }
        return can.get(action, True)

    @property
    def _going_on(self) -> MatrixRun | None:
        matrix = self._session.matrix
        return matrix if matrix is not None and matrix.goes_on else None

    # What is shown

    @work(group="list", exclusive=True)
    async def _list_again(self, name: str | None = None) -> None:
        """Read the names, and show the comparison `name`, by default the one that was started last."""
        try:
            self._listed = await asyncio.to_thread(listed, self._session.folder)
        except StoreError as error:
            self.shown.say(str(error), "")
            return
        names = self.query_one(ComparisonList)
        names.show((item.name, item.about) for item in self._listed)
        if not self._listed:
            self.shown.say("", NONE_YET)
            return
        names.highlighted = at = next((number for number, item in enumerate(self._listed) if item.name == name), 0)
        self._show(self._listed[at].name)

    @on(OptionList.OptionHighlighted, "#names")
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        if event.option_index < len(self._listed) and self._listed[event.option_index].name != self._name:
            self._show(self._listed[event.option_index].name)

    @on(OptionList.OptionSelected, "#names")
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.shown.go_to_report()

    def _show(self, name: str) -> None:
        self._name, self._reading, self._page = name, None, None
        going = self._going_on
        if going is not None and going.name == name:
            self._look()
        else:
            self._read(name)
        self.refresh_bindings()

    @work(group="read", exclusive=True)
    async def _read(self, name: str) -> None:
        try:
            reading = await asyncio.to_thread(read_matrix, self._session.folder, name, self._stopped(name))
        except _CANNOT_READ as error:
            self.shown.say(str(error), "")
            return
        if name == self._name:
            self._reading = reading
            self.shown.say(how_far(reading, self._page), reading.text)
            self.refresh_bindings()

    def _stopped(self, name: str) -> str | None:
        matrix = self._session.matrix
        return matrix.stopped if matrix is not None and matrix.name == name else None

    def _look(self) -> None:
        """Take how the comparison stands that goes on; once it has ended, its report."""
        going = self._going_on
        if going is not None and going.name == self._name:
            progress = going.progress
            if progress is None:
                self.shown.say("getting ready", "")
            else:
                self.shown.say(how_it_stands(progress), run_lines(progress))
        elif going is None and self._followed is not None:
            ended, self._followed = self._followed, None
            if ended.name == self._name:
                self._show(ended.name)
            self.refresh_bindings()

    # What can be done

    @work(group="start", exclusive=True)
    async def action_new(self) -> None:
        """Ask what to compare, and begin."""
        asked = MatrixSetup(
            models=tuple(self._session.prices.models),
            cost_of=self._desk.cost_of,
            inputs=self._chosen.for_comparison(),
            note=self._desk.limits(),
        )
        wish = await self.app.push_screen_wait(asked)
        if wish is not None:
            await self._begin(start_matrix(self._session, wish))

    @work(group="start", exclusive=True)
    async def action_go_on(self) -> None:
        """Run what of the shown comparison has no result."""
        if self._name is not None:
            await self._begin(go_on_with_matrix(self._session, self._name))

    async def _begin(self, starting: Awaitable[MatrixRun]) -> None:
        try:
            matrix = await starting
        except CannotRunError as error:
            self._tell(str(error))
            return
        self._followed = matrix
        self._list_again(matrix.name)

    def action_cancel(self) -> None:
        """Stop the comparison that goes on."""
        if self._going_on is not None:
            self._going_on.cancel()

    @work(group="page", exclusive=True)
    async def action_write_page(self) -> None:
        """Write the shown report as an HTML page, and say where."""
        name, reading = self._name, self._reading
        if name is None or reading is None:
            return
        try:
            page = await asyncio.to_thread(write_page, self._session.folder, name, self._stopped(name))
        except _CANNOT_READ as error:
            self._tell(f"the page cannot be written: {error}")
            return
        if name == self._name:
            self._page = page
            self.shown.say(how_far(reading, self._page), reading.text)

    @work(group="copy")
    async def action_copy(self) -> None:
        """Copy the shown report."""
        if self._reading is not None:
            await self._editing.copy(self._reading.text)

    def action_back(self) -> None:
        """To the agent."""
        self.dismiss(None)

    def _tell(self, message: str) -> None:
        self.notify(printable(message), severity="error", timeout=20, markup=False)
