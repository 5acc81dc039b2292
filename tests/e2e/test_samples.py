"""The sample agents, run as the README says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tests.e2e.conftest import workbench
from workbench.cost.prices import PriceList
from workbench.cost.usage import Usage

pytestmark = pytest.mark.docker

Copy = Callable[[str], Path]


def test_support_triage_shows_a_whole_timeline(sample: Copy) -> None:
    ran = workbench("run", sample("support-triage"), "--offline")
    assert ran.code == 0, ran.out + ran.err
    for kind in ("run_started", "tool_call", "tool_result", "message", "run_completed"):
        assert kind in ran.out
    assert "OFFLINE SCRIPT" in ran.out
    assert "gVisor proven from inside: kernel 4.4.0" in ran.out
    assert "sre-oncall, first answer due 2026-11-23T08:14Z" in ran.out


@pytest.mark.parametrize(
    ("agent", "chosen", "answer"),
    [
        ("support-triage", "ticket-4813", "billing, first answer due 2026-11-23T10:05Z"),
        ("support-triage", "ticket-4815", "security, first answer due 2026-11-23T08:46Z"),
        ("support-triage", "Review open tickets older than 4 hours", "4790 is past its first answer"),
        ("code-review", "change-218", "ledgerlib/split.py:12: the parts can differ by more than a cent"),
        ("code-review", "change-221", "Approve. No findings."),
        ("nightly-enrichment", "strict", "batch-01: 21 enriched by the tables; decided 0, escalated 4"),
    ],
)
def test_every_input_of_every_sample_is_answered(sample: Copy, agent: str, chosen: str, answer: str) -> None:
    ran = workbench("run", sample(agent), "--offline", "--input", chosen)
    assert ran.code == 0, ran.out + ran.err
    assert answer in ran.out


def test_the_workspace_of_nightly_enrichment_survives_the_night(sample: Copy) -> None:
    folder = sample("nightly-enrichment")
    first, second = (workbench("run", folder, "--offline", "--json") for _ in range(2))
    assert first.events[-1]["data"]["output"].startswith("batch-01")
    assert second.events[-1]["data"]["output"].startswith("batch-02")


def test_an_edit_of_the_prompt_changes_what_the_agent_promises(sample: Copy) -> None:
    folder = sample("support-triage")
    prompt = folder / "prompt.md"
    prompt.write_text(prompt.read_text().replace("Never promise a refund or a date for a fix. ", ""))
    ran = workbench("run", folder, "--offline", "--input", "ticket-4813")
    assert "the second charge will be refunded" in ran.out


def test_json_is_a_complete_trace_whose_costs_add_up(sample: Copy) -> None:
    ran = workbench("run", sample("code-review"), "--offline", "--json")
    assert ran.code == 0, ran.err
    events = ran.events
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    for event in events:
        assert {"run_id", "seq", "type", "step", "at", "data"} <= event.keys()
    end = events[-1]["data"]
    prices = PriceList.load()
    model = Decimal(0)
    for event in events:
        if event["type"] == "model_response":
            cost = prices.cost(
                event["data"]["model"], Usage(**event["data"]["usage"]), datetime.fromisoformat(event["at"])
            )
            assert cost is not None
            model += cost
    runtime = Decimal(end["costs"]["runtime_seconds"]) * Decimal("0.08") / 3600
    assert abs(Decimal(end["costs"]["total"]) - (model + runtime)) < Decimal("0.000001")
    assert model > 0
    assert runtime > 0


def test_a_stored_run_can_be_listed_shown_and_exported(sample: Copy) -> None:
    folder = sample("support-triage")
    ran = workbench("run", folder, "--offline", "--json")
    run_id = ran.events[0]["run_id"]
    listed = workbench("runs", folder)
    assert run_id in listed.out
    assert "completed" in listed.out
    shown = workbench("show", run_id[-4:], "--agent", folder)
    assert shown.code == 0, shown.err
    assert "run_completed" in shown.out
    whole = workbench("show", "last", "--events", "--step", "3", "--agent", folder)
    assert "sla.py" in whole.out
    exported = workbench("export", run_id, "--agent", folder)
    assert exported.events == ran.events


def test_checks_pass(sample: Copy) -> None:
    for name in ("support-triage", "code-review", "nightly-enrichment"):
        checked = workbench("check", sample(name))
        assert checked.code == 0, checked.out


def test_cancelling_leaves_a_closed_run_and_no_container(sample: Copy) -> None:
    import signal
    import subprocess
    import time

    from tests.e2e.conftest import clean_environment, command

    folder = sample("nightly-enrichment")
    process = subprocess.Popen(
        command("run", folder, "--offline"), stdout=subprocess.PIPE, text=True, env=clean_environment()
    )
    assert process.stdout is not None
    for line in process.stdout:
        if "tool_call" in line:
            break
    pressed = time.monotonic()
    process.send_signal(signal.SIGINT)
    rest = process.stdout.read()
    assert process.wait(20) == 130
    assert time.monotonic() - pressed < 10
    assert "run_failed" in rest
    assert "cancelled" in rest
