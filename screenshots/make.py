"""Makes the screenshots from real runs of the sample agents, each as SVG and PNG, beside this file.

    python screenshots/make.py [NAME ...]

Needs what a run needs: Docker with gVisor. The offline script answers, so no key is used and nothing is spent.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import resvg_py
from textual.pilot import Pilot
from textual.widgets import TextArea

from workbench.tui.app import WorkbenchApp
from workbench.tui.session import SittingOptions
from workbench.tui.widgets.entry_area import EntryArea
from workbench.tui.widgets.timeline import Timeline

HERE = Path(__file__).parent
SAMPLES = HERE.parent / "sample_agents"
FONT = "DejaVu Sans Mono"
WIDEST = 1_640
"""Pixels; wider PNGs are scaled down to it."""
_SECONDS = 60.0


class Stage:
    """The app on a terminal that nobody sees, and the agent's folder."""

    def __init__(self, app: WorkbenchApp, pilot: Pilot[None], folder: Path) -> None:
        self.app, self.pilot, self.folder = app, pilot, folder

    async def until(self, condition: Callable[[], object], what: str) -> None:
        """Wait until something is the case."""
        try:
            async with asyncio.timeout(_SECONDS):
                while not condition():
                    await asyncio.sleep(0.05)
        except TimeoutError:
            sys.exit(f"waited in vain until {what}; the screen shows:\n{self.text}")
        await self.pilot.pause()

    async def loaded(self) -> None:
        """Wait until the agent is loaded and its panes are filled."""
        await self.until(lambda: self.app.session and self.app.session.loaded, "the agent is loaded")
        await self.until(lambda: self.app.screen.query(Timeline), "the panes are filled")

    async def run(self) -> None:
        """Run the input to its end."""
        await self.pilot.press("r")
        await self.until(lambda: any(row.type.startswith("run_c") for row in self._rows()), "the run ends")
        await asyncio.sleep(1)

    @property
    def text(self) -> str:
        """What is shown, as text."""
        lines = self.app.screen._compositor.render_strips()
        return "\n".join(strip.text for strip in lines)

    @property
    def selected(self) -> str:
        """The type of the event on which the cursor is."""
        row = self.app.screen.query_one(Timeline).selected
        return "" if row is None else row.type

    @property
    def running(self) -> bool:
        """Whether a run goes on."""
        return bool(self.app.session and self.app.session.running)

    def _rows(self) -> Sequence[object]:
        return self.app.screen.query_one(Timeline).view.rows


async def main_screen(stage: Stage) -> None:
    """A finished run, the cursor on a tool result."""
    await stage.run()
    await stage.pilot.press("k", "k", "k", "k")


async def replayed(stage: Stage) -> None:
    """The failing tests' result edited to one that passed, and the replay, which comes to another review."""
    pilot = stage.pilot
    await stage.run()
    await pilot.press("g", "e")
    await stage.until(lambda: stage.selected == "tool_result", "the failing result is selected")
    await pilot.press("b", "enter")
    await stage.until(lambda: stage.app.screen.query_one(EntryArea).is_open, "the result is being edited")
    stage.app.screen.query_one(EntryArea).query_one(TextArea).load_text("Ran 8 tests in 0.004s\n\nOK\n")
    await pilot.press("ctrl+s")
    await pilot.press("exclamation_mark")  # no longer an error
    await stage.until(lambda: "↳ bash  Ran 8" in stage.text and "est." in stage.text, "the plan is shown")
    await pilot.press("ctrl+r")
    await stage.until(lambda: "Approve. No findings." in stage.text, "the replay has its answer")
    await stage.until(lambda: not stage.running, "the replay ended")
    await pilot.press("2", "g")
    await stage.until(lambda: stage.selected == "run_started", "the first event is selected")
    while not re.search(r"from +edited", stage.text):
        await pilot.press("j")
        await asyncio.sleep(0.2)
    await pilot.press("b")
    await asyncio.sleep(1)


async def compared(stage: Stage) -> None:
    """Three models on one input, side by side."""
    await stage.pilot.press("c")
    await stage.until(lambda: "Compare models on one input" in stage.text, "models can be chosen")
    await stage.pilot.press("ctrl+r")
    await stage.until(lambda: stage.text.count("■ completed") == 3, "three runs ended")
    await stage.pilot.press("j", "j", "enter")
    await asyncio.sleep(1)


async def saved(stage: Stage) -> None:
    """A save of the prompt, what it changed, and what the agent did before."""
    await stage.run()
    prompt = stage.folder / "prompt.md"
    text = prompt.read_text()
    await asyncio.sleep(1)
    prompt.write_text(text.replace("Never promise a refund or a date for a fix. ", "Promise nothing but a next step. "))
    await stage.until(lambda: stage.app.screen.query_one("#save").display, "the save is shown")


@dataclass(frozen=True)
class Shot:
    """One screenshot."""

    name: str
    agent: str
    size: tuple[int, int]
    play: Callable[[Stage], Awaitable[None]]
    theme: str = "workbench-dark"


SHOTS: Sequence[Shot] = (
    Shot("main", "support-triage", (200, 60), main_screen),
    Shot("replay-editor", "code-review", (180, 46), replayed),
    Shot("compare", "code-review", (170, 46), compared),
    Shot("small", "support-triage", (80, 24), main_screen),
    Shot("save", "support-triage", (130, 40), saved, "workbench-light"),
)


async def make(shot: Shot) -> None:
    """Make one screenshot."""
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        os.environ.update(XDG_STATE_HOME=str(home / "state"), XDG_CONFIG_HOME=str(home / "config"))
        folder = home / shot.agent
        shutil.copytree(SAMPLES / shot.agent, folder, ignore=shutil.ignore_patterns(".workbench"))
        app = WorkbenchApp(folder, SittingOptions(offline=True))
        async with app.run_test(size=shot.size, notifications=True) as pilot:
            app.take_theme(shot.theme)
            stage = Stage(app, pilot, folder)
            await stage.loaded()
            await shot.play(stage)
            svg = app.export_screenshot(title="workbench")
        if app.session is not None:
            await app.session.close("cancelled")
    write(shot.name, svg)


def write(name: str, svg: str) -> None:
    """Write the SVG without what differs from one time to the next, and the PNG that it looks like."""
    svg = re.sub(r"terminal-\d+", "terminal", svg)
    (HERE / f"{name}.svg").write_text(svg, encoding="utf-8")
    plain = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL).replace("Fira Code", FONT)
    drawn = re.search(r'viewBox="0 0 ([\d.]+)', svg)
    width = min(WIDEST, round(float(drawn[1]))) if drawn else WIDEST
    png = resvg_py.svg_to_bytes(svg_string=plain, monospace_family=FONT, font_family=FONT, width=width)
    (HERE / f"{name}.png").write_bytes(bytes(png))


def main(names: Sequence[str]) -> None:
    """Make those that are named, or all."""
    for shot in SHOTS:
        if not names or shot.name in names:
            asyncio.run(make(shot))
            print(f"screenshots/{shot.name}.svg and .png")


if __name__ == "__main__":
    main(sys.argv[1:])
