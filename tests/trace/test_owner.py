"""Who is still there."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from workbench.trace import owner as owners
from workbench.trace.owner import Owner, current_owner, is_alive


def owner_of_another() -> tuple[subprocess.Popen[str], Owner]:
    code = (
        "import sys; from workbench.trace.owner import current_owner; o = current_owner();"
        "print(o.pid, o.started, o.place, sep='\\n', flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    pid, started, place = (process.stdout.readline().strip() for _ in range(3))
    return process, Owner(int(pid), started, place)


def test_this_process_is_alive() -> None:
    assert current_owner().pid == os.getpid()
    assert is_alive(current_owner())


def test_another_process_is_alive_until_it_ends() -> None:
    process, owner = owner_of_another()
    assert is_alive(owner)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # dead, but not yet noticed by its parent
    if Path("/proc/self/stat").exists():
        assert not is_alive(owner)
    process.communicate()
    assert not is_alive(owner)


@pytest.mark.skipif(not current_owner().started, reason="the system tells no start times")
def test_a_process_id_that_was_used_again_is_another_process() -> None:
    assert not is_alive(replace(current_owner(), started="1"))


def test_another_machine_boot_or_container_is_elsewhere() -> None:
    assert not is_alive(replace(current_owner(), place="elsewhere"))


@pytest.mark.parametrize("pid", [0, -1])
def test_what_is_no_process_id_is_not_alive(pid: int) -> None:
    assert not is_alive(replace(current_owner(), pid=pid))


def test_where_nothing_tells_start_times_the_process_id_must_do(monkeypatch: pytest.MonkeyPatch) -> None:
    process, owner = owner_of_another()
    monkeypatch.setattr(owners, "_started", lambda _pid: "")
    bare = replace(owner, started="")
    assert is_alive(bare)
    assert is_alive(replace(bare, pid=1))
    process.communicate()
    assert not is_alive(bare)
