"""Comparisons with repeats from the screen: the model is a script, the tool a REST API that answers from it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest
from textual.widgets import Input

from tests.engine.conftest import LOOK_UP, Agent
from tests.tui.conftest import Opened, opened
from workbench.comparison.book import Book
from workbench.comparison.comparing import read_report
from workbench.comparison.formats.writing import Format, written
from workbench.comparison.results import read_results
from workbench.trace.store import Store
from workbench.tui.screens.comparisons import ComparisonsScreen
from workbench.tui.screens.main import MainScreen
from workbench.tui.screens.matrix_setup import MatrixSetup

TWO_MODELS = ("j", "j", "space")
"""Leaves out the third of the three models that are chosen at first."""

SLOW = LOOK_UP.replace("first_token: 0,", "first_token: 60,")


def screen_of(shown: Opened) -> ComparisonsScreen:
    """The screen of comparisons, whatever is above it."""
    return next(screen for screen in shown.app.screen_stack if isinstance(screen, ComparisonsScreen))


async def show_comparisons(shown: Opened) -> ComparisonsScreen:
    """Open the screen of comparisons."""
    await shown.press("M")
    await shown.until(lambda: isinstance(shown.app.screen, ComparisonsScreen))
    return screen_of(shown)


async def ask_for_two(shown: Opened, name: str, repeats: int = 2) -> None:
    """Start two models on the agent's first input, so many times each."""
    await shown.press("n")
    await shown.until(lambda: isinstance(shown.app.screen, MatrixSetup))
    await shown.press(*TWO_MODELS)
    dialog = shown.app.screen
    dialog.query_one("#repeats", Input).value = str(repeats)
    dialog.query_one("#name", Input).value = name
    dialog.query_one("#inputs").focus()
    await shown.press("j", "space")
    await shown.see(f"2 models × 1 input × {repeats} repeats = {2 * repeats} runs")
    await shown.press("ctrl+r")
    await shown.until(lambda: isinstance(shown.app.screen, ComparisonsScreen))


def told(shown: Opened) -> str:
    """What the user was told in passing."""
    return "\n".join(note.message for note in shown.app._notifications)


async def until_read(shown: Opened, state: str) -> None:
    """Wait for a report that says this of itself."""
    screen = screen_of(shown)
    await shown.until(lambda: state in screen.shown.state and "comparison" in screen.shown.text)


def report_of(folder: Path, name: str, wanted: Format, stopped: str | None = None) -> str:
    """The report as the command writes it."""
    with Book.open(folder) as book:
        return written(read_report(folder, book.plan(name), book, stopped=stopped), wanted)


def run_ids(folder: Path, name: str) -> Sequence[str | None]:
    """The runs that answer for the cells, None for a cell without a result."""
    with Book.open(folder) as book, Store.open(folder) as store:
        results = read_results(book.plan(name), book, store)
    return [result.run_id if result.measured is not None else None for result in results]


async def test_two_models_twice_and_the_report_is_the_commands(agent: Agent) -> None:
    async with opened(agent.folder) as shown:
        screen = await show_comparisons(shown)
        await shown.see("No comparison yet")
        await ask_for_two(shown, "two")
        await until_read(shown, "4 of 4 runs have a result")
        assert screen.shown.text == report_of(agent.folder, "two", "table")
        await shown.see("2 variants × 1 input × 2 repeats")
        await shown.press("escape")
        runs = [run for run in await shown.app.session.summaries() if run.trigger == "compare"]  # type: ignore[union-attr]
        assert len(runs) == 4


async def test_figures_on_the_screen_are_those_of_the_json_to_the_microdollar(agent: Agent) -> None:
    async with opened(agent.folder) as shown:
        screen = await show_comparisons(shown)
        await ask_for_two(shown, "two")
        await until_read(shown, "4 of 4 runs have a result")
        figures = json.loads(report_of(agent.folder, "two", "json"))
        assert len(figures["variants"]) == 2
        for variant in figures["variants"]:
            line = next(line for line in screen.shown.text.splitlines() if line.startswith(variant["variant"]))
            costs = [Decimal(variant["cost_usd"][which]) for which in ("median", "low", "high")]
            assert all(f"${cost:.6f}" in line for cost in costs)
            assert costs[0] > 0


async def test_the_page_is_written_where_it_is_told(agent: Agent) -> None:
    async with opened(agent.folder, (200, 40)) as shown:
        screen = await show_comparisons(shown)
        await ask_for_two(shown, "two")
        await until_read(shown, "4 of 4 runs have a result")
        await shown.press("w")
        await shown.until(lambda: "written: " in screen.shown.state)
        page = Path(screen.shown.state.partition("written: ")[2])
        assert page.read_text("utf-8") == report_of(agent.folder, "two", "html")


async def test_what_was_cancelled_goes_on_and_nothing_finished_is_run_again(agent: Agent) -> None:
    async with opened(agent.folder) as shown:
        await show_comparisons(shown)
        await ask_for_two(shown, "two")
        await until_read(shown, "4 of 4 runs have a result")
    finished = run_ids(agent.folder, "two")
    assert all(finished)
    agent.write("offline.yaml", SLOW)
    async with opened(agent.folder) as shown:
        screen = await show_comparisons(shown)
        await ask_for_two(shown, "two", repeats=3)
        await shown.until(lambda: "4 of 6 runs · 2 under way" in screen.shown.state)
        await shown.press("x")
        await until_read(shown, "4 of 6 runs have a result · s goes on with it")
    assert run_ids(agent.folder, "two") == [*finished, None, None]
    agent.write("offline.yaml", LOOK_UP)
    async with opened(agent.folder) as shown:
        screen = await show_comparisons(shown)
        await until_read(shown, "4 of 6 runs have a result · s goes on with it")
        assert screen.shown.text == report_of(agent.folder, "two", "table")
        await shown.press("s")
        await until_read(shown, "6 of 6 runs have a result")
        assert screen.check_action("go_on", ()) is False
    after = run_ids(agent.folder, "two")
    assert after[:4] == finished
    assert all(after)


async def test_cells_and_cost_are_told_while_it_runs_and_it_can_be_cancelled(agent: Agent) -> None:
    agent.write("offline.yaml", SLOW)
    async with opened(agent.folder) as shown:
        screen = await show_comparisons(shown)
        await ask_for_two(shown, "slow")
        await shown.until(lambda: "0 of 4 runs · 4 under way · $0.000000" in screen.shown.state)
        await shown.see("▶ claude-haiku-4-5 · first.txt · 1")
        assert screen.check_action("new", ()) is False
        await shown.press("escape")
        await shown.until(lambda: isinstance(shown.app.screen, MainScreen))
        await shown.see("4 running")
        screen = await show_comparisons(shown)
        await shown.until(lambda: "4 under way" in screen.shown.state)
        await shown.press("x")
        await until_read(shown, "0 of 4 runs have a result · s goes on with it")
        assert screen.shown.text == report_of(agent.folder, "slow", "table", "stopped by you")
        await shown.until(lambda: "The comparison slow is not complete: stopped by you" in told(shown))


async def test_leaving_stops_it_and_asks_first(agent: Agent) -> None:
    agent.write("offline.yaml", SLOW)
    async with opened(agent.folder) as shown:
        screen = await show_comparisons(shown)
        await ask_for_two(shown, "slow")
        await shown.until(lambda: "4 under way" in screen.shown.state)
        await shown.press("ctrl+q")
        await shown.see("The comparison slow goes on.")
        await shown.press("n")
        await shown.until(lambda: shown.app.screen is screen)
    with Store.open(agent.folder) as store:
        assert {run.error for run in store.runs(None) if run.trigger == "compare"} == {"cancelled"}


async def test_an_agent_that_has_changed_is_not_gone_on_with(agent: Agent) -> None:
    agent.write("offline.yaml", SLOW)
    async with opened(agent.folder) as shown:
        screen = await show_comparisons(shown)
        await ask_for_two(shown, "slow")
        await shown.until(lambda: "4 under way" in screen.shown.state)
        await shown.press("x")
        await until_read(shown, "0 of 4 runs have a result")
    agent.write("prompt.md", "Something else.\n")
    async with opened(agent.folder) as shown:
        await show_comparisons(shown)
        await until_read(shown, "0 of 4 runs have a result")
        await shown.press("s")
        await shown.until(lambda: "has changed since the comparison slow was made. Start a new one" in told(shown))


@pytest.mark.parametrize(
    ("repeats", "name", "said"),
    [("0", "", "The number of repeats is 1 to 1,000"), ("3", "no name", "A name is letters, digits")],
)
async def test_what_cannot_be_is_said_in_the_dialog(agent: Agent, repeats: str, name: str, said: str) -> None:
    async with opened(agent.folder) as shown:
        await show_comparisons(shown)
        await shown.press("n")
        await shown.until(lambda: isinstance(shown.app.screen, MatrixSetup))
        shown.app.screen.query_one("#repeats", Input).value = repeats
        shown.app.screen.query_one("#name", Input).value = name
        await shown.press("ctrl+r")
        await shown.see(said)
        assert isinstance(shown.app.screen, MatrixSetup)


async def test_the_fuse_stands_over_it(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(agent.folder) as shown:
        session = shown.app.session
        assert session is not None
        assert session.sitting is not None
        session.sitting.fuse_limit = Decimal("0.000001")
        screen = await show_comparisons(shown)
        await ask_for_two(shown, "two")
        await until_read(shown, "0 of 4 runs have a result · s goes on with it")
        assert "Not complete: fuse" in screen.shown.text
