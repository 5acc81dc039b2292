"""A sandbox as a Docker container: brought up, proven, watched while it lives, removed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

from workbench.sandbox.container import PROXY_PORT, ToolUser, container_body
from workbench.sandbox.daemon import DaemonError
from workbench.sandbox.disk_watchdog import DiskWatchdog, Excess
from workbench.sandbox.docker_engine import DockerEngine
from workbench.sandbox.egress.policy import EgressPolicy
from workbench.sandbox.egress.proxy import EgressProxy
from workbench.sandbox.guest.launch import command
from workbench.sandbox.guest_files import guest_folder
from workbench.sandbox.hijack import AttachedStream, ContainerEvents, OutOfMemory
from workbench.sandbox.link import Link
from workbench.sandbox.loss import size, why_it_died
from workbench.sandbox.ownership import owner_labels
from workbench.sandbox.proof import proof_of, refuse_unproven
from workbench.sandbox.sandbox import Gauges, Proof, SandboxError, SandboxSpec, WorkspaceSnapshot
from workbench.sandbox.streams import ByteStream
from workbench.sandbox.threads import in_thread
from workbench.sandbox.workspaces import discard_workspace, give_all, keep_workspace, new_workspace
from workbench.trace.events import Egress, Notice

if TYPE_CHECKING:
    from mcp.client._transport import Transport

_READY_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 1.0
_GAUGE_SECONDS: Final = 5.0
_FILES_SECONDS: Final = 600.0
_DEATH_SECONDS: Final = 2.0
_GOODBYE_SECONDS: Final = 0.5
_MEMORY_NOTICE_SECONDS: Final = 1.0


class Snapshots(Protocol):
    """The store of an agent's workspace snapshots. Both calls block."""

    def take(self, workspace: Path) -> WorkspaceSnapshot:
        """Record a workspace as it is now."""
        ...

    def restore(self, digest: str, into: Path) -> None:
        """Make a folder what the workspace was at a snapshot."""
        ...


class DockerSandbox:
    """A running sandbox. It implements `workbench.sandbox.sandbox.Sandbox`; made by `start`.

    When it is in trouble it is given up and never repaired: `lost` tells why, and the caller starts another one.
    """

    def __init__(
        self, spec: SandboxSpec, engine: DockerEngine, image: str, snapshots: Snapshots, workspace: Path, container: str
    ) -> None:
        self._spec = spec
        self._engine = engine
        self._image = image
        self._snapshots = snapshots
        self._workspace = workspace
        self._container = container
        self._user = ToolUser.current()
        self._lost: str | None = None
        self._closed = False
        self._out_of_memory = False
        self._death = asyncio.Event()
        self._files = asyncio.Lock()
        self._egress_listeners: list[Callable[[Egress], None]] = []
        self._notice_listeners: list[Callable[[Notice], None]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._watchdog: DiskWatchdog | None = None
        self._stream: AttachedStream | None = None
        self._link: Link | None = None
        self._proof: Proof | None = None
        self._started_at: datetime | None = None

    @classmethod
    async def start(
        cls, spec: SandboxSpec, *, engine: DockerEngine, image_id: str, image: str, runtime: str, snapshots: Snapshots
    ) -> DockerSandbox:
        """Create a sandbox, wait until its guest is ready, and prove it.

        `image_id` is what the container is made from and must be there, `image` is what a person calls it; `runtime`
        is the daemon's runtime to use, see `choose_runtime`.

        Raises:
            SandboxError: it could not be started or proven. Nothing of it is left.
        """
        user = ToolUser.current()
        workspace, guest = await in_thread(lambda: (_workspace_of(spec, user), guest_folder()), _READY_SECONDS)
        body = container_body(
            spec,
            image=image_id,
            runtime=runtime,
            workspace=workspace,
            guest=guest,
            command=command(user.uid, user.gid, PROXY_PORT),
            labels=owner_labels(spec.agent),
        )
        try:
            container = await engine.create(body)
        except BaseException:
            _discard_own(spec, workspace)
            raise
        sandbox = cls(spec, engine, image, snapshots, workspace, container)
        try:
            await sandbox._bring_up(runtime)
        except BaseException:
            with contextlib.suppress(SandboxError):
                await asyncio.shield(asyncio.ensure_future(sandbox.close()))
            _discard_own(spec, workspace)
            raise
        return sandbox

    async def _bring_up(self, runtime: str) -> None:
        policy = EgressPolicy.from_network(self._spec.network)
        self._stream = await self._engine.attach(self._container)
        self._in_background(self._watch(await self._engine.events(self._container)))
        await self._engine.start(self._container)
        proxy = EgressProxy(policy, self._tell_egress)
        try:
            stream = _StreamUntilDeath(self._stream, self._death)
            self._link = await Link.start(stream, proxy.serve, _READY_SECONDS)
        except (SandboxError, OSError, EOFError) as error:
            raise SandboxError(f"The sandbox did not start: {await self._why_not_ready(error)}.") from error
        details = await self._engine.inspect(self._container)
        recorded = str(details["HostConfig"].get("Runtime") or "")
        self._proof = proof_of(self._link.ready, recorded, self._engine.facts.kernel)
        self._started_at = _parse_time(str(details["State"]["StartedAt"]))
        refuse_unproven(self._proof, runtime, self._spec.runtime)

    async def _why_not_ready(self, error: BaseException) -> str:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GOODBYE_SECONDS):
                await self._death.wait()
        said = self._stream.standard_error if self._stream is not None else ""
        return self._lost or f"{error}{': ' + said.splitlines()[-1] if said else ''}"

    async def _watch(self, events: ContainerEvents) -> None:
        """Listen to what the daemon says of the container until it ends."""
        try:
            async for event in events:
                if isinstance(event, OutOfMemory):
                    self._out_of_memory = True
                    asyncio.get_running_loop().call_later(_MEMORY_NOTICE_SECONDS, self._tell_of_killed_process)
                else:
                    words = self._stream.standard_error if self._stream is not None else ""
                    self._lose(why_it_died(event.exit_code, self._out_of_memory, self._spec.container, words))
        finally:
            self._death.set()
            await events.close()

    def _lose(self, reason: str) -> None:
        if self._closed or self._lost is not None:
            return
        self._lost = reason
        if self._watchdog is not None:
            self._watchdog.stop()
        if self._link is not None:
            self._link.abort(reason)

    def _tell_of_killed_process(self) -> None:
        if not self._closed and self._lost is None:
            limit = size(self._spec.container.memory_bytes)
            self._tell(f"a process of a tool was killed, because the sandbox reached its memory limit of {limit}")
            self._out_of_memory = False

    def _tell(self, text: str) -> None:
        for listener in self._notice_listeners:
            listener(Notice("limit", text, "warning"))

    def _tell_egress(self, egress: Egress) -> None:
        for listener in self._egress_listeners:
            listener(egress)

    def _in_background(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @property
    def container_id(self) -> str:
        """The Docker container's id."""
        return self._container

    @property
    def image(self) -> str:
        """The image's name and short id."""
        return self._image

    @property
    def proof(self) -> Proof:
        """What was seen from inside."""
        if self._proof is None:
            raise RuntimeError("the sandbox has not been brought up")
        return self._proof

    @property
    def workspace(self) -> Path:
        """The host folder that is /workspace inside."""
        return self._workspace

    @property
    def started_at(self) -> datetime:
        """When the container started, in UTC."""
        if self._started_at is None:
            raise RuntimeError("the sandbox has not been brought up")
        return self._started_at

    @property
    def lost(self) -> str | None:
        """Why the sandbox is gone (crashed, killed, out of memory), None while it lives."""
        if self._lost is None and not self._closed and self._link is not None:
            return self._link.lost
        return self._lost

    def builtin(self, server: Literal["bash", "filesystem"]) -> Transport:
        """A transport to a built-in MCP server of the guest."""
        return self._used().builtin(server)

    def spawn(self, command: Sequence[str], env: Mapping[str, str], on_stderr: Callable[[str], None]) -> Transport:
        """Start an MCP server over stdio inside; leaving the context stops it with all its children."""
        return self._used().spawn(command, env, on_stderr)

    def on_egress(self, listener: Callable[[Egress], None]) -> None:
        """Hear of each attempt to leave the sandbox, once it is over."""
        self._egress_listeners.append(listener)

    def on_notice(self, listener: Callable[[Notice], None]) -> None:
        """Hear of what the sandbox did on its own: tools stopped because a limit was reached."""
        self._notice_listeners.append(listener)

    def _linked(self) -> Link:
        if self._link is None:
            raise RuntimeError("the sandbox has not been brought up")
        return self._link

    def _used(self) -> Link:
        """The link, now that tools will run: from here on, the disk is watched."""
        if self._watchdog is None and not self._closed:
            loop = asyncio.get_running_loop()

            def from_thread(excess: Excess) -> None:
                with contextlib.suppress(RuntimeError):  # the loop has ended
                    loop.call_soon_threadsafe(lambda: self._in_background(self._bound_disk(excess)))

            self._watchdog = DiskWatchdog(self._workspace, self._spec.container.disk_bytes, from_thread)
            self._watchdog.start()
        return self._linked()

    async def _bound_disk(self, excess: Excess) -> None:
        if self._closed or self._lost is not None:
            return
        if excess.stop:
            self._tell(f"the tools were stopped: {excess.text}")
            with contextlib.suppress(SandboxError):
                await self.stop_tools()
        else:
            self._tell(excess.text)

    async def gauges(self) -> Gauges:
        """Read the gauges.

        Raises:
            SandboxError: the sandbox is lost or does not answer.
        """
        answer = await self._ask("gauges", _GAUGE_SECONDS)
        memory, seconds = answer.get("memory_bytes"), answer.get("cpu_seconds")
        return Gauges(
            cwd=str(answer.get("cwd") or ""),
            memory_bytes=int(memory) if isinstance(memory, int | float) else None,
            cpu_seconds=float(seconds) if isinstance(seconds, int | float) else None,
        )

    async def snapshot(self) -> WorkspaceSnapshot:
        """Record the workspace as it is now; also after the sandbox was lost.

        Raises:
            SandboxError: it could not be recorded.
        """
        return await self._with_files(lambda: self._snapshots.take(self._workspace), "recorded")

    async def restore(self, digest: str) -> None:
        """Make the workspace what it was at a snapshot; call it before any tool runs.

        Raises:
            SandboxError: there is no such snapshot, or it could not be written.
        """

        def write() -> None:
            self._snapshots.restore(digest, self._workspace)
            give_all(self._workspace, self._user)

        await self._with_files(write, f"restored to {digest[:12]}")

    async def _with_files(self, work: Callable[[], Any], done: str) -> Any:
        async with self._files:
            try:
                return await in_thread(work, _FILES_SECONDS, "workspace files")
            except (OSError, TimeoutError) as error:
                raise SandboxError(f"The workspace {self._workspace} could not be {done}: {error}") from error

    async def stop_tools(self) -> None:
        """Kill every process of the tool user, within a second; if that fails, the whole sandbox.

        Raises:
            SandboxError: the sandbox was lost, now or before.
        """
        try:
            await self._ask("stop", _STOP_SECONDS)
        except SandboxError:
            self._lose("its guest did not stop the tools within a second, so it was removed")
            await self._engine.remove(self._container)
            raise

    async def _ask(self, operation: str, seconds: float) -> Mapping[str, Any]:
        if self.lost is not None:
            raise SandboxError(f"The sandbox is lost: {self.lost}.")
        try:
            async with asyncio.timeout(seconds):
                answer: Mapping[str, Any] = await self._linked().control(operation)
                return answer
        except TimeoutError as error:
            raise SandboxError(f"The sandbox did not answer to {operation!r} within {seconds:g} s.") from error
        except (OSError, EOFError) as error:
            raise SandboxError(f"The sandbox did not answer to {operation!r}: {self.lost or error}.") from error

    async def close(self) -> None:
        """Remove the container; the workspace stays.

        Raises:
            DaemonError: Docker could not remove it; the next start of the program tries again.
        """
        if self._closed:
            return
        self._closed = True
        if self._watchdog is not None:
            self._watchdog.stop()
        removing = asyncio.ensure_future(self._engine.remove(self._container))
        try:
            with contextlib.suppress(TimeoutError, SandboxError, OSError):
                async with asyncio.timeout(_GOODBYE_SECONDS):
                    if self._link is not None:
                        await self._link.close()
            if self._stream is not None:
                await self._stream.close()
            await asyncio.shield(removing)
        finally:
            for task in tuple(self._tasks):
                task.cancel()


class _StreamUntilDeath:
    """The guest's stream, whose end is told only after the daemon had the time to say why the container ended."""

    def __init__(self, stream: AttachedStream, death: asyncio.Event) -> None:
        self._stream = stream
        self._death = death

    async def read(self, limit: int = 65536) -> bytes:
        """At most `limit` bytes; empty at the end."""
        try:
            data = await self._stream.read(limit)
        except ConnectionError:
            await self._hear_of_death()
            raise
        if not data:
            await self._hear_of_death()
        return data

    async def _hear_of_death(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_DEATH_SECONDS):
                await self._death.wait()

    async def write(self, data: bytes) -> None:
        """Send all of `data`."""
        await self._stream.write(data)

    async def write_eof(self) -> None:
        """Send no more."""
        await self._stream.write_eof()

    async def close(self) -> None:
        """Give the stream up."""
        await self._stream.close()


def _workspace_of(spec: SandboxSpec, user: ToolUser) -> Path:
    return new_workspace(spec.folder, user) if spec.workspace is None else keep_workspace(spec.workspace, user)


def _discard_own(spec: SandboxSpec, workspace: Path) -> None:
    if spec.workspace is None:
        discard_workspace(workspace)


def _parse_time(text: str) -> datetime:
    """Docker's time stamp, in UTC with nanoseconds."""
    try:
        return datetime.fromisoformat(text[:19]).replace(tzinfo=UTC)
    except ValueError as error:
        raise DaemonError(f"Docker gave a start time that is none: {text!r}") from error
