"""Where stores are: `.workbench/` beside an agent, found from anywhere near it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from workbench.trace.errors import StoreError

STATE_FOLDER = ".workbench"
"""The folder beside agent.yaml that holds everything that the workbench writes."""

STORE_FILE = "workbench.db"
"""The store's file in the state folder."""

DEPTH = 4
"""How many levels below a folder stores are looked for."""

_PASSED_OVER = frozenset({"node_modules", "__pycache__", "venv", "env", "site-packages", "build", "dist", "target"})


def store_file(folder: Path) -> Path:
    """The store of the agent in `folder`, whether it exists or not."""
    return folder / STATE_FOLDER / STORE_FILE


def snapshots_folder(folder: Path) -> Path:
    """Where the snapshots of workspaces of the agent in `folder` are, whether there are any or not."""
    return folder / STATE_FOLDER / "snapshots"


def state_folder(folder: Path) -> Path:
    """The state folder of the agent in `folder`, created if need be and kept out of version control.

    Raises:
        StoreError: it cannot be created.
    """
    state = folder / STATE_FOLDER
    try:
        state.mkdir(mode=0o700, exist_ok=True)  # traces and workspaces are their owner's
        ignore = state / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n", encoding="utf-8")
    except OSError as error:
        raise StoreError(
            f"cannot create {state}: {error.strerror}. The workbench keeps its runs there: make the folder writable, "
            "or copy the agent to one that is."
        ) from error
    return state


def find_stores(start: Path) -> Sequence[Path]:
    """The agent folders whose stores someone at `start` means, sorted; empty when there are no runs yet.

    That is `start` or the nearest parent that has an agent.yaml; if there is none, `start` and every folder at most
    `DEPTH` levels below it that has a store. Hidden folders, installed packages, build output and symbolic links are
    passed over, and so is what may not be read.
    """
    start = start.absolute()
    for folder in (start, *start.parents):
        if _is_file(folder / "agent.yaml"):
            return (folder,) if _is_file(store_file(folder)) else ()
    candidates = (start, *_folders_below(start, DEPTH))
    return tuple(sorted(folder for folder in candidates if _is_file(store_file(folder))))


def _is_file(path: Path) -> bool:
    """Whether it is a file; what lies in a folder that may not be entered is none."""
    return os.path.isfile(path)  # noqa: PTH113 - does not raise


def _folders_below(folder: Path, depth: int) -> Iterator[Path]:
    if depth == 0:
        return
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if _worth_a_look(entry)]
    except OSError:
        return
    for name in names:
        yield folder / name
        yield from _folders_below(folder / name, depth - 1)


def _worth_a_look(entry: os.DirEntry[str]) -> bool:
    if entry.name.startswith(".") or entry.name in _PASSED_OVER:
        return False
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False
