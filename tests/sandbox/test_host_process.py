from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.sandbox.host_process import kill_directly


def test_a_process_outside_the_container_is_never_killed() -> None:
    bystander = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        assert not kill_directly("f" * 64, bystander.pid)
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()
        assert bystander.stdin is not None
        bystander.stdin.close()


@pytest.mark.parametrize("pid", [0, 1, -1, 2**22 + 1])
def test_no_process_is_no_error(pid: int) -> None:
    assert not kill_directly("f" * 64, pid)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root kills directly")
def test_a_process_of_the_container_is_killed() -> None:
    """What stands for the container's id here is a part of the cgroup's path that the process really has."""
    victim = subprocess.Popen(["sleep", "1000"])
    part = Path(f"/proc/{victim.pid}/cgroup").read_text().splitlines()[0]
    assert kill_directly(part, victim.pid)
    assert victim.wait(10) == -9
