"""How many runs of a comparison may go on at once on this machine."""

from __future__ import annotations

import os
from pathlib import Path

from workbench.definition.agent import AgentDefinition
from workbench.sitting.workplace import needs_sandbox

_WITHOUT_SANDBOX = 8
_FEWEST = 3
_FOR_EACH_CPU = 2


def fitting(definition: AgentDefinition, cpus: int | None = None, memory_bytes: int | None = None) -> int:
    """How many runs at once this machine bears: most of a run is waiting for the model.

    Sandboxes take two runs for each processor, but at least three, and no more than the memory holds if each takes all
    that `container.memory` allows. `cpus` and `memory_bytes` (free) are this machine's unless they are given.
    """
    if not needs_sandbox(definition):
        return _WITHOUT_SANDBOX
    cpus = cpus or os.cpu_count() or 1
    free = _free_memory() if memory_bytes is None else memory_bytes
    return max(1, min(max(_FEWEST, cpus * _FOR_EACH_CPU), free // definition.container.memory_bytes))


def _free_memory() -> int:
    """Bytes of memory that new programs can have; a large number where the system does not tell."""
    try:
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
        kilobytes = next(line.split()[1] for line in lines if line.startswith("MemAvailable:"))
        return int(kilobytes) * 1024
    except (OSError, ValueError, StopIteration):
        return 1 << 40
