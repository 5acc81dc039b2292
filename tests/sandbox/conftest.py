"""Sandboxes for the tests that need Docker: WORKBENCH_TEST_IMAGE and WORKBENCH_TEST_RUNTIME choose another one."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from workbench.definition.agent import ContainerSettings, NetworkPolicy
from workbench.sandbox.docker_engine import DockerEngine
from workbench.sandbox.docker_sandbox import DockerSandbox
from workbench.sandbox.image import resolve_image
from workbench.sandbox.runtime_choice import VerdictFile, choose_runtime, container_probe
from workbench.sandbox.sandbox import SandboxSpec
from workbench.sandbox.snapshots import WorkspaceSnapshots


@pytest.fixture(scope="session")
def engine() -> Iterator[DockerEngine]:
    connected = asyncio.run(DockerEngine.connect())
    yield connected
    connected.close()


@pytest.fixture(scope="session")
def image() -> str:
    return os.environ.get("WORKBENCH_TEST_IMAGE") or resolve_image(ContainerSettings(), Path.cwd()).id


@pytest.fixture(scope="session")
def runtime(engine: DockerEngine, image: str) -> str:
    probe = container_probe(engine.client, image, engine.facts.kernel)
    return choose_runtime(engine.facts, os.environ.get("WORKBENCH_TEST_RUNTIME"), probe, VerdictFile())


class Sandboxes:
    """Starts sandboxes of an agent in `folder`, and closes them at the end of the test."""

    def __init__(self, engine: DockerEngine, image: str, runtime: str, folder: Path) -> None:
        self.engine = engine
        self.image = image
        self.runtime = runtime
        self.folder = folder
        self.snapshots = WorkspaceSnapshots(folder / "snapshots")
        self.started: list[DockerSandbox] = []

    def spec(self, *, workspace: Path | None = None, source: Path | None = None, **container: Any) -> SandboxSpec:
        return SandboxSpec(
            agent="test",
            folder=self.folder,
            container=ContainerSettings(**container),
            network=NetworkPolicy(),
            workspace=workspace,
            source=source,
            env={"GREETING": "hello"},
        )

    async def start(self, spec: SandboxSpec | None = None, *, runtime: str | None = None) -> DockerSandbox:
        sandbox = await DockerSandbox.start(
            spec or self.spec(),
            engine=self.engine,
            image_id=self.image,
            image="test image",
            runtime=runtime or self.runtime,
            snapshots=self.snapshots,
        )
        self.started.append(sandbox)
        return sandbox


@pytest.fixture
async def sandboxes(engine: DockerEngine, image: str, runtime: str, tmp_path: Path) -> AsyncIterator[Sandboxes]:
    made = Sandboxes(engine, image, runtime, tmp_path)
    yield made
    await asyncio.gather(*(sandbox.close() for sandbox in made.started))
