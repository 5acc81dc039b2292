"""Three models answer one input at once while the compare screen is open; no Docker, the model is a script."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from textual.app import App
from textual.pilot import Pilot

from tests.engine.conftest import HTTP_AGENT, LOOK_UP, PROMPT, Agent
from workbench.sitting.overrides import Overrides
from workbench.sitting.sitting import Sitting
from workbench.trace.events import Event, RunStarted, Trigger
from workbench.tui.compare_column import CompareColumn
from workbench.tui.screens.compare import CompareScreen
from workbench.tui.screens.compare_setup import DEFAULT_MODELS
from workbench.tui.widgets.compare_view import CompareView

PACE = "pace: {first_token: 0, tokens_per_second: 0}"


def column_of(model: str, events: list[Event]) -> CompareColumn:
    """A column without events yet; what it comes to have is kept in `events`."""
    return CompareColumn(model, lambda seq: events[seq - 1])


class Host(App[None]):
    """An app that shows columns while something else fills them."""

    def __init__(self, columns: list[CompareColumn]) -> None:
        super().__init__()
        self.columns = columns

    def on_mount(self) -> None:
        self.push_screen(CompareScreen("what is it?", self.columns, lambda seconds: Decimal(0)))

    def said(self) -> str:
        view = self.screen.query_one(CompareView)
        return "\n".join("".join(segment.text for segment in strip) for strip in view.render_lines(view.size.region))


async def until(condition: Callable[[], bool], pilot: Pilot[None]) -> None:
    """Wait for something on the screen."""
    async with asyncio.timeout(60):
        while not condition():
            await pilot.pause(0.02)


async def test_three_models_side_by_side_as_they_answer(tmp_path: Path) -> None:
    agent = Agent(tmp_path)
    agent.write("prompt.md", PROMPT)
    agent.write("agent.yaml", HTTP_AGENT)
    agent.write("offline.yaml", LOOK_UP.replace(PACE, "pace: {first_token: 0.3, tokens_per_second: 60}"))
    kept: dict[str, list[Event]] = {model: [] for model in DEFAULT_MODELS}
    columns = [column_of(model, kept[model]) for model in DEFAULT_MODELS]

    def show(column: CompareColumn) -> Callable[[Event], None]:
        def hand_on(event: Event) -> None:
            kept[column.title].append(event)
            column.take([event])

        return hand_on

    host = Host(columns)
    async with Sitting.open(tmp_path, offline=True, environment={}) as sitting, host.run_test(size=(180, 50)) as pilot:
        assert host.said().count("waiting") == 3
        runs = [
            sitting.new_run(
                "what is it?",
                show=show(column),
                trigger=Trigger("compare"),
                definition=Overrides(model=column.title).apply(sitting.definition),
            )
            for column in columns
        ]
        work = asyncio.gather(*(run.execute() for run in runs))
        await until(lambda: host.said().count("▶ running") == 3, pilot)
        await until(lambda: host.said().count("Found: first fact") == 6, pilot)
        await work
        assert host.said().count("■ completed") == 3
        assert host.said().count("first fact") == 6
        assert "≠" not in host.said()
        await pilot.press("g", "j", "j", "j", "enter")
        await pilot.pause()
        assert host.said().count("first fact") == 9
    started = [events[0].data for events in kept.values()]
    assert [data.model for data in started if isinstance(data, RunStarted)] == list(DEFAULT_MODELS)
