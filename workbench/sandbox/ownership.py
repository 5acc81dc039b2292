"""The labels that say which process a sandbox's container belongs to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Final

from workbench.trace.owner import Owner, current_owner

AGENT_LABEL: Final = "agent-workbench.sandbox"
"""On every sandbox's container: the agent's name."""
OWNER_LABEL: Final = "agent-workbench.owner"
"""On every sandbox's container: its process as JSON, see `Owner`."""


def owner_labels(agent: str) -> Mapping[str, str]:
    """The labels of a container that belongs to this process."""
    return {AGENT_LABEL: agent, OWNER_LABEL: json.dumps(asdict(current_owner()))}


def owner_of(labels: Mapping[str, str]) -> Owner | None:
    """The process that a container belongs to, None if its labels do not tell."""
    try:
        return Owner(**json.loads(labels.get(OWNER_LABEL, "")))
    except (ValueError, TypeError):
        return None
