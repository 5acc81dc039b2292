"""A sandbox as a Docker container: brought up, proven, used, removed."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeVar

from workbench.sandbox.container import PROXY_PORT, ToolUser, container_body
from workbench.sandbox.disk_watchdog import DiskWatchdog, Excess
from workbench.sandbox.docker_engine import DockerEngine
from workbench.sandbox.egress.policy import EgressPolicy, PatternError
from workbench.sandbox.egress.proxy import EgressProxy
from workbench.sandbox.guest.launch import command
from workbench.sandbox.guest_files import guest_folder
from workbench.sandbox.link import Link
from workbench.sandbox.living_container import LivingContainer
from workbench.sandbox.ownership import owner_labels
from workbench.sandbox.proof import proof_of, refuse_unproven
from workbench.sandbox.sandbox import Gauges, Proof, SandboxError, SandboxSpec, WorkspaceSnapshot
from workbench.sandbox.threads import in_thread
from workbench.sandbox.workspaces import discard_workspace, keep_workspace, new_workspace
from workbench.trace.events import Egress, Notice

if TYPE_CHECKING:
    from mcp.client._transport import Transport

T = TypeVar("T")

_READY_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 1.0
_GAUGE_SECONDS: Final = 5.0
_FILES_SECONDS: Final = 600.0


class Snapshots(Protocol):
    """The store of an agent's workspace snapshots. Both calls block."""

    def take(self, workspace: Path) -> WorkspaceSnapshot:
        """Record a workspace as it is now."""
        ...

    def restore(self, digest: str, into: Path, owner: tuple[int, int] | None = None) -> None:
        """Make an empty folder what the workspace was at a snapshot, all of it owned by `owner` (uid, gid)."""
        ...


@dataclass(frozen=True, slots=True)
class _Listeners:
    egress: list[Callable[[Egress], None]] = field(default_factory=list)
    notice: list[Callable[[Notice], None]] = field(default_factory=list)
    unheard: list[Egress] = field(default_factory=list)

    def tell_egress(self, egress: Egress) -> None:
        if not self.egress:  # servers of the agent may call out as they start, before anyone can listen
            self.unheard.append(egress)
        for listener in self.egress:
            listener(egress)

    def add_egress(self, listener: Callable[[Egress], None]) -> None:
        self.egress.append(listener)
        while self.unheard:
            listener(self.unheard.pop(0))

    def tell_notice(self, text: str) -> None:
        for listener in self.notice:
            listener(Notice("limit", text, "warning"))


class DockerSandbox:
    """A running sandbox. It implements `workbench.sandbox.sandbox.Sandbox`; made by `start`.

    When it is in trouble it is given up and never repaired: `lost` tells why, and the caller starts another one.
    """

    def __init__(
        self,
        *,
        container: LivingContainer,
        link: Link,
        proof: Proof,
        started_at: datetime,
        image: str,
        workspace: Path,
        disk_bytes: int,
        snapshots: Snapshots,
        listeners: _Listeners,
    ) -> None:
        self._container = container
        self._link = link
        self._proof = proof
        self._started_at = started_at
        self._image = image
        self._workspace = workspace
        self._disk_bytes = disk_bytes
        self._snapshots = snapshots
        self._listeners = listeners
        self._closed = False
        self._files = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._watchdog: DiskWatchdog | None = None
        self._removing: asyncio.Task[None] | None = None
        container.listen(self._container_ended, listeners.tell_notice)

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
        policy = _policy(spec)
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
        container: LivingContainer | None = None
        listeners = _Listeners()
        try:
            container = LivingContainer(engine, await _created(engine, body), spec.container)
            await container.start()
            link = await _linked(container, EgressProxy(policy, listeners.tell_egress))
            details = await container.inspect()
            proof = proof_of(link.ready, str(details["HostConfig"].get("Runtime") or ""), engine.facts.kernel)
            refuse_unproven(proof, runtime, spec.runtime)
        except BaseException:
            if container is not None:
                with contextlib.suppress(SandboxError):
                    await asyncio.shield(asyncio.ensure_future(container.remove()))
            if spec.workspace is None:
                discard_workspace(workspace)
            raise
        return cls(
            container=container,
            link=link,
            proof=proof,
            started_at=_parse_time(str(details["State"]["StartedAt"])),
            image=image,
            workspace=workspace,
            disk_bytes=spec.container.disk_bytes,
            snapshots=snapshots,
            listeners=listeners,
        )

    @property
    def container_id(self) -> str:
        """The Docker container's id."""
        return self._container.id

    @property
    def image(self) -> str:
        """The image's name and short id."""
        return self._image

    @property
    def proof(self) -> Proof:
        """What was seen from inside."""
        return self._proof

    @property
    def workspace(self) -> Path:
        """The host folder that is /workspace inside."""
        return self._workspace

    @property
    def started_at(self) -> datetime:
        """When the container started, in UTC."""
        return self._started_at

    @property
    def lost(self) -> str | None:
        """Why the sandbox is gone (crashed, killed, out of memory), None while it lives."""
        if self._closed:
            return self._container.ended
        return self._container.ended or self._link.lost

    def builtin(self, server: Literal["bash", "filesystem"]) -> Transport:
        """A transport to a built-in MCP server of the guest."""
        self._watch_disk()
        return self._link.builtin(server)

    def spawn(self, command: Sequence[str], env: Mapping[str, str], on_stderr: Callable[[str], None]) -> Transport:
        """Start an MCP server over stdio inside; leaving the context stops it with all its children."""
        self._watch_disk()
        return self._link.spawn(command, env, on_stderr)

    def on_egress(self, listener: Callable[[Egress], None]) -> None:
        """Hear of each attempt to leave the sandbox, once it is over; the first to ask hears of those before too."""
        self._listeners.add_egress(listener)

    def on_notice(self, listener: Callable[[Notice], None]) -> None:
        """Hear of what the sandbox did on its own: tools stopped because a limit was reached."""
        self._listeners.notice.append(listener)

    def _container_ended(self, reason: str) -> None:
        if self._watchdog is not None:
            self._watchdog.stop()
        self._link.abort(reason)

    def _watch_disk(self) -> None:
        """Watch the disk from here on, because now tools will run."""
        if self._watchdog is not None or self._closed:
            return
        loop = asyncio.get_running_loop()

        def from_thread(excess: Excess) -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(lambda: self._in_background(self._bound_disk(excess)))

        self._watchdog = DiskWatchdog(self._workspace, self._disk_bytes, from_thread)
        self._watchdog.start()

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _bound_disk(self, excess: Excess) -> None:
        if self._closed or self.lost is not None:
            return
        self._listeners.tell_notice(f"the tools are stopped: {excess.text}" if excess.stop else excess.text)
        if excess.stop:
            with contextlib.suppress(SandboxError):
                await self.stop_tools()

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
        """Make the workspace what it was at a snapshot; it must be empty, so call it before any tool runs.

        Raises:
            SandboxError: there is no such snapshot, or it could not be written.
        """
        user = ToolUser.current()
        owner = (user.uid, user.gid) if os.geteuid() == 0 else None
        await self._with_files(
            lambda: self._snapshots.restore(digest, self._workspace, owner), f"restored to {digest[:12]}"
        )

    async def _with_files(self, work: Callable[[], T], done: str) -> T:
        async with self._files:
            try:
                return await in_thread(work, _FILES_SECONDS, "workspace files")
            except (OSError, TimeoutError) as error:
                raise SandboxError(f"The workspace {self._workspace} could not be {done}: {error}") from error

    async def stop_tools(self) -> None:
        """Kill every process of the tool user, within a second; if that fails, give the sandbox up.

        Raises:
            SandboxError: the sandbox was lost, now or before.
        """
        try:
            answer = await self._ask("stop_tools", _STOP_SECONDS)
            if answer.get("left"):
                raise SandboxError(f"{answer['left']} processes of tools could not be stopped.")
        except SandboxError:
            self._container.end("its tools could not be stopped within a second, so it was removed")
            self._removal()
            raise

    async def end_egress(self) -> None:
        """Let nothing out any more; when it returns, every attempt has been told of."""
        await self._link.end_connections()

    def _removal(self) -> asyncio.Task[None]:
        """The removal of the container, begun by whoever needs it first."""
        if self._removing is None:
            self._removing = asyncio.create_task(self._container.remove())
            self._removing.add_done_callback(lambda task: task.cancelled() or task.exception())
        return self._removing

    async def _ask(self, operation: str, seconds: float) -> Mapping[str, Any]:
        if self.lost is not None:
            raise SandboxError(f"The sandbox is lost: {self.lost}.")
        try:
            return await self._link.control(operation, timeout=seconds)
        except TimeoutError as error:
            raise SandboxError(f"The sandbox did not answer to {operation!r} within {seconds:g} s.") from error
        except (OSError, EOFError) as error:
            raise SandboxError(f"The sandbox did not answer to {operation!r}: {self.lost or error}.") from error

    async def close(self) -> None:
        """Remove the container; the workspace stays.

        Raises:
            DaemonError: Docker could not remove it; the next start of the program tries again.
        """
        if not self._closed:
            self._closed = True
            if self._watchdog is not None:
                self._watchdog.stop()
            self._link.abort("the sandbox was closed")
            for task in tuple(self._tasks):
                task.cancel()
        await asyncio.shield(self._removal())


def _policy(spec: SandboxSpec) -> EgressPolicy:
    try:
        return EgressPolicy.from_network(spec.network)
    except PatternError as error:
        raise SandboxError(f"network in agent.yaml: {error}") from error


async def _created(engine: DockerEngine, body: Mapping[str, Any]) -> str:
    """The id of a new container, which does not stay behind if its creation is cancelled."""
    creating = asyncio.ensure_future(engine.create(body))
    try:
        return await asyncio.shield(creating)
    except asyncio.CancelledError:
        with contextlib.suppress(SandboxError):
            await engine.remove(await creating)
        raise


async def _linked(container: LivingContainer, proxy: EgressProxy) -> Link:
    try:
        return await Link.start(container, proxy.serve, timeout=_READY_SECONDS)
    except (SandboxError, OSError, EOFError) as error:
        reason = await container.reason() or ": ".join([str(error), *container.last_words.splitlines()[-1:]])
        raise SandboxError(f"The sandbox did not start: {reason}.") from error


def _workspace_of(spec: SandboxSpec, user: ToolUser) -> Path:
    return new_workspace(spec.folder, user) if spec.workspace is None else keep_workspace(spec.workspace, user)


def _parse_time(text: str) -> datetime:
    """Docker's time stamp: in UTC, with nanoseconds."""
    return datetime.fromisoformat(text[:26].rstrip("Z")).replace(tzinfo=UTC)
