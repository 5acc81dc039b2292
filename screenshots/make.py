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

from workbench.tui.app import WorkbenchApp
from workbench.tui.session import SittingOptions
from workbench.tui.widgets.timeline import Timeline

HERE = Path(__file__).parent
SAMPLES = HERE.parent / "sample_agents"
FONT = "DejaVu Sans Mono"
_SECONDS = 120.0


class Stage:
    """The app on a terminal that nobody sees, and the agent's folder."""

    def __init__(self, app: WorkbenchApp, pilot: Pilot[None], folder: Path) -> None:
        self.app, self.pilot, self.folder = app, pilot, folder

    async def until(self, condition: Callable[[], object], what: str) -> None:
        """Wait until something is the case."""
        async with asyncio.timeout(_SECONDS):
            while not condition():
                await asyncio.sleep(0.05)
        del what
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

    def _rows(self) -> Sequence[object]:
        return self.app.screen.query_one(Timeline).view.rows


async def main_screen(stage: Stage) -> None:
    """A finished run, the cursor on a tool result."""
    await stage.run()
    await stage.pilot.press("k", "k", "k", "k")


async def saved(stage: Stage) -> None:
    """A save and what it changed."""
    await stage.run()
    prompt = stage.folder / "prompt.md"
    text = prompt.read_text()
    await asyncio.sleep(1)
    prompt.write_text(text.replace("Never promise a refund or a date for a fix. ", "Promise nothing but a next step. "))
    await stage.until(lambda: stage.app.screen.query_one("#save").display, "the save is shown")


async def conflict(stage: Stage) -> None:
    """Two programs edit the prompt."""
    await stage.run()
    await stage.pilot.press("p")
    await stage.until(lambda: stage.app.screen.query("TextArea"), "the editor is open")
    await stage.pilot.press("down", "down", *"Be quick. ")
    prompt = stage.folder / "prompt.md"
    prompt.write_text(prompt.read_text().replace("For each ticket:", "For each ticket, without exception:"))
    await stage.until(lambda: stage.app.screen.has_class("-conflict"), "the conflict is shown")


async def replay(stage: Stage) -> None:
    """A run with another tool result, before it is replayed."""
    await stage.run()
    await stage.pilot.press("4", *"jjjjjjjjjjjjj", "f")
    await stage.pilot.press("enter")
    await stage.until(lambda: stage.app.screen.query("TextArea"), "the entry can be edited")
    await stage.pilot.press("ctrl+a", *"2026-11-23T18:00Z", "ctrl+s")
    await stage.pilot.pause(1)


async def compare(stage: Stage) -> None:
    """Three models on one input, side by side."""
    await stage.run()
    await stage.pilot.press("c")
    await stage.until(lambda: "Setup" in type(stage.app.screen).__name__, "the models can be chosen")
    await stage.pilot.press("ctrl+r")
    session = stage.app.session
    await stage.until(lambda: session and session.live_runs, "the runs begin")
    await stage.until(lambda: session and not session.running, "the runs end")
    await stage.pilot.pause(1)


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
    Shot("small", "support-triage", (80, 24), main_screen),
    Shot("medium", "code-review", (120, 40), main_screen),
    Shot("save", "support-triage", (160, 45), saved, "workbench-light"),
    Shot("replay", "support-triage", (160, 45), replay),
    Shot("compare", "support-triage", (200, 60), compare),
    Shot("conflict", "support-triage", (120, 36), conflict),
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
    png = resvg_py.svg_to_bytes(svg_string=plain, monospace_family=FONT, font_family=FONT)
    (HERE / f"{name}.png").write_bytes(bytes(png))


def main(names: Sequence[str]) -> None:
    """Make those that are named, or all."""
    for shot in SHOTS:
        if not names or shot.name in names:
            asyncio.run(make(shot))
            print(f"screenshots/{shot.name}.svg and .png")


if __name__ == "__main__":
    main(sys.argv[1:])
