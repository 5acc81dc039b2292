from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from workbench.definition.agent import ContainerSettings
from workbench.sandbox import living_container
from workbench.sandbox.daemon import DaemonError
from workbench.sandbox.docker_engine import DockerEngine
from workbench.sandbox.hijack import AttachedStream, ContainerEvents, Endpoint
from workbench.sandbox.hijack import attach as attach_to
from workbench.sandbox.living_container import LivingContainer


class FakeDaemon:
    """A daemon with one container: what is attached and listened to are real streams, over a Unix socket."""

    def __init__(self, folder: Path) -> None:
        self.endpoint = Endpoint("1.41", socket=str(folder / "docker.sock"))
        self.output = asyncio.Queue[bytes | None]()
        self.events = asyncio.Queue[bytes | None]()
        self.ends_on_eof = True
        self.calls: list[str] = []
        self.start_error: DaemonError | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if b"/attach" in head:
            writer.write(b"HTTP/1.1 101 UPGRADED\r\n\r\n")
            asyncio.get_running_loop().create_task(self.input_of(reader))
            queue = self.output
        else:
            writer.write(b"HTTP/1.0 200 OK\r\n\r\n")
            queue = self.events
        while (data := await queue.get()) is not None:
            writer.write(data)
        writer.close()

    async def input_of(self, reader: asyncio.StreamReader) -> None:
        while await reader.read(1000):
            pass
        self.calls.append("eof")
        if self.ends_on_eof:
            self.die(0)

    def say(self, data: bytes) -> None:
        self.output.put_nowait(struct.pack(">BxxxL", 1, len(data)) + data)

    def tell(self, action: str, **attributes: str) -> None:
        self.events.put_nowait(json.dumps({"Action": action, "Actor": {"Attributes": attributes}}).encode() + b"\n")

    def die(self, exit_code: int) -> None:
        self.output.put_nowait(None)
        self.tell("die", exitCode=str(exit_code))
        self.tell("destroy")
        self.events.put_nowait(None)

    # what LivingContainer needs of the engine

    async def attach(self, container: str) -> AttachedStream:
        return await attach_to(self.endpoint, container)

    async def listen(self, container: str) -> ContainerEvents:
        return await ContainerEvents.of(self.endpoint, container)

    async def start(self, _: str) -> None:
        self.calls.append("start")
        if self.start_error is not None:
            raise self.start_error

    async def remove(self, _: str) -> None:
        self.calls.append("remove")


class Engine:
    def __init__(self, daemon: FakeDaemon) -> None:
        self.attach = daemon.attach
        self.events = daemon.listen
        self.start = daemon.start
        self.remove = daemon.remove


@asynccontextmanager
async def running(folder: Path, **settings: Any) -> AsyncIterator[tuple[LivingContainer, FakeDaemon]]:
    daemon = FakeDaemon(folder)
    server = await asyncio.start_unix_server(daemon.serve, folder / "docker.sock")
    container = LivingContainer(cast(DockerEngine, Engine(daemon)), "c1", ContainerSettings(**settings))
    async with server:
        await container.start()
        yield container, daemon
        daemon.output.put_nowait(None)
        daemon.events.put_nowait(None)
        await container.close()


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(living_container, "_END_SECONDS", 0.2)
    monkeypatch.setattr(living_container, "_REASON_SECONDS", 0.2)
    monkeypatch.setattr(living_container, "_MEMORY_SECONDS", 0.01)


async def test_output_passes_through(tmp_path: Path) -> None:
    async with running(tmp_path) as (container, daemon):
        daemon.say(b"hello")
        assert await container.read() == b"hello"
        assert container.ended is None


async def test_the_end_is_told_with_its_reason_first(tmp_path: Path) -> None:
    reasons: list[str] = []
    async with running(tmp_path) as (container, daemon):
        container.listen(reasons.append, reasons.append)
        daemon.ends_on_eof = False
        daemon.output.put_nowait(None)
        reading = asyncio.create_task(container.read())
        await asyncio.sleep(0.05)
        assert not reading.done()
        daemon.tell("die", exitCode="137")
        assert await reading == b""
        assert container.ended == "it was killed from outside of the workbench (exit code 137)"
        assert reasons == [container.ended]


async def test_an_end_without_a_reason_is_an_end(tmp_path: Path) -> None:
    async with running(tmp_path) as (container, daemon):
        daemon.ends_on_eof = False
        daemon.output.put_nowait(None)
        assert await container.read() == b""
        assert container.ended is None


async def test_who_listens_late_hears_it_too(tmp_path: Path) -> None:
    reasons: list[str] = []
    async with running(tmp_path) as (container, daemon):
        daemon.die(2)
        await container.reason()
        container.listen(reasons.append, reasons.append)
        assert "kernel crashed" in reasons[0]


async def test_a_kill_for_memory_that_is_survived_is_a_notice(tmp_path: Path) -> None:
    notices: list[str] = []
    async with running(tmp_path, memory_bytes=256 << 20) as (container, daemon):
        container.listen(lambda _: None, notices.append)
        daemon.tell("oom")
        await asyncio.sleep(0.1)
        assert "256 MiB" in notices[0]
        assert container.ended is None


async def test_a_kill_for_memory_that_is_not_survived_is_the_reason(tmp_path: Path) -> None:
    notices: list[str] = []
    async with running(tmp_path, memory_bytes=256 << 20) as (container, daemon):
        container.listen(lambda _: None, notices.append)
        daemon.tell("oom")
        daemon.die(137)
        assert "out of memory" in str(await container.reason())
        await asyncio.sleep(0.05)
        assert notices == []


async def test_removing_ends_the_input_and_waits(tmp_path: Path) -> None:
    ends: list[str] = []
    async with running(tmp_path) as (container, daemon):
        container.listen(ends.append, ends.append)
        await container.remove()
        assert daemon.calls == ["start", "eof"]
        assert ends == []
        assert container.ended is None


async def test_what_does_not_obey_is_killed(tmp_path: Path) -> None:
    async with running(tmp_path) as (container, daemon):
        daemon.ends_on_eof = False
        await container.remove()
        assert daemon.calls == ["start", "eof", "remove"]


async def test_a_lost_connection_to_the_daemon_is_made_sure_of(tmp_path: Path) -> None:
    async with running(tmp_path) as (container, daemon):
        daemon.ends_on_eof = False
        daemon.events.put_nowait(None)
        await container.remove()
        assert daemon.calls[-1] == "remove"


async def test_what_never_started_is_removed(tmp_path: Path) -> None:
    daemon = FakeDaemon(tmp_path)
    container = LivingContainer(cast(DockerEngine, Engine(daemon)), "c1", ContainerSettings())
    with pytest.raises(DaemonError):
        await container.start()
    await container.remove()
    assert daemon.calls == ["remove"]
    with pytest.raises(ConnectionError):
        await container.write(b"x")


async def test_only_the_first_reason_counts(tmp_path: Path) -> None:
    async with running(tmp_path) as (container, daemon):
        container.end("its tools could not be stopped")
        daemon.die(137)
        assert await container.reason() == "its tools could not be stopped"
