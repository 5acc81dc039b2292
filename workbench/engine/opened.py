"""The run's workplace, opened when it is first needed: a run that follows its tape may never need one."""

from __future__ import annotations

from contextlib import AsyncExitStack
from datetime import datetime

from workbench.definition.agent import AgentDefinition
from workbench.engine.recorder import Recorder
from workbench.engine.world import Workplace, World
from workbench.jsontypes import JsonObject
from workbench.trace.events import Notice


class RunWorkplace:
    """Opens the workplace of a run at most once, closes it with `stack`, and knows the state of its files.

    `snapshot` names the workspace as it is now: what the tape told so far, then what was seen. A workplace is opened
    with the files of that moment, or `in_place`: with those that the agent's persistent workspace has now.
    """

    def __init__(
        self,
        world: World,
        definition: AgentDefinition,
        record: Recorder,
        stack: AsyncExitStack,
        snapshot: str | None,
        in_place: bool,
    ) -> None:
        self._in_place = in_place
        self._world = world
        self._definition = definition
        self._record = record
        self._stack = stack
        self._opened: Workplace | None = None
        self.snapshot = snapshot
        self.container_started: datetime | None = None

    @property
    def opened(self) -> Workplace | None:
        """The workplace, None while nothing needed one."""
        return self._opened

    async def open(self) -> Workplace:
        """The workplace, opened now if it is not yet.

        Raises:
            SandboxError: no sandbox could be had, or the files of the fork point could not be restored.
            ToolboxError: a declared server could not be started or reached.
            UnsetVariableError: the agent refers to a variable that is unset.
        """
        if self._opened is None:
            entering = self._world.workplace(
                self._definition, self._record.notice, None if self._in_place else self.snapshot
            )
            workplace = await self._stack.enter_async_context(entering)
            if workplace.sandbox is not None:
                self.container_started = workplace.sandbox.started_at
                workplace.sandbox.on_egress(self._record)
                self.snapshot = (await workplace.sandbox.snapshot()).digest
                self._record(sandbox_notice(workplace, self.snapshot))
            self._opened = workplace
        return self._opened

    async def end_egress(self) -> None:
        """Let nothing out any more: after its end event the trace takes no more."""
        if self._opened is not None and self._opened.sandbox is not None:
            await self._opened.sandbox.end_egress()

    async def stop_tools(self) -> None:
        """Kill what tools left running, where there is a sandbox that can be reached."""
        sandbox = self._opened.sandbox if self._opened is not None else None
        if sandbox is not None and sandbox.lost is None:
            await sandbox.stop_tools()


def sandbox_notice(workplace: Workplace, snapshot: str | None) -> Notice:
    """The notice that tells which sandbox a run has, the proof of gVisor, and the files that it began with."""
    sandbox = workplace.sandbox
    if sandbox is None:
        raise ValueError("the workplace has no sandbox")
    proof = sandbox.proof
    text = (
        f"gVisor proven from inside: kernel {proof.kernel} (host {proof.host_kernel}), {proof.boot_message!r}"
        if proof.gvisor
        else f"NOT in gVisor: runtime {proof.runtime} was chosen; tools share the kernel of this machine"
    )
    data: JsonObject = {
        "gvisor": proof.gvisor,
        "runtime": proof.runtime,
        "kernel": proof.kernel,
        "host_kernel": proof.host_kernel,
        "boot_message": proof.boot_message,
        "interfaces": list(proof.interfaces),
        "container": sandbox.container_id[:12],
        "image": sandbox.image,
        "started_at": sandbox.started_at.isoformat(),
        "workspace": snapshot,
    }
    return Notice("sandbox", text, "info" if proof.gvisor else "warning", data)
