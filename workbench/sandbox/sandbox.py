"""The one interface between the engine and the sandbox that a run's tools execute in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from workbench.definition.agent import ContainerSettings, NetworkPolicy
from workbench.trace.events import Egress, FileChange, Notice

if TYPE_CHECKING:
    from mcp.client._transport import Transport


@dataclass(frozen=True, slots=True)
class Proof:
    """What was seen from inside the sandbox. `gvisor` is True only if all of it fits gVisor and none the host."""

    gvisor: bool
    runtime: str
    kernel: str
    host_kernel: str
    boot_message: str
    interfaces: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class SandboxSpec:
    """All that a sandbox is made from; two equal specs may share a warm sandbox.

    `folder` is the agent's folder. `workspace` is the host folder that becomes /workspace, None for a fresh one of the
    sandbox's own; `source` is the one that becomes /source (read-only). `env` is resolved and may hold secrets that
    the user passed on purpose: never print it. `runtime` is the Docker runtime that the user chose, None for gVisor.
    """

    agent: str
    folder: Path
    container: ContainerSettings
    network: NetworkPolicy
    workspace: Path | None
    source: Path | None
    env: Mapping[str, str]
    runtime: str | None = None

    def __repr__(self) -> str:
        return f"SandboxSpec(agent={self.agent!r}, workspace={str(self.workspace)!r}, runtime={self.runtime!r})"


@dataclass(frozen=True, slots=True)
class Gauges:
    """Cheap readings of a running sandbox: the shell's directory, memory and CPU time of all its processes."""

    cwd: str
    memory_bytes: int | None
    cpu_seconds: float | None


@dataclass(frozen=True, slots=True)
class WorkspaceSnapshot:
    """The workspace's content by its digest, and what differs from the snapshot before it.

    `notes` tell a person what of the workspace the snapshot does not hold, such as files that cannot be read.
    """

    digest: str
    changed: Sequence[FileChange]
    notes: Sequence[str] = ()


class Sandbox(Protocol):
    """A running sandbox, proven, with an empty or restored workspace."""

    @property
    def container_id(self) -> str:
        """The Docker container's id."""
        ...

    @property
    def image(self) -> str:
        """The image's name and short id."""
        ...

    @property
    def proof(self) -> Proof:
        """What was seen from inside."""
        ...

    @property
    def workspace(self) -> Path:
        """The host folder that is /workspace inside."""
        ...

    @property
    def started_at(self) -> datetime:
        """When the container started, in UTC."""
        ...

    @property
    def lost(self) -> str | None:
        """Why the sandbox is gone (crashed, killed, out of memory), None while it lives."""
        ...

    def builtin(self, server: Literal["bash", "filesystem"]) -> Transport:
        """A transport to a built-in MCP server of the guest."""
        ...

    def spawn(self, command: Sequence[str], env: Mapping[str, str], on_stderr: Callable[[str], None]) -> Transport:
        """Start an MCP server over stdio inside; leaving the context stops it with all its children."""
        ...

    def on_egress(self, listener: Callable[[Egress], None]) -> None:
        """Hear of each attempt to leave the sandbox, once it is over; the first to ask hears of those before too."""
        ...

    async def end_egress(self) -> None:
        """Let nothing out any more; when it returns, every attempt has been told of."""
        ...

    def on_notice(self, listener: Callable[[Notice], None]) -> None:
        """Hear of what the sandbox did on its own: tools stopped because a limit was reached."""
        ...

    async def gauges(self) -> Gauges:
        """Read the gauges."""
        ...

    async def snapshot(self) -> WorkspaceSnapshot:
        """Record the workspace as it is now."""
        ...

    async def restore(self, digest: str) -> None:
        """Make the workspace what it was at a snapshot; call it before any tool runs.

        Raises:
            SandboxError: there is no such snapshot, or it could not be written.
        """
        ...

    async def stop_tools(self) -> None:
        """Kill every process of the tool user, within a second."""
        ...

    async def close(self) -> None:
        """Remove the container; the workspace stays."""
        ...


class SandboxError(Exception):
    """A sandbox could not be started, proven or kept. `str` tells a person what happened and what to do next."""
