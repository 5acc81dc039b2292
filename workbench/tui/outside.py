"""Lending the terminal to another program, while runs go on behind it."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.tui.external_editor import editor_command

if TYPE_CHECKING:
    from textual.app import App


async def edit_outside(app: App[object], path: Path, line: int | None = None) -> None:
    """Open `path` in the user's editor, on this terminal, until it is closed.

    Raises:
        NoEditorError: there is no editor.
    """
    await _lend(app, editor_command(path, os.environ, line))


async def read_outside(app: App[object], text: str, suffix: str) -> None:
    """Open `text` in the user's editor, as a file of its own that is deleted afterwards.

    Raises:
        NoEditorError: there is no editor.
    """
    await rewrite_outside(app, text, suffix)


async def rewrite_outside(app: App[object], text: str, suffix: str) -> str:
    """Open `text` in the user's editor, as a file of its own that is deleted afterwards; gives what it was saved as.

    Raises:
        NoEditorError: there is no editor.
        OSError, UnicodeDecodeError: what was saved cannot be read as text.
    """
    descriptor, name = await asyncio.to_thread(tempfile.mkstemp, suffix, "workbench-")
    path = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
            file.write(text)
        await _lend(app, editor_command(path, os.environ))
        return await asyncio.to_thread(path.read_text, "utf-8")
    finally:
        await asyncio.to_thread(path.unlink, missing_ok=True)


async def _lend(app: App[object], command: Sequence[str]) -> None:
    # nothing may be drawn meanwhile, and the event loop goes on: it is the runs' too
    with app.batch_update(), app.suspend():
        process = await asyncio.create_subprocess_exec(*command)
        try:
            await process.wait()
        finally:
            if process.returncode is None:
                process.terminate()
