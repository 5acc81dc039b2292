"""`workbench setup`: from whatever is there to a machine on which agents run in gVisor."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from workbench.sandbox.apt import Apt
from workbench.sandbox.base_recipe import Way
from workbench.sandbox.builder import cache_folder
from workbench.sandbox.distribution import Host, read_host
from workbench.sandbox.sandbox import SandboxError
from workbench.sandbox.setup_machine import ByHandError, Machine, NewGroupError, Step
from workbench.sandbox.setup_steps import STEPS
from workbench.sandbox.shell import find_shell

State = Literal["checking", "present", "running", "line", "done", "by hand", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class SetupProgress:
    """Something that happened in a step. `line` is one line of output; every other state ends or begins the step.

    `seconds` are since the step began.
    """

    step: str
    state: State
    detail: str = ""
    seconds: float = 0.0


OnProgress = Callable[[SetupProgress], None]


@dataclass(frozen=True, slots=True)
class SetupOutcome:
    """How setup ended.

    `ready` means that agents can run now. `by_hand` are commands for the user, remarks begin with #. With
    `needs_new_group`, running the same command again under `sg docker -c` goes on at once, without a new login.
    `log` has every command that was run and what it printed.
    """

    ready: bool
    log: Path
    problem: str | None = None
    by_hand: Sequence[str] = field(default=())
    needs_new_group: bool = False
    changed: bool = False


def setup(
    on_progress: OnProgress,
    *,
    way: Way | None = None,
    rebuild: bool = False,
    may_ask: bool = False,
    host: Host | None = None,
    steps: Sequence[Step] = STEPS,
) -> SetupOutcome:
    """Do every step that is not done yet. Blocking, for up to some minutes; a second time it takes a second.

    `way` takes one way to the base image, `rebuild` builds it anew (for the distribution's security updates), and
    `may_ask` lets sudo ask for a password on the terminal. Never raises for what is wrong with the machine.
    """
    host = host or read_host()
    log = cache_folder() / "setup.log"
    shell = find_shell(host.root, log, may_ask=may_ask)
    machine = Machine(host, shell, Apt(host, shell), lambda line: None, way, rebuild)
    by_hand: list[str] = []
    problem: str | None = None
    changed = False
    for step in steps:
        clock = _Clock(step.name, on_progress)
        if problem is not None and not by_hand:
            clock.tell("skipped")
            continue
        try:
            changed |= _take(step, replace(machine, progress=clock.line), clock)
        except ByHandError as error:
            clock.tell("by hand", str(error))
            by_hand += [command for command in error.commands if command not in by_hand]
            problem = problem or str(error)
        except NewGroupError as error:
            clock.tell("failed", str(error))
            return SetupOutcome(False, log, str(error), by_hand, needs_new_group=True, changed=True)
        except SandboxError as error:
            clock.tell("failed" if problem is None else "skipped", str(error))
            problem = problem or str(error)
    return SetupOutcome(problem is None, log, problem, by_hand, changed=changed)


def _take(step: Step, machine: Machine, clock: _Clock) -> bool:
    """True if there was something to do."""
    clock.tell("checking")
    found = step.done(machine)
    if found is not None:
        clock.tell("present", found)
        return False
    clock.tell("running")
    clock.tell("done", step.do(machine))
    return True


class _Clock:
    """Tells what happens in one step, and when."""

    def __init__(self, step: str, on_progress: OnProgress) -> None:
        self._step = step
        self._tell = on_progress
        self._begin = time.monotonic()

    def tell(self, state: State, detail: str = "") -> None:
        self._tell(SetupProgress(self._step, state, detail, time.monotonic() - self._begin))

    def line(self, line: str) -> None:
        self.tell("line", line)
