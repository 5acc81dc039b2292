"""The screen without a terminal: opened on an agent with a stored run, waited on, and compared with how it looked."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from difflib import unified_diff
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from tests.engine.conftest import HTTP_AGENT, LOOK_UP, PROMPT, Agent
from workbench.cost.usage import Usage
from workbench.trace.events import (
    Costs,
    Event,
    EventData,
    Message,
    ModelRequest,
    ModelResponse,
    RunCompleted,
    RunStarted,
    ToolCall,
    ToolResult,
    Trigger,
)
from workbench.trace.store import Store
from workbench.tui.app import WorkbenchApp
from workbench.tui.screens.main import MainScreen
from workbench.tui.session import SittingOptions
from workbench.tui.widgets.timeline import Timeline

SIZES = [(80, 24), (120, 40), (200, 60)]
SNAPSHOTS = Path(__file__).parent / "snapshots"
RUN, REPLAY = "261103-101500-aaaa", "261103-102000-bbbb"

TRIGGERS = """
    triggers:
      - {type: webhook, path: /new}
      - {type: cron, schedule: "*/15 * * * *", input: "Look again."}
"""

_BEGAN = datetime(2026, 11, 3, 10, 15, tzinfo=UTC)
_PATIENCE = 30.0


@pytest.fixture(autouse=True)
def _own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """State and settings of its own, one time zone, no key, no animation."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("TZ", "UTC")
    for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL", "ANTHROPIC_PROFILE", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def agent(tmp_path: Path) -> Agent:
    """An agent that needs no sandbox, with inputs and triggers, and two stored runs, the second made from the first."""
    made = Agent(tmp_path / "looker")
    made.write("prompt.md", PROMPT)
    made.write("agent.yaml", HTTP_AGENT + TRIGGERS)
    made.write("offline.yaml", LOOK_UP)
    made.write("inputs/first.txt", "what is it?")
    made.write("inputs/second.json", '{"what": "is it?"}')
    store_runs(made.folder)
    return made


def store_runs(folder: Path) -> None:
    """Two runs as the store would have them."""
    with Store.open(folder) as store:
        store.append_many(_events(RUN, _BEGAN, None))
        store.append_many(_events(REPLAY, _BEGAN + timedelta(minutes=5), RUN))


def _events(run_id: str, began: datetime, parent: str | None) -> Iterator[Event]:
    usage = Usage(input_tokens=1200, output_tokens=80)
    costs = Costs(Decimal("0.0016"), Decimal("0.000044"), Decimal("0.001644"), Decimal("2.000"))
    fact = ToolResult("call-1", "facts", "facts", [{"type": "text", "text": "first fact"}], 10, False, 0.5)
    if parent is not None:
        fact = replace(fact, content=[{"type": "text", "text": "another fact"}], content_bytes=12, origin="edited")
    said: list[tuple[int, float, EventData]] = [
        (
            0,
            0.0,
            RunStarted(
                agent="looker",
                digest="d" * 32,
                definition={"name": "looker"},
                trigger=Trigger() if parent is None else Trigger("replay", parent),
                input="what is it?",
                model="claude-haiku-4-5",
                model_source="offline",
                endpoint=None,
                budget_usd=Decimal("0.50"),
                parent_run_id=parent,
                fork_step=None if parent is None else 2,
            ),
        ),
        (
            1,
            0.1,
            ModelRequest(
                model="claude-haiku-4-5",
                message_count=1,
                digest="e" * 32,
                messages_kept=0,
                messages_added=[{"role": "user", "content": [{"type": "text", "text": "what is it?"}]}],
                parameters={"max_tokens": 1000},
                system=[{"type": "text", "text": PROMPT}],
                worst_case_usd=Decimal("0.01"),
            ),
        ),
        (
            1,
            0.9,
            ModelResponse(
                model="claude-haiku-4-5",
                content=[
                    {"type": "text", "text": "I look it up."},
                    {"type": "tool_use", "id": "call-1", "name": "facts", "input": {"method": "GET", "path": "/one"}},
                ],
                stop_reason="tool_use",
                usage=usage,
                cost_usd=Decimal("0.0016"),
                duration=0.8,
                time_to_first_token=0.2,
                request_id="req-1",
            ),
        ),
        (1, 0.9, Message("I look it up.")),
        (1, 1.0, ToolCall("call-1", 1, "facts", "facts", {"method": "GET", "path": "/one"}, 30, "f" * 32)),
        (1, 1.5, fact),
        (2, 2.0, RunCompleted(f"Found: {(fact.content or [{}])[0].get('text')}", "end_turn", 2, usage, costs, 2.0)),
    ]
    for seq, (step, offset, data) in enumerate(said, start=1):
        yield Event(run_id, seq, step, began + timedelta(seconds=offset), offset, data)


class Opened:
    """The app on a terminal of some size."""

    def __init__(self, app: WorkbenchApp, pilot: Pilot[None]) -> None:
        self.app, self.pilot = app, pilot

    @property
    def main(self) -> MainScreen:
        """The main screen, whatever is above it."""
        found = next(screen for screen in self.app.screen_stack if isinstance(screen, MainScreen))
        assert isinstance(found, MainScreen)
        return found

    @property
    def timeline(self) -> Timeline:
        """The timeline."""
        return self.main.query_one(Timeline)

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for a condition, never for a time."""
        async with asyncio.timeout(_PATIENCE):
            while not condition():
                await self.pilot.pause(0.01)
        await self.pilot.pause()

    async def press(self, *keys: str) -> None:
        """Press keys."""
        await self.pilot.press(*keys)

    async def see(self, text: str) -> None:
        """Wait until a text is shown."""
        await self.until(lambda: text in self.text)

    @property
    def text(self) -> str:
        """What is shown, as text."""
        width, height = self.app.size
        lines = self.app.screen._compositor.render_strips()
        return "\n".join(strip.text.rstrip() for strip in lines[:height] if width)

    def svg(self) -> str:
        """What is shown, with its colours."""
        svg = self.app.export_screenshot(title="workbench")
        return re.sub(r"terminal-\d+", "terminal", svg)


@asynccontextmanager
async def opened(folder: Path, size: tuple[int, int] = (120, 40), *, loaded: bool = True) -> AsyncIterator[Opened]:
    """Open the screen on a folder, and wait until all that it shows by itself is there."""
    app = WorkbenchApp(folder, SittingOptions(), warm_up=False)
    try:
        async with app.run_test(size=size) as pilot:
            shown = Opened(app, pilot)
            if loaded:
                await shown.until(lambda: app.session and app.session.loaded and shown.main.query(Timeline))
                await shown.until(lambda: "looker" in shown.text)
            yield shown
    finally:
        if app.session is not None:
            await app.session.close("cancelled")


def still(shown: Opened) -> None:
    """Nothing may blink while it is compared."""
    for area in shown.app.screen.query(TextArea):
        area.cursor_blink = False
    for field in shown.app.screen.query(Input):
        field.cursor_blink = False


@pytest.fixture
def snap(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Opened], None]:
    """Compares the look of a screen with the one that was kept under the test's name."""
    name = re.sub(r"[^\w-]+", "-", request.node.name.removeprefix("test_")).strip("-")
    kept = SNAPSHOTS / f"{name}.svg"

    def compare(shown: Opened) -> None:
        svg = shown.svg()
        if request.config.getoption("--snapshot-update"):
            SNAPSHOTS.mkdir(exist_ok=True)
            kept.write_text(svg, encoding="utf-8")
            return
        if not kept.exists():
            pytest.fail(f"there is no {kept}: look at the screen, then run with --snapshot-update", pytrace=False)
        before = kept.read_text(encoding="utf-8")
        if svg == before:
            return
        seen = tmp_path / kept.name
        seen.write_text(svg, encoding="utf-8")
        told = "\n".join(unified_diff(_lines(before), _lines(svg), "kept", "seen", lineterm="", n=0))
        pytest.fail(
            f"{kept.name} looks different now; compare it with {seen}\n{told or 'only colours differ'}", pytrace=False
        )

    return compare


def _lines(svg: str) -> list[str]:
    """The texts of an SVG, to tell where two differ."""
    return [re.sub(r"&#160;", " ", text) for text in re.findall(r"<text [^>]*>([^<]*)</text>", svg)]
