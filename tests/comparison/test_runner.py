"""The runs of a comparison: concurrent, resumed, killed, shared by two processes, and stopped where it makes sense."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.comparison.conftest import MODELS, Agent
from tests.e2e.conftest import clean_environment, command, workbench
from workbench.comparison.planning import Wish
from workbench.trace.store import Store


async def test_every_cell_is_run_once(agent: Agent) -> None:
    compared = await agent.compare(Wish(models=MODELS, inputs=("what?", "why?"), repeats=2))
    assert compared.report.complete
    assert len(compared.runs) == len(set(compared.run_ids)) == 12
    assert {run.model for run in compared.runs} == set(MODELS)
    assert {run.trigger for run in compared.runs} == {"compare"}
    outputs = {result.measured.output for result in compared.report.results if result.measured}
    assert outputs == {"Found: first fact, asked for what?", "Found: first fact, asked for why?"}
    assert compared.runner.progress.count("finished") == 12


async def test_starting_again_runs_nothing_that_finished(agent: Agent) -> None:
    wish = Wish(models=MODELS, inputs=("what?",), repeats=2)
    first = await agent.compare(wish)
    again = await agent.compare(wish)
    assert again.run_ids == first.run_ids
    assert len(again.runs) == 6
    assert not any(job.own for job in again.runner.progress.jobs)


async def test_more_repeats_and_models_add_only_what_is_new(agent: Agent) -> None:
    first = await agent.compare(Wish(models=MODELS[:2], inputs=("what?",), name="growing"))
    more = await agent.compare(Wish(models=MODELS, inputs=("what?",), repeats=2, name="growing"))
    assert len(more.runs) == 6
    assert set(first.run_ids) <= set(more.run_ids)


async def test_an_edited_prompt_is_another_question(agent: Agent) -> None:
    wish = Wish(models=MODELS[:2], inputs=("what?",), name="edited")
    first = await agent.compare(wish)
    agent.write("prompt.md", PROMPT_THAT_ASKS_FOR_LESS)
    second = await agent.compare(wish)
    assert not set(first.run_ids) & set(second.run_ids)
    assert [result.measured.output for result in second.report.results if result.measured] == ["Fact.", "Fact."]
    agent.write("prompt.md", "You look things up and say what you found.\n")
    back = await agent.compare(wish)
    assert back.run_ids == first.run_ids


PROMPT_THAT_ASKS_FOR_LESS = "You look things up and say what you found, briefly.\n"


async def test_prompts_are_variants(agent: Agent) -> None:
    short = agent.write("short.md", "Answer briefly.\n")
    long = agent.write("long.md", "Answer at length.\n")
    compared = await agent.compare(Wish(models=MODELS[:2], prompts=(short, long), inputs=("what?",)))
    outputs = {r.cell.variant.name: r.measured.output for r in compared.report.results if r.measured}
    assert outputs == {
        "claude-haiku-4-5 · short.md": "Fact.",
        "claude-sonnet-4-6 · short.md": "Fact.",
        "claude-haiku-4-5 · long.md": "Found: first fact, asked for what?",
        "claude-sonnet-4-6 · long.md": "Found: first fact, asked for what?",
    }


async def test_a_failure_of_the_variant_is_a_result(agent: Agent) -> None:
    wish = Wish(models=MODELS, inputs=("endless",))
    compared = await agent.compare(wish)
    row = next(row for row in compared.report.variants if row.variant.model == "claude-opus-4-6")
    assert dict(row.failures) == {"max_iterations": 1}
    assert compared.report.complete
    again = await agent.compare(wish)
    assert again.run_ids == compared.run_ids


async def test_runs_wait_for_the_model_at_the_same_time(agent: Agent) -> None:
    agent.waits(0.4)
    began = time.monotonic()
    compared = await agent.compare(Wish(models=MODELS, inputs=("what?",), repeats=2), concurrency=6)
    one_after_the_other = sum(float(r.measured.seconds) for r in compared.report.results if r.measured)
    assert time.monotonic() - began < one_after_the_other  # 6 runs of at least 0.8 s each


async def test_no_more_runs_at_once_than_allowed(agent: Agent) -> None:
    agent.waits(0.05)
    compared = await agent.compare(Wish(models=MODELS, inputs=("what?",), repeats=3), concurrency=2)
    with Store.open(agent.folder) as store:
        spans = [(run.started_at, run.last_at) for run in store.runs(None)]
    most = max(sum(begin <= at < end for begin, end in spans) for at, _ in spans)
    assert most == 2
    assert compared.report.complete


async def test_cancelled_runs_are_run_again(agent: Agent) -> None:
    agent.waits(30)
    wish = Wish(models=MODELS, inputs=("what?",), name="stopped")
    stopped = await agent.compare(wish, concurrency=2, during=_cancel_soon)
    assert stopped.runner.progress.stopped == "stopped by you"
    assert not stopped.report.complete
    assert {run.error for run in stopped.runs} == {"cancelled"}
    assert len(stopped.runs) == 2
    agent.waits(0)
    finished = await agent.compare(wish)
    assert finished.report.complete
    assert len(finished.runs) == 5


def _cancel_soon(runner: Any) -> None:
    import asyncio

    asyncio.get_running_loop().call_later(0.3, runner.cancel)


async def test_the_fuse_stops_a_comparison_before_the_next_run(agent: Agent) -> None:
    wish = Wish(models=("claude-opus-4-6",), inputs=("what?",), repeats=50)
    compared = await agent.compare(wish, concurrency=1, fuse_usd=Decimal("0.30"))
    stopped = compared.runner.progress.stopped
    assert stopped is not None
    assert "the fuse has blown" in stopped
    assert len(compared.runs) < 50
    assert [run.error for run in compared.runs].count("fuse") == 1
    assert sum(Decimal(run.model_usd or 0) for run in compared.runs) <= Decimal("0.30")


async def test_what_ends_run_after_run_ends_the_comparison(agent: Agent) -> None:
    agent.write("offline.yaml", "version: 1\nrules:\n  - {when: {input: nothing like it}, reply: {text: no}}\n")
    agent.write("agent.yaml", "name: a\nmodel: claude-haiku-4-5\nsystem_prompt: ./prompt.md\n")
    compared = await agent.compare(Wish(inputs=("what?",), repeats=20), concurrency=1)
    assert len(compared.runs) == 3
    assert (compared.runner.progress.stopped or "").startswith("model_error: ")
    assert compared.report.variants[0].without_result == {"not run yet": 17, "model_error": 3}


ARGUMENTS = ("--offline", "--models", ",".join(MODELS), "--repeat", "3", "--input", "what?", "--concurrency", "2")


def _figures(folder: Path) -> Any:
    shown = workbench("compare", folder, "--no-run", "--format", "json")
    assert shown.code == 0, shown.err
    return json.loads(shown.out)


def _finished(figures: Any) -> set[str]:
    return {run["run"] for run in figures["runs"] if run["outcome"] == "completed"}


def test_a_killed_comparison_goes_on_where_it_was(agent: Agent) -> None:
    agent.waits(0.15)
    kept: set[str] = set()
    for _ in range(2):
        process = subprocess.Popen(
            command("compare", agent.folder, *ARGUMENTS), stderr=subprocess.PIPE, text=True, env=clean_environment()
        )
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("✓"):
                break
        process.send_signal(signal.SIGKILL)
        process.wait()
        finished = _finished(_figures(agent.folder))
        assert kept <= finished
        assert len(finished) > len(kept)
        kept = finished
    assert len(kept) < 9
    done = workbench("compare", agent.folder, *ARGUMENTS)
    assert done.code == 0, done.err
    figures = _figures(agent.folder)
    assert figures["complete"]
    assert kept <= _finished(figures)
    with Store.open(agent.folder) as store:
        runs = store.runs(None)
    assert [run.status for run in runs].count("completed") == 9  # nothing that was finished ran again


def test_two_processes_share_a_comparison(agent: Agent) -> None:
    agent.waits(0.2)
    both = [
        subprocess.Popen(
            command("compare", agent.folder, *ARGUMENTS, "--format", "json"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=clean_environment(),
        )
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    one, other = (json.loads(out) for out, _ in outputs)
    assert one == other
    assert one["complete"]
    with Store.open(agent.folder) as store:
        assert len(store.runs(None)) == 9


def test_a_signal_ends_a_comparison_cleanly(agent: Agent) -> None:
    agent.waits(20)
    process = subprocess.Popen(
        command("compare", agent.folder, *ARGUMENTS),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=clean_environment(),
    )
    assert process.stderr is not None
    assert "9 runs" in process.stderr.readline()
    with Store.open(agent.folder) as store:
        while not store.runs():
            time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    assert "Not complete: stopped by you" in out
    assert "Traceback" not in err
