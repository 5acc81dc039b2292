"""`replay` and `resume` as a user types them, with real containers."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import SAMPLES, Finished, clean_environment, command, workbench
from workbench.sandbox.snapshots import WorkspaceSnapshots

pytestmark = pytest.mark.docker

PASSED = "Ran 12 tests in 0.003s\n\nOK\n"


@pytest.fixture(scope="module")
def reviewed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    """A copy of code-review with one run, and the run's events."""

    ignored = shutil.ignore_patterns(".workbench")
    folder = Path(
        shutil.copytree(SAMPLES / "code-review", tmp_path_factory.mktemp("replay") / "code-review", ignore=ignored)
    )
    done = workbench("run", folder, "--offline", "--json")
    assert done.code == 0, done.err
    return folder, done.events


def replayed(reviewed: tuple[Path, list[dict[str, Any]]], *options: str, docker: str = "") -> Finished:
    folder, events = reviewed
    return workbench("replay", events[0]["run_id"], "--agent", folder, *options, "--json", DOCKER_HOST=docker)


def test_the_tape_alone_needs_no_docker(reviewed: tuple[Path, list[dict[str, Any]]]) -> None:
    done = replayed(reviewed, docker="unix:///nowhere.sock")
    assert done.code == 0, done.err
    assert [event["type"] for event in done.events] == [event["type"] for event in reviewed[1]]
    assert Decimal(done.events[-1]["data"]["costs"]["total"]) == 0


def test_one_edited_result_changes_the_review_and_only_the_rest_is_paid(
    reviewed: tuple[Path, list[dict[str, Any]]],
) -> None:
    done = replayed(reviewed, "--result", f"2.1={PASSED}")
    assert done.code == 0, done.err
    assert done.events[-1]["data"]["output"] == "Approve. No findings."
    assert reviewed[1][-1]["data"]["output"].startswith("Request changes.")
    requests = [event["data"]["origin"] for event in done.events if event["type"] == "model_request"]
    assert requests == ["tape", "tape", "live", "live", "live"]
    replies = [event["data"] for event in done.events if event["type"] == "model_response"]
    paid = sum(Decimal(reply["cost_usd"]) for reply in replies if reply["origin"] == "live")
    assert Decimal(done.events[-1]["data"]["costs"]["model"]) == paid > 0
    assert [Decimal(reply["cost_usd"]) for reply in replies if reply["origin"] == "tape"] == [0, 0]


def test_a_fork_finds_the_files_as_they_were(reviewed: tuple[Path, list[dict[str, Any]]]) -> None:
    """Step 3 greps in what step 2 wrote, and step 2 is not run again."""
    done = replayed(reviewed, "--from", "3", "--tools", "live")
    assert done.code == 0, done.err
    ours = [event["data"] for event in done.events if event["type"] == "tool_result"]
    theirs = [event["data"] for event in reviewed[1] if event["type"] == "tool_result"]
    assert [result["origin"] for result in ours] == ["tape"] * 3 + ["live"] * 3
    assert sorted(str(result["content"]) for result in ours) == sorted(str(result["content"]) for result in theirs)
    begun = [event["data"]["data"]["workspace"] for event in done.events if event["data"].get("kind") == "sandbox"]
    left = [event["data"]["snapshot"] for event in reviewed[1] if event["step"] == 2 and "snapshot" in event["data"]]
    assert begun[-1] == left[-1]


def test_the_plan_is_told_before_anything_is_sent(reviewed: tuple[Path, list[dict[str, Any]]]) -> None:
    folder, events = reviewed
    done = workbench("replay", events[0]["run_id"], "--agent", folder, "--from", "4", "--dry-run")
    assert done.code == 0, done.err
    assert "3 of 5 steps from tape" in done.out
    listed = workbench("runs", folder)
    planned = workbench("runs", folder)
    assert listed.out.count("\n") == planned.out.count("\n")


def test_a_wrong_place_is_told(reviewed: tuple[Path, list[dict[str, Any]]]) -> None:
    done = replayed(reviewed, "--result", "2.7=x")
    assert done.code == 2
    assert "there is no result 2.7 to edit" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("attempt", range(4))
def test_a_killed_run_is_resumed_and_ends_like_one_that_was_not(
    sample: Callable[[str], Path], reviewed: tuple[Path, list[dict[str, Any]]], attempt: int
) -> None:
    folder = sample("code-review")
    running = subprocess.Popen(
        command("run", folder, "--offline", "--json"), stdout=subprocess.PIPE, env=clean_environment(), text=True
    )
    assert running.stdout is not None
    wanted = random.Random(attempt).randint(3, len(reviewed[1]) - 2)
    for _ in range(wanted):
        running.stdout.readline()
    os.kill(running.pid, signal.SIGKILL)
    running.wait(10)
    done = workbench("resume", "last", "--agent", folder, "--json")
    assert done.code == 0, done.err
    assert done.events[-1]["data"]["output"] == reviewed[1][-1]["data"]["output"]
    assert _review(folder, done.events) == _review(*reviewed)
    results = [event["data"] for event in done.events if event["type"] == "tool_result"]
    assert len(results) == sum(event["type"] == "tool_result" for event in reviewed[1])


def _review(folder: Path, events: list[dict[str, Any]]) -> bytes:
    """What the run wrote into review.md."""
    snapshots = WorkspaceSnapshots(folder / ".workbench" / "snapshots")
    return snapshots.read_file(events[-1]["data"]["snapshot"], "review.md")


def test_a_persistent_workspace_is_left_alone_by_a_replay(sample: Callable[[str], Path]) -> None:
    folder = sample("nightly-enrichment")
    done = workbench("run", folder, "--offline", "--json", timeout=240)
    assert done.code == 0, done.err
    storage = folder / ".workbench" / "storage"
    before = _listing(storage)
    replay = workbench("replay", "last", "--agent", folder, "--from", "1", "--tools", "live", "--json", timeout=240)
    assert replay.code == 0, replay.err
    assert _listing(storage) == before
    assert replay.events[-1]["data"]["output"] == done.events[-1]["data"]["output"]


def _listing(folder: Path) -> dict[str, tuple[int, float]]:
    return {
        str(path.relative_to(folder)): (path.stat().st_size, path.stat().st_mtime)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
