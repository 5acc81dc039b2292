"""`keep`, `test` and `delete` as a user types them: processes, exit codes, files."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from xml.etree.ElementTree import parse

import pytest

from tests.e2e.conftest import clean_environment, command, workbench
from tests.engine.conftest import HTTP_AGENT, LOOK_UP, PROMPT

NOWHERE = "unix:///nowhere.sock"


@pytest.fixture(scope="module")
def kept_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An agent without a container that was run once, the run kept as `one`."""
    folder = tmp_path_factory.mktemp("looker")
    (folder / "prompt.md").write_text(PROMPT)
    (folder / "agent.yaml").write_text(dedent(HTTP_AGENT))
    (folder / "offline.yaml").write_text(dedent(LOOK_UP))
    assert workbench("run", folder, "-i", "what is it?", "--offline").code == 0
    kept = workbench("keep", "last", "--agent", folder, "--as", "one", "--check", "output: {contains: first fact}")
    assert kept.code == 0, kept.err
    assert "3 checks; edit them there" in kept.out
    return folder


@pytest.fixture
def looker(kept_once: Path, tmp_path: Path) -> Path:
    """A copy of that agent, its run included."""
    return Path(shutil.copytree(kept_once, tmp_path / "looker"))


def test_a_kept_case_passes_anywhere_without_key_docker_or_store(looker: Path, tmp_path: Path) -> None:
    elsewhere = shutil.copytree(looker, tmp_path / "elsewhere", ignore=shutil.ignore_patterns(".workbench"))
    (elsewhere / "offline.yaml").unlink()
    done = workbench("test", elsewhere, DOCKER_HOST=NOWHERE)
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == ["passed      one  3 of 3 checks hold", "1 case: 1 passed; cost $0.0000"]


def test_a_failed_check_is_shown_with_its_place_and_the_run_that_can_be_opened(looker: Path) -> None:
    case = looker / "cases" / "one.yaml"
    case.write_text(case.read_text().replace("contains: first fact", "contains: fourth fact"))
    done = workbench("test", looker)
    assert done.code == 1
    lines = [line.strip() for line in done.out.splitlines()]
    assert lines[:4] == [
        "failed      one  2 of 3 checks hold",
        f"cases/one.yaml:{case.read_text().splitlines().index('  - output: {contains: fourth fact}') + 1}: output",
        "expected the output contains 'fourth fact'",
        "found    Found: first fact",
    ]
    prefix, _, shown = lines[4].partition("workbench ")
    assert prefix == "the run: "
    opened = workbench(*shown.split())
    assert (opened.code, "Found: first fact" in opened.out) == (0, True)


def test_a_changed_prompt_is_stale_until_a_new_run_is_kept(looker: Path) -> None:
    (looker / "prompt.md").write_text("Another prompt.\n")
    done = workbench("test", looker)
    assert done.code == 1
    assert "stale       one  the tape no longer answers: the prompt changed" in done.out
    assert workbench("test", looker, "--allow-stale").code == 0
    assert workbench("test", looker, "--recorded").code == 0
    run_it, keep_it = (line.partition("workbench ")[2].split() for line in done.out.splitlines()[1:3])
    assert workbench(*run_it, "--offline").code == 0
    assert workbench(*keep_it).code == 0
    assert workbench("test", looker).code == 0


def test_what_is_broken_is_told_before_anything_runs(looker: Path) -> None:
    tape = looker / "cases" / "one.tape.jsonl"
    whole = tape.read_bytes()
    tape.write_bytes(whole[: len(whole) // 2])
    before = tape.read_bytes()
    done = workbench("test", looker)
    assert (done.code, done.out) == (2, "")
    line = before.count(b"\n") + 1
    assert f"one.tape.jsonl:{line}:1: error: not JSON" in done.err
    assert tape.read_bytes() == before
    wrong: list[tuple[list[str | Path], str]] = [
        (["test", looker, "--case", "none"], "there is no case 'none'"),
        (["keep", "last", "--agent", looker, "--as", "one"], "--again"),
        (
            ["keep", "last", "--agent", looker, "--as", "two", "--check", "outptu: {contains: x}"],
            "did you mean 'output'",
        ),
        (["keep", "nothing", "--agent", looker, "--as", "two"], "nothing"),
    ]
    for arguments, said in wrong:
        done = workbench(*arguments)
        assert done.code == 2
        assert said in done.err
        assert "Traceback" not in done.err


def test_junit_and_json_say_the_same(looker: Path, tmp_path: Path) -> None:
    done = workbench("test", looker, "--json", "--junit", tmp_path / "report.xml")
    (result,) = done.events
    assert (result["case"], result["state"], len(result["checks"])) == ("one", "passed", 3)
    suite = parse(tmp_path / "report.xml").getroot()[0]
    assert (suite.attrib["name"], suite.attrib["tests"], suite.attrib["failures"]) == ("looker", "1", "0")


def test_a_limit_that_ends_a_live_run_has_its_own_exit_code(looker: Path) -> None:
    assert workbench("test", looker, "--live", "--offline", "--fuse", "0.0001").code == 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_live_test_that_is_stopped_ends_its_runs(looker: Path, number: signal.Signals) -> None:
    script = (looker / "offline.yaml").read_text().replace("first_token: 0", "first_token: 30")
    (looker / "offline.yaml").write_text(script)
    process = subprocess.Popen(
        command("test", looker, "--live", "--offline"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=clean_environment(),
        text=True,
    )
    asked = ""
    while "running" not in asked:
        asked = workbench("runs", looker, "--json").out.partition("\n")[0]
        assert process.poll() is None
    process.send_signal(number)
    said = process.communicate(timeout=60)
    assert (process.returncode, said) == (130, ("", ""))
    assert json.loads(workbench("runs", looker, "--json").out.partition("\n")[0])["error"] == "cancelled"


def test_a_run_is_deleted_only_when_the_user_says_so(looker: Path) -> None:
    run_id = json.loads(workbench("runs", looker, "--json").out)["run_id"]
    done = workbench("delete", run_id, "--agent", looker)
    assert done.code == 2
    assert "--yes" in done.err
    done = workbench("delete", run_id, "--agent", looker, "--yes")
    assert (done.code, done.out) == (0, f"deleted run {run_id}; 0 snapshots went with it, 0 bytes\n")
    assert workbench("runs", looker, "--json").out == ""
    assert workbench("test", looker).code == 0


@pytest.mark.parametrize("name", ["support-triage", "code-review", "nightly-enrichment"])
def test_the_samples_cases_pass_out_of_the_box(sample: Callable[[str], Path], name: str) -> None:
    done = workbench("test", sample(name), DOCKER_HOST=NOWHERE)
    assert done.code == 0, done.out + done.err


@pytest.mark.docker
def test_a_run_in_a_container_is_kept_and_tested_without_one(sample: Callable[[str], Path]) -> None:
    folder = sample("code-review")
    assert workbench("run", folder, "--offline", "-i", "change-221").code == 0
    checks = (
        "file: {path: review.md, contains: Approve}",
        "file: {path: repository/ledgerlib/split.py, contains: divmod}",
    )
    kept = workbench(
        "keep", "last", "--agent", folder, "--as", "change-221", "--equals", *(f"--check={check}" for check in checks)
    )
    assert kept.code == 0, kept.err
    shutil.rmtree(folder / ".workbench")
    done = workbench("test", folder, DOCKER_HOST=NOWHERE)
    assert done.code == 0, done.out
    (folder / "prompt.md").write_text((folder / "prompt.md").read_text() + "\nBe brief.\n")
    done = workbench("test", folder, DOCKER_HOST=NOWHERE)
    assert (done.code, done.out.count("the prompt changed")) == (1, 2)
    done = workbench("test", folder, "--live", "--offline")
    assert done.code == 0, done.out


@pytest.mark.docker
def test_a_live_test_catches_what_a_changed_prompt_breaks(sample: Callable[[str], Path]) -> None:
    folder = sample("support-triage")
    prompt = folder / "prompt.md"
    text = prompt.read_text()
    assert "Never promise a refund" in text
    prompt.write_text(text.replace("Never promise a refund or a date for a fix. ", ""))
    done = workbench("test", folder, "--live", "--offline")
    assert done.code == 1, done.out
    assert "expected the output does not contain 'refund'" in done.out


@pytest.mark.docker
def test_a_live_test_leaves_a_persistent_workspace_alone(sample: Callable[[str], Path]) -> None:
    folder = sample("nightly-enrichment")
    for _ in range(2):
        done = workbench("test", folder, "--live", "--offline")
        assert done.code == 0, done.out
    assert list((folder / ".workbench" / "storage").glob("*")) == []


@pytest.mark.docker
def test_the_snapshots_of_a_deleted_run_go_with_it(sample: Callable[[str], Path]) -> None:
    folder = sample("code-review")
    assert workbench("run", folder, "--offline").code == 0
    marks = folder / ".workbench" / "snapshots" / "snapshots"
    assert len(list(marks.iterdir())) > 1
    assert workbench("replay", "last", "--agent", folder).code == 0
    runs = [json.loads(line)["run_id"] for line in workbench("runs", folder, "--json").out.splitlines()]
    before = {mark.name for mark in marks.iterdir()}
    assert workbench("delete", runs[-1], "--agent", folder, "--yes").code == 0
    assert {mark.name for mark in marks.iterdir()} == before
    assert workbench("show", runs[0], "--agent", folder).code == 0
