"""How every screen looks, in three sizes; `--snapshot-update` keeps what was looked at and found right."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.conftest import Agent
from tests.tui.conftest import SIZES, Opened, opened, still
from workbench.engine.world import Question
from workbench.tui.asking import Asked

Snap = Callable[[Opened], None]
Size = tuple[int, int]

pytestmark = pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")


async def _with_run(shown: Opened) -> None:
    await shown.until(lambda: len(shown.timeline.view.rows) == 7)
    await shown.until(lambda: "OFFLINE" in shown.text)
    still(shown)


async def test_main(agent: Agent, size: Size, snap: Snap) -> None:
    async with opened(agent.folder, size) as shown:
        await _with_run(shown)
        snap(shown)


async def test_main_agent_pane(agent: Agent, size: Size, snap: Snap) -> None:
    async with opened(agent.folder, size) as shown:
        await _with_run(shown)
        await shown.press("1", "tab", "j")
        snap(shown)


async def test_main_broken(agent: Agent, size: Size, snap: Snap) -> None:
    agent.write("agent.yaml", "name: looker\nmodle: claude-haiku-4-5\nsystem_prompt: ./promt.md\n")
    async with opened(agent.folder, size) as shown:
        await shown.press("1")
        await shown.see("modle")
        snap(shown)


async def test_help(agent: Agent, size: Size, snap: Snap) -> None:
    async with opened(agent.folder, size) as shown:
        await _with_run(shown)
        await shown.press("question_mark")
        await shown.see("this screen" if size[1] > 24 else "timeline")
        snap(shown)


async def test_palette(agent: Agent, size: Size, snap: Snap) -> None:
    async with opened(agent.folder, size) as shown:
        await _with_run(shown)
        await shown.press("ctrl+p")
        await shown.see("run first.txt")
        still(shown)
        snap(shown)


async def test_edit(agent: Agent, size: Size, snap: Snap) -> None:
    agent.write("prompt.md", "# Look up\n\nYou look things **up**.\n\n- one\n- two\n")
    async with opened(agent.folder, size) as shown:
        await _with_run(shown)
        await shown.press("p")
        await shown.see("Look up")
        still(shown)
        await shown.press("X")
        await shown.see("not saved")
        snap(shown)


async def test_edit_conflict(agent: Agent, size: Size, snap: Snap) -> None:
    async with opened(agent.folder, size) as shown:
        await _with_run(shown)
        await shown.press("p")
        await shown.see("You look things up")
        still(shown)
        await shown.press("X")
        agent.write("prompt.md", "You look things up and down.\n")
        await shown.see("Another program")
        snap(shown)


async def test_triggers(agent: Agent, size: Size, snap: Snap) -> None:
    async with opened(agent.folder, size) as shown:
        await _with_run(shown)
        await shown.press("t")
        await shown.see("fire a trigger")
        snap(shown)


async def test_payload(agent: Agent, size: Size, snap: Snap) -> None:
    async with opened(agent.folder, size) as shown:
        await _with_run(shown)
        await shown.press("t", "enter")
        await shown.see("POST /new")
        still(shown)
        snap(shown)


async def test_question(agent: Agent, size: Size, snap: Snap) -> None:
    async with opened(agent.folder, size) as shown:
        await _with_run(shown)
        await shown.press("p")
        await shown.see("You look things up")
        await shown.press("X", "escape")
        await shown.see("not saved")
        await shown.see("go on editing")
        snap(shown)


async def test_permission(agent: Agent, size: Size, snap: Snap) -> None:
    async with opened(agent.folder, size) as shown:
        await _with_run(shown)
        question = Question("run", 3, "call", "bash", "bash", {"command": "rm -r /workspace/old \x1b[31m"})
        session = shown.app.session
        assert session is not None
        import asyncio

        session.asking.open.append(Asked(question, asyncio.get_running_loop().create_future()))
        await shown.see("may it?")
        snap(shown)
        session.asking.open.clear()
        await shown.until(lambda: shown.app.screen is shown.main)


async def _at_result(shown: Opened) -> None:
    """The cursor on the only tool result."""
    await _with_run(shown)
    await shown.press("2", "g", "j", "j", "j", "j", "j")
    await shown.until(lambda: shown.timeline.selected and shown.timeline.selected.type == "tool_result")


async def test_edited_result(agent: Agent, size: Size, snap: Snap) -> None:
    async with opened(agent.folder, size) as shown:
        await _at_result(shown)
        if size[1] == SIZES[0][1]:
            await shown.press("v")
        await shown.see("another fact")
        snap(shown)


async def test_replay_editing(agent: Agent, size: Size, snap: Snap) -> None:
    async with opened(agent.folder, size) as shown:
        await _at_result(shown)
        await shown.press("b", "enter")
        await shown.see("1.1 facts: result")
        still(shown)
        snap(shown)


async def test_replay_edited(agent: Agent, size: Size, snap: Snap) -> None:
    async with opened(agent.folder, size) as shown:
        await _at_result(shown)
        await shown.press("b", "g", "j", "j", "enter")
        await shown.see("esc drop")
        await shown.press("f7", *"what is it not?", "ctrl+s")
        await shown.see("1 edit")
        await shown.see("est. ")
        still(shown)
        snap(shown)


async def test_compare(agent: Agent, size: Size, snap: Snap) -> None:
    async with opened(agent.folder, size) as shown:
        await _with_run(shown)
        await shown.press("C")
        await shown.see("rows differ")
        await shown.press("n")
        snap(shown)


async def test_compare_setup(agent: Agent, size: Size, snap: Snap) -> None:
    async with opened(agent.folder, size) as shown:
        await _with_run(shown)
        await shown.press("c")
        await shown.see("Compare models on one input")
        still(shown)
        snap(shown)


async def test_start(tmp_path: Path, size: Size, snap: Snap, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.chdir(empty)
    monkeypatch.setenv("HOME", str(tmp_path))
    async with opened(Path(), size, loaded=False) as shown:
        await shown.see("There is no agent.yaml")
        snap(shown)
