"""Saving a file that the user edits: whole or not at all, its mode and its links kept, never over another's change."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from pathlib import Path


class ChangedOnDiskError(Exception):
    """The file is not what the edit began with. `text` is what it is now, None if it is gone."""

    def __init__(self, path: Path, text: str | None) -> None:
        super().__init__(f"{path} was changed by another program")
        self.text = text


def read_text(path: Path) -> str:
    """The file's text, line ends as they are.

    Raises:
        OSError: it cannot be read.
        UnicodeDecodeError: it is no UTF-8 text.
    """
    with path.open(encoding="utf-8", newline="") as file:
        return file.read()


def save_text(path: Path, text: str, *, expected: str | None) -> None:
    """Replace the file's text, if it still is `expected`; None is a file that is not there.

    A link stays a link, and the file that it leads to keeps its mode.

    Raises:
        ChangedOnDiskError: it is something else by now; nothing was written.
        OSError: it cannot be written; nothing was changed.
    """
    target = path.resolve()
    try:
        found = read_text(target)
        mode = stat.S_IMODE(target.stat().st_mode)
    except FileNotFoundError:
        found, mode = None, None
    if found not in (expected, text):
        raise ChangedOnDiskError(path, found)
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644 if mode is None else mode)
        Path(name).replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
