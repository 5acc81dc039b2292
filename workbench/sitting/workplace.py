"""Where the runs of a sitting work: sandboxes from a warm pool, and a toolbox opened in each."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.definition.agent import AgentDefinition, BashServer, FilesystemServer, McpStdioServer
from workbench.sandbox.sandbox import SandboxError, SandboxSpec
from workbench.sitting.sandboxes import Sandboxes
from workbench.tools.opening import open_toolbox
from workbench.tools.toolbox import NoticeSink, Toolbox
from workbench.trace.places import STATE_FOLDER

if TYPE_CHECKING:
    import httpx2

    from workbench.sandbox.docker_sandbox import DockerSandbox

_IN_SANDBOX = (FilesystemServer, BashServer, McpStdioServer)


def needs_sandbox(definition: AgentDefinition) -> bool:
    """Whether a declared server runs in a sandbox."""
    return any(isinstance(server, _IN_SANDBOX) for server in definition.servers)


def storage_of(definition: AgentDefinition) -> Path:
    """The folder of the workspace that the agent keeps between runs, whether it is there or not."""
    return definition.folder / STATE_FOLDER / "storage"


def sandbox_spec(definition: AgentDefinition, environment: Mapping[str, str], runtime: str | None) -> SandboxSpec:
    """What the agent's sandbox is made from; a persistent workspace is the agent's own, under its state folder.

    Raises:
        UnsetVariableError: `container.env` refers to a variable that is unset.
    """
    workspace = storage_of(definition) if definition.persistent else None
    return SandboxSpec(
        agent=definition.name,
        folder=definition.folder,
        container=definition.container,
        network=definition.network,
        workspace=workspace,
        source=definition.source,
        env={name: template.resolve(environment) for name, template in definition.container.env.items()},
        runtime=runtime,
    )


class Workplaces:
    """Opens workplaces for the runs of one sitting."""

    def __init__(
        self,
        folder: Path,
        runtime: str | None,
        environment: Mapping[str, str],
        http_transports: Callable[[], Mapping[str, httpx2.AsyncBaseTransport]],
    ) -> None:
        """`http_transports` gives, for each run anew, what answers for `http` servers instead of the network."""
        self._runtime = runtime
        self._environment = environment
        self._http_transports = http_transports
        self._sandboxes = Sandboxes(folder)

    def prewarm(self, definition: AgentDefinition, count: int = 1) -> None:
        """Have `count` sandboxes for the agent ready soon; a failure is told by the run that needs one."""
        self._sandboxes.prewarm(sandbox_spec(definition, self._environment, self._runtime), count)

    def resolve_by(self, environment: Mapping[str, str]) -> None:
        """Resolve references by these variables from the next workplace on."""
        self._environment = environment

    @asynccontextmanager
    async def open(
        self, definition: AgentDefinition, notices: NoticeSink, snapshot: str | None = None
    ) -> AsyncIterator[RunWorkplace]:
        """A workplace for one run, closed and its sandbox removed at the end.

        With a `snapshot` the workspace begins with its files, and is the run's own even if the agent's is persistent.

        Raises:
            SandboxError: no sandbox could be had.
            ToolboxError: a declared server could not be started or reached.
            UnsetVariableError: the agent refers to a variable that is unset.
        """
        workplace = RunWorkplace(self, definition, notices, snapshot)
        try:
            await workplace.begin()
            yield workplace
        finally:
            await asyncio.shield(asyncio.ensure_future(workplace.end()))

    async def close(self) -> None:
        """Remove the sandboxes that no run took."""
        await self._sandboxes.close()

    async def sandbox(self, definition: AgentDefinition, workspace: Path | None = None) -> DockerSandbox:
        """A sandbox for the agent, with the files of `workspace` if it is given."""
        spec = sandbox_spec(definition, self._environment, self._runtime)
        return await self._sandboxes.acquire(spec if workspace is None else replace(spec, workspace=workspace))

    def http_transports(self) -> Mapping[str, httpx2.AsyncBaseTransport]:
        """What answers for `http` servers instead of the network, for one run."""
        return self._http_transports()

    def toolbox(
        self,
        definition: AgentDefinition,
        sandbox: DockerSandbox | None,
        notices: NoticeSink,
        http_transports: Mapping[str, httpx2.AsyncBaseTransport],
    ) -> contextlib.AbstractAsyncContextManager[Toolbox]:
        """The agent's toolbox, its servers started in `sandbox`."""
        return open_toolbox(definition, sandbox, self._environment, notices, http_transports=http_transports)


class RunWorkplace:
    """The sandbox and the toolbox of one run."""

    def __init__(
        self, workplaces: Workplaces, definition: AgentDefinition, notices: NoticeSink, snapshot: str | None = None
    ) -> None:
        self._workplaces = workplaces
        self._definition = definition if snapshot is None else replace(definition, persistent=False)
        self._snapshot = snapshot
        self._notices = notices
        self._http_transports = workplaces.http_transports()
        self._toolbox: Toolbox | None = None
        self._open = AsyncExitStack()
        self._own_workspaces: list[Path] = []
        self.sandbox: DockerSandbox | None = None

    @property
    def toolbox(self) -> Toolbox:
        """The open toolbox."""
        if self._toolbox is None:
            raise RuntimeError("the workplace is not open")
        return self._toolbox

    async def begin(self) -> None:
        """Take a sandbox if a tool needs one, and open the toolbox in it."""
        if needs_sandbox(self._definition):
            self.sandbox = await self._workplaces.sandbox(self._definition)
            self.sandbox.on_notice(self._notices)
            if not self._definition.persistent:
                self._own_workspaces.append(self.sandbox.workspace)
            if self._snapshot is not None:
                await self.sandbox.restore(self._snapshot)
        await self._open_toolbox()

    async def renew(self) -> None:
        """Replace a lost sandbox, and with it the servers in it; the workspace's files stay."""
        await self._close_toolbox()
        lost = self.sandbox
        if lost is not None:
            with contextlib.suppress(SandboxError):
                await lost.close()
            self.sandbox = await self._workplaces.sandbox(self._definition, lost.workspace)
            self.sandbox.on_notice(self._notices)
        await self._open_toolbox()

    async def end(self) -> None:
        """Close the toolbox, remove the sandbox, and delete the workspace unless the agent keeps it."""
        from workbench.sandbox.workspaces import discard_workspace

        await self._close_toolbox()
        if self.sandbox is not None:
            with contextlib.suppress(SandboxError):
                await self.sandbox.close()
        for workspace in self._own_workspaces:
            await asyncio.to_thread(discard_workspace, workspace)

    async def _open_toolbox(self) -> None:
        toolbox = self._workplaces.toolbox(self._definition, self.sandbox, self._notices, self._http_transports)
        self._toolbox = await self._open.enter_async_context(toolbox)

    async def _close_toolbox(self) -> None:
        self._toolbox = None
        await self._open.aclose()
