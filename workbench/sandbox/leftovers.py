"""Containers and volumes that live for one call only: how they are marked, and removing what a crash left of them."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from workbench.sandbox.ownership import OWNER_LABEL, owner_of
from workbench.sandbox.workspaces import is_gone
from workbench.trace.owner import current_owner

if TYPE_CHECKING:
    from docker import DockerClient

TEMPORARY_LABEL: Final = "agent-workbench.temporary"
"""What the container or volume is for: `look` or `packages`."""


def temporary_labels(purpose: str) -> Mapping[str, str]:
    """Labels for a container or volume that this process removes itself, and a sweep if it cannot any more."""
    return {TEMPORARY_LABEL: purpose, OWNER_LABEL: json.dumps(asdict(current_owner()))}


def remove_leftovers(client: DockerClient) -> int:
    """Remove what processes that are gone left behind, such as when they were killed; gives how many there were.

    Raises:
        docker.errors.DockerException, OSError: the daemon did not answer.
    """
    from docker.errors import APIError

    api: Any = client.api
    filters = {"label": TEMPORARY_LABEL}
    removed = 0
    for container in api.containers(all=True, filters=filters):
        if _abandoned(container.get("Labels"), float(container.get("Created") or time.time())):
            try:
                api.remove_container(container["Id"], force=True, v=True)
                removed += 1
            except APIError:
                continue  # another process is removing it
    for volume in api.volumes(filters=filters).get("Volumes") or []:
        if _abandoned(volume.get("Labels"), datetime.fromisoformat(volume["CreatedAt"]).timestamp()):
            try:
                api.remove_volume(volume["Name"], force=True)
                removed += 1
            except APIError:
                continue
    return removed


def _abandoned(labels: Mapping[str, str] | None, created: float) -> bool:
    owner = owner_of(labels or {})
    return owner is not None and is_gone(owner, time.time() - created)
