"""What is imported when: nothing heavy for `--help`, no SDK before the first frame, no framework below the screen."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("textual", "rich", "anthropic", "mcp", "docker", "pydantic", "httpx2", "yaml", "asyncio", "sqlite3")
SDKS = ("anthropic", "mcp", "docker", "pydantic", "httpx2", "yaml", "sqlite3")


def imported(statements: str, names: tuple[str, ...]) -> set[str]:
    """Which of these modules a fresh interpreter has after some statements."""
    code = f"{statements}\nimport sys\nprint(*(name for name in {names!r} if name in sys.modules))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(ran.stdout.split())


def test_help_imports_nothing_heavy() -> None:
    statements = (
        "import contextlib, io\n"
        "from workbench.cli import main\n"
        "with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):\n"
        "    main(['--help'])\n"
    )
    assert imported(statements, HEAVY) == set()


def test_the_guard_of_the_terminal_is_light() -> None:
    assert imported("import workbench.commands.open, workbench.tui.guard", HEAVY) == set()


def test_the_first_frame_needs_no_sdk() -> None:
    assert imported("import workbench.tui.app, workbench.tui.screens.main", SDKS) == set()


def test_the_first_frame_needs_nothing_of_what_fills_the_panes() -> None:
    filling = (
        "workbench.trace.events",
        "workbench.cost.meter",
        "workbench.trace.alignment",
        "workbench.definition.agent",
    )
    assert imported("import workbench.tui.app, workbench.tui.screens.main", filling) == set()


@pytest.mark.parametrize("room", ["sitting.sitting", "engine.run", "trace.store", "comparison", "definition.watcher"])
def test_no_room_below_the_screen_imports_its_framework(room: str) -> None:
    assert imported(f"import workbench.{room}", ("textual",)) == set()
