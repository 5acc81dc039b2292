"""Copying to the user's clipboard, wherever the terminal is.

The ways, in order: a program of the desktop, unless the terminal is reached over SSH; tmux, inside of it, because by
default it drops what programs tell the terminal; the terminal itself (OSC 52), which gives no answer and takes about
100 kB; and where none of them goes, a file whose path the user is told.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

TERMINAL_LIMIT = 100_000
"""Bytes of text that terminals take."""

_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Copied:
    """Which way a text went: `way` is a program's name, `terminal` or `file`; `path` is the file."""

    way: str
    characters: int
    path: Path | None = None

    def __str__(self) -> str:
        size = f"{self.characters:,} characters"
        if self.path is not None:
            return f"No clipboard can be reached: {size} are in {self.path}"
        if self.way == "terminal":
            return f"{size} sent to the terminal's clipboard (OSC 52)"
        return f"{size} copied with {self.way}"


async def copy_text(
    text: str, to_terminal: Callable[[str], None] | None, environment: Mapping[str, str] | None = None
) -> Copied:
    """Copy `text`. `to_terminal` writes OSC 52, in an app its `copy_to_clipboard`; None where there is no terminal.

    Raises:
        OSError: no clipboard could be reached, and the file could not be written either.
    """
    environment = os.environ if environment is None else environment
    for command in _programs(environment):
        if await _fed(command, text):
            return Copied(command[0], len(text))
    if to_terminal is not None and len(text.encode(errors="replace")) <= TERMINAL_LIMIT:
        to_terminal(text)
        return Copied("terminal", len(text))
    return Copied("file", len(text), await asyncio.to_thread(_written, text))


def _programs(environment: Mapping[str, str]) -> Iterator[Sequence[str]]:
    """The commands that may copy their input here."""
    remote = environment.get("SSH_TTY") or environment.get("SSH_CONNECTION")
    if not remote:
        if sys.platform == "darwin":
            yield ("pbcopy",)
        if environment.get("WAYLAND_DISPLAY"):
            yield ("wl-copy",)
        if environment.get("DISPLAY"):
            yield ("xclip", "-selection", "clipboard")
            yield ("xsel", "--clipboard", "--input")
    if environment.get("TMUX"):
        yield ("tmux", "load-buffer", "-w", "-")


async def _fed(command: Sequence[str], text: str) -> bool:
    """Whether the command was there and took the text."""
    if shutil.which(command[0]) is None:
        return False
    # xclip and wl-copy stay in the background: a pipe to read from would keep them, and us, waiting
    quiet = asyncio.subprocess.DEVNULL
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.PIPE, stdout=quiet, stderr=quiet
        )
    except OSError:
        return False
    try:
        await asyncio.wait_for(process.communicate(text.encode(errors="replace")), _SECONDS)
    except (TimeoutError, OSError):
        if process.returncode is None:
            process.kill()
            await process.wait()
        return False
    return process.returncode == 0


def _written(text: str) -> Path:
    handle, name = tempfile.mkstemp(prefix="workbench-copy-", suffix=".txt")
    with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as file:
        file.write(text)
    return Path(name)
