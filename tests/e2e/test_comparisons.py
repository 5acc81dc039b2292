"""Comparisons of the sample agents in real sandboxes, killed midway and gone on with."""

from __future__ import annotations

import csv
import io
import json
import re
import signal
import subprocess
from collections.abc import Callable
from decimal import Decimal
from html import unescape
from pathlib import Path

import pytest

from tests.e2e.conftest import clean_environment, command, workbench
from workbench.cost.amounts import usd
from workbench.trace.store import Store

pytestmark = pytest.mark.docker

MODELS = "claude-haiku-4-5,claude-sonnet-4-6,claude-opus-4-6"
ARGUMENTS = ("--offline", "--models", MODELS, "--repeat", "3", "--name", "three-models", "--fuse", "50")


@pytest.mark.parametrize("agent", ["support-triage", "code-review", "nightly-enrichment"])
def test_a_sample_over_three_models_is_killed_and_finished(sample: Callable[[str], Path], agent: str) -> None:
    folder = sample(agent)
    process = subprocess.Popen(
        command("compare", folder, *ARGUMENTS), stderr=subprocess.PIPE, text=True, env=clean_environment()
    )
    assert process.stderr is not None
    finished = 0
    for line in process.stderr:
        finished += line.startswith("✓")
        if finished == 2:
            break
    process.send_signal(signal.SIGKILL)
    process.wait()
    with Store.open(folder, read_only=True) as store:
        before = {run.run_id for run in store.runs(None) if run.status == "completed"}
    assert 2 <= len(before) < 9

    done = workbench("compare", folder, *ARGUMENTS, "--format", "json", timeout=300)
    assert done.code == 0, done.err
    figures = json.loads(done.out)
    assert figures["complete"]
    runs = {run["run"] for run in figures["runs"]}
    assert before <= runs
    with Store.open(folder, read_only=True) as store:
        completed = [run.run_id for run in store.runs(None) if run.status == "completed"]
    assert sorted(completed) == sorted(runs)  # nothing that was finished ran again
    assert [variant["completed"]["runs"] for variant in figures["variants"]] == [3, 3, 3]
    assert len({run["output"] for run in figures["runs"]}) == 1  # each began with the same files

    said = {name: workbench("compare", folder, "--no-run", "--format", name).out for name in ("table", "csv", "html")}
    rows = {row["variant"]: row for row in csv.DictReader(io.StringIO(said["csv"]))}
    page = unescape(re.sub(r"<[^>]+>", " ", said["html"]))
    for variant in figures["variants"]:
        for statistic in ("median", "low", "high"):
            amount = variant["cost_usd"][statistic]
            assert rows[variant["variant"]][f"cost_usd_{statistic}"] == amount
            assert usd(Decimal(amount)) in said["table"]
            assert usd(Decimal(amount)) in page
