from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from workbench.sandbox.daemon import DaemonError
from workbench.sandbox.docker_engine import EngineFacts
from workbench.sandbox.runtime_choice import VerdictFile, choose_runtime, verdict_key
from workbench.sandbox.runtimes import OUR_RUNTIME, Runtime
from workbench.sandbox.sandbox import Proof, SandboxError

RUNC = {"path": "runc"}


def runsc(*arguments: str) -> dict[str, Any]:
    return {"path": "/nowhere/runsc", "runtimeArgs": ["--network=none", *arguments]}


def facts(**runtimes: Mapping[str, Any]) -> EngineFacts:
    return EngineFacts("daemon", "20.10", "6.18.44", {"runc": RUNC, **runtimes})


class DockerSaysError(Exception):
    def __init__(self, status_code: int) -> None:
        self.status_code = status_code


class Probes:
    """Plays the probe: which runtimes are gVisor, which fail and how; remembers what was probed."""

    def __init__(self, gvisor: set[str], failing: Mapping[str, int | None] | None = None) -> None:
        self.gvisor = gvisor
        self.failing = failing or {}
        self.asked: list[str] = []

    def __call__(self, runtime: Runtime) -> Proof:
        self.asked.append(runtime.name)
        if runtime.name in self.failing:
            status = self.failing[runtime.name]
            cause = TimeoutError() if status is None else DockerSaysError(status)
            raise DaemonError("it does not start") from cause
        return Proof(runtime.name in self.gvisor, runtime.name, "4.4.0", "6.18.44", "Starting gVisor...")


@pytest.fixture
def verdicts(tmp_path: Path) -> VerdictFile:
    return VerdictFile(tmp_path / "cache" / "runtimes.json")


def test_the_users_runsc_comes_first_then_ours_then_others_by_name(verdicts: VerdictFile) -> None:
    probe = Probes(set())
    there = facts(**{"b-runsc": runsc(), "a-runsc": runsc(), OUR_RUNTIME: runsc(), "runsc": runsc()})
    with pytest.raises(SandboxError, match="workbench setup"):
        choose_runtime(there, None, probe, verdicts)
    assert probe.asked == ["runsc", OUR_RUNTIME, "a-runsc", "b-runsc"]


def test_a_runsc_that_does_not_pass_is_passed_over(verdicts: VerdictFile) -> None:
    probe = Probes({OUR_RUNTIME}, {"runsc": 400})
    assert choose_runtime(facts(runsc=runsc(), **{OUR_RUNTIME: runsc()}), None, probe, verdicts) == OUR_RUNTIME


def test_runc_is_never_taken_without_being_asked_for(verdicts: VerdictFile) -> None:
    probe = Probes({"runc"})
    with pytest.raises(SandboxError, match="no runtime of this Docker daemon is runsc"):
        choose_runtime(facts(), None, probe, verdicts)
    assert choose_runtime(facts(), "runc", probe, verdicts) == "runc"
    assert probe.asked == []


def test_a_requested_runtime_must_exist(verdicts: VerdictFile) -> None:
    with pytest.raises(SandboxError, match="It has: runc, runsc"):
        choose_runtime(facts(runsc=runsc()), "kata", Probes(set()), verdicts)


def test_a_verdict_is_kept_for_the_next_start(verdicts: VerdictFile) -> None:
    probe = Probes({"runsc"})
    for _ in range(3):
        assert choose_runtime(facts(runsc=runsc()), None, probe, verdicts) == "runsc"
    assert probe.asked == ["runsc"]


def test_other_arguments_make_another_runtime(verdicts: VerdictFile) -> None:
    probe = Probes({"runsc"})
    choose_runtime(facts(runsc=runsc()), None, probe, verdicts)
    choose_runtime(facts(runsc=runsc("--platform=ptrace")), None, probe, verdicts)
    assert len(probe.asked) == 2


def test_a_failure_is_tried_again_after_an_hour(verdicts: VerdictFile) -> None:
    probe = Probes(set(), {"runsc": 400})
    for now in (0.0, 3599.0, 3601.0):
        with pytest.raises(SandboxError, match="it does not start"):
            choose_runtime(facts(runsc=runsc()), None, probe, verdicts, now=lambda now=now: now)  # type: ignore[misc]
    assert len(probe.asked) == 2


@pytest.mark.parametrize("status", [None, 404])
def test_a_failure_that_is_not_the_runtimes_fault_is_forgotten(verdicts: VerdictFile, status: int | None) -> None:
    probe = Probes(set(), {"runsc": status})
    for _ in range(2):
        with pytest.raises(SandboxError):
            choose_runtime(facts(runsc=runsc()), None, probe, verdicts)
    assert len(probe.asked) == 2


@pytest.mark.parametrize("content", ["", "[]", "{", '{"k": 1}', '{"k": {"at": "x"}}', "\x00"])
def test_a_broken_file_costs_a_probe_and_no_more(tmp_path: Path, content: str) -> None:
    file = tmp_path / "runtimes.json"
    file.write_text(content)
    probe = Probes({"runsc"})
    there = facts(runsc=runsc())
    assert choose_runtime(there, None, probe, VerdictFile(file)) == "runsc"
    assert choose_runtime(there, None, probe, VerdictFile(file)) == "runsc"
    assert len(probe.asked) == 1


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    verdicts = VerdictFile(tmp_path / "file" / "runtimes.json")
    assert choose_runtime(facts(runsc=runsc()), None, Probes({"runsc"}), verdicts) == "runsc"


def test_the_key_changes_with_the_binary(tmp_path: Path) -> None:
    binary = tmp_path / "runsc"
    binary.write_text("1")
    before = verdict_key(facts(), Runtime("runsc", str(binary)))
    binary.write_text("22")
    assert verdict_key(facts(), Runtime("runsc", str(binary))) != before
