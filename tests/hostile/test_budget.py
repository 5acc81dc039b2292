"""Money: no race of runs, sittings, processes or deaths passes the fuse together."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from tests.hostile.conftest import Enter
from workbench.cost.fuse import Fuse, FuseBlownError

RACER = """
import os, sys, time
from decimal import Decimal
from pathlib import Path
from random import Random
from workbench.cost.fuse import Fuse, FuseBlownError
folder, limit, seed = Path(sys.argv[1]), Decimal(sys.argv[2]), int(sys.argv[3])
chance, fuse, granted = Random(seed), Fuse.open(folder, limit), Decimal(0)
print("ready", flush=True); sys.stdin.readline()
for turn in range(40):
    if turn == 0 and seed % 4 == 0:  # dies in a request that could cost much
        fuse.reserve("dying", Decimal("0.3"))
        os.write(1, b"+0.3\\n")
        os.kill(os.getpid(), 9)
    worst = Decimal(chance.randrange(1, 200)) / 1000
    try:
        number = fuse.reserve(f"r{seed}", worst)
    except FuseBlownError:
        continue
    # what is granted and not settled yet may be spent at any moment: it is told before anything else happens
    os.write(1, f"+{worst}\\n".encode())
    if chance.random() < 0.3: time.sleep(chance.random() / 200)
    actual = worst * chance.randrange(0, 101) / 100
    os.write(1, f"={worst} {actual}\\n".encode())
    fuse.settle(number, actual)
"""
LIMIT = Decimal(3)
RACERS = 12


def test_many_processes_that_reserve_spend_and_die_never_pass_the_limit(tmp_path: Path, held: Enter) -> None:
    command = [sys.executable, "-c", RACER, str(tmp_path), str(LIMIT)]
    racers = [
        subprocess.Popen([*command, str(seed)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for seed in range(RACERS)
    ]
    for racer in racers:
        assert racer.stdout and racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin
        racer.stdin.write("go\n")
        racer.stdin.flush()
    highest = Decimal(0)
    with closing(Fuse.open(tmp_path, LIMIT)) as fuse:
        while any(racer.poll() is None for racer in racers):
            status = fuse.status()
            highest = max(highest, status.spent + status.reserved + status.abandoned)
            time.sleep(0.002)
        final = fuse.status()
    spent, open_, died = Decimal(0), Decimal(0), 0
    for racer in racers:
        assert racer.stdout
        pending = Decimal(0)
        for line in racer.stdout.read().splitlines():
            if line.startswith("+"):
                pending += Decimal(line[1:])
            else:
                worst, actual = map(Decimal, line[1:].split())
                pending, spent = pending - worst, spent + actual
        open_ += pending
        died += racer.returncode == -signal.SIGKILL
    assert died >= 1, "nobody died in a request: it proves nothing"
    assert highest <= LIMIT
    assert final.spent + final.abandoned <= LIMIT
    assert final.spent <= spent, "money was counted that nobody spent"
    assert final.spent + final.abandoned >= spent, "money was spent that is not counted"
    assert final.spent + final.abandoned > LIMIT * Decimal("0.8"), "the race did not reach the limit: it proves nothing"
    held(
        f"{RACERS} processes reserve, spend and die at once",
        f"at most ${highest} of ${LIMIT} at any time; {died} died, ${final.abandoned} stay counted for them",
    )


AGENT = """
name: spender
model: claude-haiku-4-5
system_prompt: ./prompt.md
max_iterations: 30
mcp_servers:
  - {type: http, name: api, url: "https://api.example.com"}
"""
SCRIPT = {
    "version": 1,
    "pace": {"first_token": 0, "tokens_per_second": 0},
    "rules": [
        {"when": {"step": step}, "reply": {"calls": [{"tool": "api", "arguments": {"method": "GET", "path": "/x"}}]}}
        for step in range(1, 15)
    ]
    + [{"reply": {"text": "done"}}],
    "http": {"api": [{"request": "GET /x", "text": "x" * 4000}]},
}


@pytest.mark.parametrize("limit", ["0.20"])
def test_several_workbenches_on_one_folder_stop_together(tmp_path: Path, held: Enter, limit: str) -> None:
    (tmp_path / "prompt.md").write_text("Spend.\n")
    (tmp_path / "agent.yaml").write_text(AGENT)
    (tmp_path / "offline.yaml").write_text(json.dumps(SCRIPT, indent=1))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ANTHROPIC_")}
    command = [
        sys.executable,
        "-m",
        "workbench.cli",
        "run",
        str(tmp_path),
        "--offline",
        "--json",
        "--fuse",
        limit,
        "--input",
    ]
    runs = [
        subprocess.Popen(
            [*command, f"input {number}"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        )
        for number in range(4)
    ]
    spent, blown = Decimal(0), 0
    for run in runs:
        out, err = run.communicate(timeout=120)
        assert "Traceback" not in err, err
        events = [json.loads(line) for line in out.splitlines()]
        spent += sum(Decimal(event["data"]["cost_usd"]) for event in events if event["type"] == "model_response")
        blown += "fuse" in str(events[-1]["data"].get("message")) and events[-1]["type"] == "run_failed"
    with closing(Fuse.open(tmp_path, Decimal(limit), "offline")) as fuse:
        status = fuse.status()
        with pytest.raises(FuseBlownError):
            fuse.reserve("one more", Decimal(limit))
    assert blown >= 1, "no run reached the fuse: it proves nothing"
    assert spent <= Decimal(limit)
    assert abs(status.spent - spent) < Decimal("0.000001"), (status.spent, spent)
    held(
        f"{len(runs)} workbenches spend on one folder at once",
        f"${spent} of ${limit} spent in all, {blown} runs stopped by the fuse",
    )
