"""What a model's bash may do to itself, the workbench and the machine survive; the run says what happened."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import workbench
from tests.e2e.test_crashes import containers_of

pytestmark = pytest.mark.docker

Write = Callable[..., Path]


def bash(command: str, **more: Any) -> dict[str, Any]:
    return {"tool": "bash", "arguments": {"command": command, **more}}


ABUSES = {
    "fork-bomb": (bash(":(){ :|:& };:; wait"), ""),
    "memory-hog": (bash("python3 -c 'a = bytearray(900_000_000); print(len(a))'"), "container: {memory: 256m}"),
    "disk-filler": (bash("dd if=/dev/zero of=/workspace/big bs=1M count=3000 2>&1"), "container: {disk: 200m}"),
    "endless-loop": (bash("while :; do :; done", timeout_ms=2000), ""),
    "rm-rf": (bash("rm -rf --no-preserve-root / 2>&1 | tail -3"), ""),
    "kill-everything": (bash("kill -9 -1"), ""),
}


@pytest.mark.parametrize("name", ABUSES)
def test_abuse_is_reported_and_the_next_call_works(scripted: Write, name: str) -> None:
    call, extra = ABUSES[name]
    agent = f"abuse-{name}"
    restart = {"tool": "bash", "arguments": {"restart": True}}
    folder = scripted([call, restart, bash("echo still here")], extra=extra + "\n", name=agent)
    free = shutil.disk_usage(folder).free
    began = time.monotonic()
    ran = workbench("run", folder, "--offline", "--input", "go", "--json")
    assert time.monotonic() - began < 90
    results = [event["data"] for event in ran.events if event["type"] == "tool_result"]
    assert len(results) == 3, ran.out + ran.err
    if name not in ("rm-rf", "fork-bomb"):  # a bomb runs on in the background, and its shell says nothing
        assert results[0]["is_error"], results[0]
    assert "still here" in str(results[2]["content"]), results[2]
    assert ran.events[-1]["type"] == "run_completed"
    assert containers_of(agent) == []
    assert shutil.disk_usage(folder).free > free - (1 << 30)


@pytest.mark.parametrize("size", [1_000_000, 100_000_000])
def test_a_flood_that_is_written_unbuffered_arrives_whole_or_visibly_cut(scripted: Write, size: int) -> None:
    command = f'python3 -u -c \'import sys; sys.stdout.write("x" * {size} + "THE END")\''
    folder = scripted([bash(command)], name="flood")
    ran = workbench("run", folder, "--offline", "--input", "go", "--json")
    (result,) = [event["data"] for event in ran.events if event["type"] == "tool_result"]
    text = result["content"][0]["text"]
    assert result["truncated"]
    assert text.endswith("THE END")
    assert len(text) >= 100_000
    assert ran.events[-1]["type"] == "run_completed"
