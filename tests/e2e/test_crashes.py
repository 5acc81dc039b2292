"""kill -9 at random moments: nothing that was shown is lost, and nothing is left behind."""

from __future__ import annotations

import json
import random
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import clean_environment, command, workbench

pytestmark = pytest.mark.docker

KILLS = 20


def containers_of(agent: str) -> list[Any]:
    import docker

    client = docker.from_env()
    try:
        found: list[Any] = client.api.containers(all=True)
        return [container for container in found if agent in (container["Labels"] or {}).values()]
    finally:
        client.close()


def test_killed_runs_keep_every_event_that_was_printed(scripted: Callable[..., Path]) -> None:
    calls = [{"tool": "bash", "arguments": {"command": f"sleep 0.1; echo {n} > file-{n}"}} for n in range(12)]
    folder = scripted(calls, name="killed-at-random")
    chance = random.Random(20261123)
    printed: dict[str, list[int]] = {}
    for _ in range(KILLS):
        process = subprocess.Popen(
            command("run", folder, "--offline", "--input", "go", "--json"),
            stdout=subprocess.PIPE,
            text=True,
            env=clean_environment(),
        )
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(chance.uniform(0, 2.5))
        process.kill()
        lines = [first, *process.stdout.read().splitlines()]
        process.wait()
        for line in filter(None, lines):
            try:
                event = json.loads(line)
            except json.JSONDecodeError:
                continue  # the last line, cut in the middle
            printed.setdefault(event["run_id"], []).append(event["seq"])
    assert len(printed) == KILLS

    for run_id, seqs in printed.items():
        exported = workbench("export", run_id, "--agent", folder)
        assert exported.code == 0, exported.err
        stored = [event["seq"] for event in exported.events]
        assert stored == list(range(1, len(stored) + 1))
        assert set(seqs) <= set(stored)

    listed = workbench("runs", folder, "--json", "--limit", "100")
    statuses = {json.loads(line)["status"] for line in listed.out.splitlines()}
    assert statuses <= {"interrupted", "completed"}
    after = workbench("run", folder, "--offline", "--input", "go")
    assert after.code == 0, after.err
    assert containers_of("killed-at-random") == []
