"""Removing what processes that are gone left behind: containers of sandboxes, and workspaces."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from workbench.sandbox.docker_engine import DockerEngine
from workbench.sandbox.ownership import OWNER_LABEL, owner_of
from workbench.sandbox.threads import in_thread
from workbench.sandbox.workspaces import is_gone, sweep_workspaces

_DELETE_SECONDS: Final = 900.0


async def sweep(engine: DockerEngine, folder: Path | None = None) -> int:
    """Remove abandoned containers, then the abandoned workspaces of the agent in `folder`; gives how many there were.

    Sandboxes end with their process by themselves, so there is seldom anything. What belongs to a process that lives,
    or that may live in another container or on another machine, is left alone.

    Raises:
        DaemonError: the daemon did not answer, or a container could not be removed.
    """
    containers = [found for found in await engine.list([OWNER_LABEL]) if is_abandoned(found, time.time())]
    outcomes = await asyncio.gather(*(engine.remove(str(found["Id"])) for found in containers), return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    workspaces = 0
    if folder is not None:
        workspaces = await in_thread(lambda: sweep_workspaces(folder), _DELETE_SECONDS, "sweep workspaces")
    return len(containers) + workspaces


def is_abandoned(container: Mapping[str, Any], now: float) -> bool:
    """Whether a container of the daemon's list belongs to no process any more. `now` is in seconds since the epoch."""
    owner = owner_of(container.get("Labels") or {})
    age = now - float(container.get("Created") or now)
    return owner is not None and is_gone(owner, age)
