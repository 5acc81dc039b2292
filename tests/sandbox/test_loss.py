from __future__ import annotations

import pytest

from workbench.definition.agent import ContainerSettings
from workbench.sandbox.loss import size, why_it_died

SETTINGS = ContainerSettings(memory_bytes=512 << 20, pids=77)


@pytest.mark.parametrize(
    ("exit_code", "out_of_memory", "words", "telling"),
    [
        (137, True, "", "512 MiB"),
        (2, True, "", "out of memory"),
        (2, False, "", "container.pids in agent.yaml is 77"),
        (137, False, "", "killed from outside"),
        (1, False, "Traceback\nOSError: no luck", "exit code 1: OSError: no luck"),
        (2, False, "usage: guest", "exit code 2: usage: guest"),
        (0, False, "", "exit code 0"),
    ],
)
def test_the_reason_names_the_limit_or_the_cause(exit_code: int, out_of_memory: bool, words: str, telling: str) -> None:
    assert telling in why_it_died(exit_code, out_of_memory, SETTINGS, words)


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 bytes"), (1023, "1023 bytes"), (1024, "1 KiB"), (1536 << 20, "1.5 GiB"), (10 << 30, "10 GiB")],
)
def test_sizes_are_written_as_people_write_them(count: int, text: str) -> None:
    assert size(count) == text
