"""Finds runs for the commands: in the agent's folder, or in all agents' folders below the one that is named."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.trace.errors import RunNotFoundError, StoreError
from workbench.trace.places import find_stores
from workbench.trace.store import Store


@contextmanager
def store_with(run: str, start: Path) -> Iterator[tuple[Store, str]]:
    """The store that has the run which `run` means, opened for reading, and the run's whole id.

    `last` among several agents is the newest run of all of them.

    Raises:
        StoreError: there are no runs at `start`, none or several are meant, or a store cannot be read.
    """
    folders = find_stores(start)
    if not folders:
        raise StoreError(f"there are no runs in {start.absolute()} or below yet; `workbench run AGENT` makes one")
    found: list[tuple[Path, str]] = []
    failure: StoreError | None = None
    for folder in folders:
        with Store.open(folder, read_only=True) as store:
            try:
                found.append((folder, store.find(run)))
            except RunNotFoundError as error:
                failure = error
    if not found:
        if len(folders) == 1 and failure is not None:
            raise failure
        raise RunNotFoundError(f"none of the {len(folders)} agents in {start.absolute()} has a run {run!r}")
    if len(found) > 1 and run != "last":
        names = ", ".join(f"{run_id} ({folder.name})" for folder, run_id in found)
        raise RunNotFoundError(f"{run!r} may be any of {names}; give more of the id, or --agent")
    folder, run_id = max(found, key=lambda pair: pair[1])
    with Store.open(folder, read_only=True) as store:
        yield store, run_id
