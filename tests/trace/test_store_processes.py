"""Several processes on one store, and processes that die."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.trace.errors import StoreError
from workbench.trace.places import store_file
from workbench.trace.store import Store

WRITER = """
import sys
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from workbench.trace.events import Event, Message, RunStarted, Trigger
from workbench.trace.store import Store

folder, run_id, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
started = RunStarted("a", "d", {}, Trigger(), "in", "m", "offline", None, None)
first = Event(run_id, 1, 0, datetime.now(UTC), 0.0, started)
with Store.open(folder) as store:
    for seq in range(1, count + 1):
        event = first if seq == 1 else replace(first, seq=seq, data=Message(f"{seq} " + "of many words " * 60))
        store.append(event)
        print(seq, flush=True)
    if len(sys.argv) > 4:
        sys.stdin.read()
"""


def writer(folder: Path, run_id: str, count: int, *more: str) -> subprocess.Popen[str]:
    """A process that appends `count` events to a run and prints each seq once it is stored."""
    command = [sys.executable, "-c", WRITER, str(folder), run_id, str(count), *more]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def read_until(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdout
    for found in process.stdout:
        if found.strip() == line:
            return
    raise AssertionError(f"the process ended before it printed {line}")


@pytest.mark.parametrize("attempt", range(5))
def test_what_was_shown_survives_kill_9(tmp_path: Path, attempt: int) -> None:
    process = writer(tmp_path, "r1", 1_000_000)
    moment = random.Random(attempt).randrange(20, 400)
    read_until(process, str(moment))
    process.send_signal(signal.SIGKILL)
    shown = [moment, *(int(line) for line in process.communicate()[0].split("\n")[:-1])]
    with Store.open(tmp_path, read_only=True) as store:
        stored = [event.seq for event in store.events("r1")]
        assert stored == list(range(1, len(stored) + 1))
        assert shown[-1] <= stored[-1]
        assert store.run("r1").status == "interrupted"
    with Store.open(tmp_path) as store:
        assert store.run("r1").events == len(stored)


def test_two_processes_write_at_once(tmp_path: Path) -> None:
    processes = [writer(tmp_path, f"r{number}", 150) for number in range(3)]
    assert [process.communicate()[0].count("\n") for process in processes] == [150] * 3
    with Store.open(tmp_path, read_only=True) as store:
        assert sorted(run.run_id for run in store.runs()) == ["r0", "r1", "r2"]
        for run in store.runs():
            assert [event.seq for event in store.events(run.run_id)] == list(range(1, 151))


def test_two_processes_cannot_have_the_same_run(tmp_path: Path) -> None:
    processes = [writer(tmp_path, "same", 30) for _ in range(2)]
    outputs = [process.communicate()[0].split() for process in processes]
    codes = sorted(process.returncode for process in processes)
    with Store.open(tmp_path, read_only=True) as store:
        assert [row.seq for row in store.rows("same")] == list(range(1, store.run("same").events + 1))
    assert codes in ([0, 1], [1, 1])
    assert len(set(outputs[0]) & set(outputs[1])) == 0


def test_a_run_is_running_while_its_process_is_there(tmp_path: Path) -> None:
    process = writer(tmp_path, "r1", 5, "stay")
    read_until(process, "5")
    with Store.open(tmp_path) as store:
        assert store.run("r1").status == "running"
        assert store.runs()[0].status == "running"
        with pytest.raises(StoreError, match="is running"):
            store.delete_run("r1")
        process.communicate()
        before = store_file(tmp_path).read_bytes()
        assert store.run("r1").status == "interrupted"
        assert store.runs()[0].status == "interrupted"
        assert store_file(tmp_path).read_bytes() == before
        store.delete_run("r1")


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
source, limit = sys.argv.pop(1), int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
from workbench.trace.errors import StoreError
try:
    exec(source)
except StoreError as error:
    print(error, file=sys.stderr)
    sys.exit(3)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs file size limits")
def test_a_full_disk_is_explained_and_nothing_stored_is_lost(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FULL_DISK, WRITER, "300000", str(tmp_path), "r1", "1000000"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "TMPDIR": "/tmp"})
    assert ended.returncode == 3, ended.stderr
    assert "All before it is kept" in ended.stderr
    shown = int(ended.stdout.split()[-1])
    assert shown > 5
    with Store.open(tmp_path) as store:
        assert [event.seq for event in store.events("r1")] == list(range(1, shown + 1))
        assert store.run("r1").events == shown
