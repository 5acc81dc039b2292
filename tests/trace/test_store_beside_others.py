"""A store that others open and leave while it is in use: what is appended afterwards is not lost."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.trace.test_store_processes import read_until, writer
from workbench.trace.events import Event
from workbench.trace.store import Store

VISIT = "import pathlib, sys; from workbench.trace.store import Store; Store.open(pathlib.Path(sys.argv[1])).close()"


def visit(folder: Path) -> None:
    """Another process opens the store and leaves it."""
    subprocess.run([sys.executable, "-c", VISIT, str(folder)], check=True)


def test_a_visitor_takes_nothing_away(tmp_path: Path) -> None:
    """The last connection to leave a file removes its log; who still works on the file must be seen to do so."""
    working = writer(tmp_path, "r1", 1, "stay")
    read_until(working, "1")
    visit(tmp_path)
    assert (tmp_path / ".workbench" / "workbench.db-wal").exists()
    working.communicate("")


def test_events_after_a_visit_are_kept(tmp_path: Path, make_run: Callable[..., list[Event]]) -> None:
    events = make_run("r2")
    with Store.open(tmp_path) as working:
        working.append(events[0])
        with Store.open(tmp_path, read_only=True) as second:
            assert second.run("r2").events == 1
        visit(tmp_path)
        working.append_many(events[1:])
        with Store.open(tmp_path, read_only=True) as third:
            assert third.run("r2").events == len(events)
    with Store.open(tmp_path, read_only=True) as later:
        assert later.run("r2").events == len(events)
