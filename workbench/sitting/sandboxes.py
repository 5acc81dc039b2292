"""The sandboxes of one sitting: the daemon, the runtime and the image that they share, found when first needed."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.sandbox.pool import SandboxPool
from workbench.sandbox.sandbox import SandboxError, SandboxSpec

if TYPE_CHECKING:
    from workbench.sandbox.docker_engine import DockerEngine
    from workbench.sandbox.docker_sandbox import DockerSandbox
    from workbench.sandbox.image import ImageRef
    from workbench.sandbox.snapshots import WorkspaceSnapshots

_IMAGE_SECONDS = 3600.0
_PROBE_SECONDS = 90.0


class Sandboxes:
    """Gives sandboxes for the agent in `folder`, warm where possible, and removes what earlier crashes left."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pool: SandboxPool[DockerSandbox] = SandboxPool(self._start)
        self._engine: asyncio.Task[DockerEngine] | None = None
        self._images: dict[str, asyncio.Task[ImageRef]] = {}
        self._runtimes: dict[str | None, str] = {}
        self._snapshots: WorkspaceSnapshots | None = None

    def prewarm(self, spec: SandboxSpec, count: int = 1) -> None:
        """Have `count` sandboxes for `spec` ready soon; returns at once."""
        self._pool.prewarm(spec, count)

    async def acquire(self, spec: SandboxSpec) -> DockerSandbox:
        """A sandbox for `spec` that is the caller's own.

        Raises:
            SandboxError: none could be had.
        """
        return await self._pool.acquire(spec)

    async def close(self) -> None:
        """Remove the sandboxes that nobody took, and let go of the daemon."""
        await self._pool.close()
        if self._engine is not None and self._engine.done() and not self._engine.cancelled():
            with contextlib.suppress(SandboxError):
                self._engine.result().close()

    async def _start(self, spec: SandboxSpec) -> DockerSandbox:
        from workbench.sandbox.docker_sandbox import DockerSandbox
        from workbench.sandbox.snapshots import WorkspaceSnapshots
        from workbench.trace.places import snapshots_folder, state_folder

        engine = await self._connected()
        image = await self._image(spec)
        runtime = await self._runtime(engine, spec.runtime, image.id)
        if self._snapshots is None:
            state_folder(self._folder)
            self._snapshots = WorkspaceSnapshots(snapshots_folder(self._folder))
        return await DockerSandbox.start(
            spec, engine=engine, image_id=image.id, image=image.name, runtime=runtime, snapshots=self._snapshots
        )

    async def _connected(self) -> DockerEngine:
        if self._engine is None or (self._engine.done() and self._engine.exception() is not None):
            self._engine = asyncio.create_task(self._connect())
        return await asyncio.shield(self._engine)

    async def _connect(self) -> DockerEngine:
        from workbench.sandbox.docker_engine import DockerEngine
        from workbench.sandbox.sweep import sweep

        engine = await DockerEngine.connect()
        await sweep(engine, self._folder)
        return engine

    async def _image(self, spec: SandboxSpec) -> ImageRef:
        from workbench.sandbox.image import resolve_image
        from workbench.sandbox.threads import in_thread

        key = repr(spec.container)
        task = self._images.get(key)
        if task is None or (task.done() and task.exception() is not None):
            work = in_thread(lambda: resolve_image(spec.container, spec.folder), _IMAGE_SECONDS, "resolve the image")
            task = self._images[key] = asyncio.create_task(work)
        return await asyncio.shield(task)

    async def _runtime(self, engine: DockerEngine, requested: str | None, image: str) -> str:
        from workbench.sandbox.builder import cache_folder
        from workbench.sandbox.runtime_choice import VerdictFile, choose_runtime, container_probe
        from workbench.sandbox.threads import in_thread

        if requested not in self._runtimes:
            probe = container_probe(engine.client, image, engine.facts.kernel)
            verdicts = VerdictFile(cache_folder() / "runtimes.json")
            self._runtimes[requested] = await in_thread(
                lambda: choose_runtime(engine.facts, requested, probe, verdicts), _PROBE_SECONDS, "choose a runtime"
            )
        return self._runtimes[requested]
