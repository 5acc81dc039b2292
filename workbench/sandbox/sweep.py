"""Removing what processes that are gone left behind: containers of sandboxes, and workspaces."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from workbench.sandbox.daemon import DaemonError
from workbench.sandbox.docker_engine import DockerEngine
from workbench.sandbox.ownership import OWNER_LABEL, owner_of
from workbench.sandbox.threads import in_thread
from workbench.sandbox.workspaces import is_gone, sweep_workspaces

_DELETE_SECONDS: Final = 900.0
_REMOVE_SECONDS: Final = 10.0
_PATIENCE: Final = 15
_PAUSE_SECONDS: Final = 0.2
_ENDING: Final = frozenset({"running", "removing"})
"""What ends by itself in a moment, because its process is gone; to remove it meanwhile can leave its shim behind."""
_log = logging.getLogger(__name__)


async def sweep(engine: DockerEngine, folder: Path | None = None) -> int:
    """Remove abandoned containers, then the abandoned workspaces of the agent in `folder`; gives how many there were.

    Sandboxes end with their process by themselves, so there is seldom anything. What belongs to a process that lives,
    or that may live in another container or on another machine, is left alone. What cannot be removed now is left to
    the next time.

    Raises:
        DaemonError: the daemon did not answer.
    """
    containers = await _abandoned(engine)
    first = len(containers)
    for _ in range(_PATIENCE):
        if not any(found.get("State") in _ENDING for found in containers):
            break
        await asyncio.sleep(_PAUSE_SECONDS)
        containers = await _abandoned(engine)
    removed = first - len(containers)
    removed += sum(await asyncio.gather(*(_removed(engine, str(found["Id"])) for found in containers)))
    if folder is not None:
        removed += await in_thread(lambda: sweep_workspaces(folder), _DELETE_SECONDS, "sweep workspaces")
    return removed


async def _abandoned(engine: DockerEngine) -> Sequence[Mapping[str, Any]]:
    return [found for found in await engine.list([OWNER_LABEL]) if is_abandoned(found, time.time())]


async def _removed(engine: DockerEngine, container: str) -> bool:
    try:
        async with asyncio.timeout(_REMOVE_SECONDS):
            await engine.remove(container)
    except (DaemonError, TimeoutError) as error:
        _log.warning("the abandoned container %s could not be removed: %s", container[:12], error)
        return False
    return True


def is_abandoned(container: Mapping[str, Any], now: float) -> bool:
    """Whether a container of the daemon's list belongs to no process any more. `now` is in seconds since the epoch."""
    owner = owner_of(container.get("Labels") or {})
    age = now - float(container.get("Created") or now)
    return owner is not None and is_gone(owner, age)
