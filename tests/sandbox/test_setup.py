from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from workbench.sandbox.distribution import Host
from workbench.sandbox.sandbox import SandboxError
from workbench.sandbox.setup import SetupOutcome, SetupProgress, setup
from workbench.sandbox.setup_machine import ByHandError, Machine, NewGroupError
from workbench.sandbox.setup_steps import STEPS

HOST = Host("Linux", "x86_64", "6.1", "Debian", ("debian",), "bookworm", root=True, user="root")


@dataclass
class FakeStep:
    """A step that remembers what was asked of it."""

    name: str
    found: str | None = None
    error: SandboxError | None = None
    did: list[str] = field(default_factory=list)

    def done(self, machine: Machine) -> str | None:
        self.did.append("looked")
        return self.found

    def do(self, machine: Machine) -> str:
        self.did.append("did")
        machine.progress("a line")
        if self.error:
            raise self.error
        self.found = "there now"
        return self.found


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def _run(*steps: FakeStep) -> tuple[SetupOutcome, list[tuple[str, str]]]:
    told: list[SetupProgress] = []
    outcome = setup(told.append, host=HOST, steps=steps)
    assert all(progress.seconds >= 0 for progress in told)
    return outcome, [(progress.step, progress.state) for progress in told]


def test_a_step_that_is_done_is_left_alone_and_others_are_done_in_order() -> None:
    first, second = FakeStep("a", found="there"), FakeStep("b")
    outcome, told = _run(first, second)
    assert outcome.ready and outcome.changed and outcome.problem is None
    assert told == [
        ("a", "checking"),
        ("a", "present"),
        ("b", "checking"),
        ("b", "running"),
        ("b", "line"),
        ("b", "done"),
    ]
    assert (first.did, second.did) == (["looked"], ["looked", "did"])


def test_a_second_time_changes_nothing() -> None:
    steps = [FakeStep("a"), FakeStep("b")]
    _run(*steps)
    outcome, told = _run(*steps)
    assert outcome.ready and not outcome.changed
    assert [state for _, state in told] == ["checking", "present"] * 2


def test_after_a_failure_nothing_more_is_tried() -> None:
    last = FakeStep("c")
    outcome, told = _run(FakeStep("a", found="x"), FakeStep("b", error=SandboxError("alas")), last)
    assert not outcome.ready and outcome.problem == "alas"
    assert told[-2:] == [("b", "failed"), ("c", "skipped")]
    assert last.did == []


def test_what_is_for_the_user_to_do_does_not_stop_the_rest() -> None:
    outcome, told = _run(
        FakeStep("a", error=ByHandError("no root", ["sudo x", "sudo y"])),
        FakeStep("b"),
        FakeStep("c", error=ByHandError("no root", ["sudo y", "sudo z"])),
        FakeStep("d", error=SandboxError("needs c")),
    )
    assert not outcome.ready and outcome.problem == "no root"
    assert list(outcome.by_hand) == ["sudo x", "sudo y", "sudo z"]
    ends = [(step, state) for step, state in told if state not in {"checking", "running", "line"}]
    assert ends == [("a", "by hand"), ("b", "done"), ("c", "by hand"), ("d", "skipped")]


def test_a_new_group_ends_setup_until_it_is_run_anew() -> None:
    last = FakeStep("b")
    outcome, _ = _run(FakeStep("a", error=NewGroupError("log in anew")), last)
    assert outcome.needs_new_group and not outcome.ready
    assert last.did == []


def test_the_runtime_is_registered_before_docker_is_installed_and_started() -> None:
    names = [step.name for step in STEPS]
    assert names.index("gVisor") < names.index("gVisor runtime") < names.index("Docker Engine")
    assert names.index("Docker daemon") < names.index("base image") < names.index("gVisor proven")
    assert len(set(names)) == len(names)
