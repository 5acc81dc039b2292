"""Copying text out of the screen, also over SSH and inside tmux. What was done is said, because no way is certain."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

MAX_TERMINAL = 100_000
"""Bytes that are given to the terminal; longer sequences get lost on the way."""

_SECONDS = 3.0
_PROGRAMS: Sequence[tuple[str, Sequence[str]]] = (
    ("WAYLAND_DISPLAY", ("wl-copy",)),
    ("DISPLAY", ("xclip", "-selection", "clipboard")),
    ("DISPLAY", ("xsel", "--clipboard", "--input")),
)
"""Variables that say that there is a clipboard here, and the programs that write to it."""


async def copy(text: str, terminal: Callable[[str], None], environment: Mapping[str, str] = os.environ) -> str:
    """Copy `text` by every way that may work, and say how; `terminal` asks the terminal to do it (OSC 52).

    On this machine a program of the desktop does it. Over SSH only the terminal can, and tmux if it is in between. What
    is too long for the terminal is written to a file.
    """
    size = len(text.encode("utf-8", "replace"))
    if "SSH_TTY" not in environment and await _by_program(text, environment):
        return f"copied {size:,} bytes"
    if "TMUX" in environment and await _given_to(("tmux", "load-buffer", "-w", "-"), text):
        return f"copied {size:,} bytes to tmux and its terminal"
    if size <= MAX_TERMINAL:
        terminal(text)
        return f"asked the terminal to copy {size:,} bytes"
    path = await asyncio.to_thread(_to_file, text)
    return f"{size:,} bytes are too much for the terminal's clipboard; they are in {path}"


async def _by_program(text: str, environment: Mapping[str, str]) -> bool:
    for variable, command in _PROGRAMS:
        if environment.get(variable) and shutil.which(command[0]) and await _given_to(command, text):
            return True
    return False


async def _given_to(command: Sequence[str], text: str) -> bool:
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError:
        return False
    try:
        await asyncio.wait_for(process.communicate(text.encode("utf-8", "replace")), _SECONDS)
    except (TimeoutError, OSError):
        process.kill()
        return False
    return process.returncode == 0


def _to_file(text: str) -> Path:
    descriptor, name = tempfile.mkstemp(prefix="workbench-copy-", suffix=".txt")
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
        file.write(text)
    return Path(name)
