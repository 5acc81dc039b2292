"""How many runs a machine bears at once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.comparison.conftest import Agent
from workbench.comparison.concurrency import fitting
from workbench.definition.agent import BashServer

GIGABYTE = 1 << 30


@pytest.mark.parametrize(
    ("cpus", "memory", "runs"), [(1, 64, 3), (2, 64, 4), (8, 64, 16), (8, 5, 5), (8, 2, 2), (2, 0, 1)]
)
def test_sandboxes_take_processors_and_memory(agent: Agent, cpus: int, memory: int, runs: int) -> None:
    definition = replace(agent.sitting().definition, servers=(BashServer(),))
    assert fitting(definition, cpus, memory * GIGABYTE) == runs


def test_without_a_sandbox_it_is_waiting_only(agent: Agent) -> None:
    assert fitting(agent.sitting().definition, 1, 0) == 8


def test_this_machine_bears_something(agent: Agent) -> None:
    assert fitting(replace(agent.sitting().definition, servers=(BashServer(),))) >= 1
