"""The tool calls of one turn: made at once where the model issued several, each recorded before it is made."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace

from workbench.definition.secrets import Redactor
from workbench.engine.recorder import Recorder, redacted
from workbench.engine.stops import RunStoppedError
from workbench.engine.world import Workplace
from workbench.jsontypes import JsonObject
from workbench.sandbox.sandbox import SandboxError, WorkspaceSnapshot
from workbench.tools.toolbox import Outcome, ToolboxError
from workbench.trace.digest import digest
from workbench.trace.events import (
    Captured,
    ContainerState,
    FileChange,
    Notice,
    Permission,
    ToolCall,
    ToolResult,
)

MAX_RENEWALS = 3
"""How many lost sandboxes of one run are replaced before it fails."""

_LEAVE_FILES_ALONE = frozenset({"read", "glob", "grep"})


class ToolCalls:
    """Makes the tool calls of a run."""

    def __init__(self, workplace: Workplace, record: Recorder, redactor: Redactor, captured: Captured) -> None:
        self._workplace = workplace
        self._record = record
        self._redactor = redactor
        self._captured = captured
        self._snapshots = asyncio.Lock()
        self._changed: list[FileChange] = []
        self._renewals = 0
        self.snapshot: str | None = None

    async def first_snapshot(self) -> None:
        """Name the workspace as the run finds it."""
        if self._workplace.sandbox is not None:
            taken = await self._workplace.sandbox.snapshot()
            self.snapshot = taken.digest

    async def make(self, calls: Sequence[JsonObject]) -> list[JsonObject]:
        """Make the calls of one turn; gives their `tool_result` blocks in the order of the calls.

        Raises:
            RunStoppedError: the sandbox was lost and could not be replaced.
        """
        state = await self._container_state()
        for index, call in enumerate(calls, start=1):
            self._record(self._call_event(call, index, state))
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._make_one(call)) for call in calls]
        await self._replace_lost_sandbox()
        return [task.result() for task in tasks]

    async def _make_one(self, call: JsonObject) -> JsonObject:
        name, arguments = str(call["name"]), _arguments(call)
        tools = self._workplace.toolbox
        server = self.server_of(name)
        if name in tools.removed:
            self._record(Permission(name, server, "refused", tools.removed[name]))
        outcome = redacted(await tools.call(name, arguments), self._redactor)
        lost = self._workplace.sandbox.lost if self._workplace.sandbox is not None else None
        if lost is not None and outcome.is_error:
            outcome = _with_text(
                outcome,
                f"The sandbox was lost: {lost}. A new one is started; the files in /workspace "
                "are kept, running processes are not.",
            )
        taken = await self._snapshot_after(name, server) if lost is None else None
        self._record(self._result_event(call, server, outcome, taken))
        result: dict[str, object] = {"type": "tool_result", "tool_use_id": call["id"], "content": list(outcome.content)}
        if outcome.is_error:
            result["is_error"] = True
        return result  # type: ignore[return-value]  # a dict of JSON values, built key by key

    def server_of(self, name: str) -> str:
        """The server that has the tool, `unknown` for a name that no server has."""
        tools = self._workplace.toolbox
        return next((tool.server for tool in tools.tools if tool.name == name), "unknown")

    async def _container_state(self) -> ContainerState | None:
        sandbox = self._workplace.sandbox
        if sandbox is None or sandbox.lost is not None:
            return None
        changed, self._changed = self._changed, []
        try:
            gauges = await sandbox.gauges()
        except (SandboxError, ConnectionError):
            return ContainerState("", self.snapshot, changed)
        return ContainerState(gauges.cwd, self.snapshot, changed, gauges.memory_bytes, gauges.cpu_seconds)

    async def _snapshot_after(self, tool: str, server: str) -> WorkspaceSnapshot | None:
        sandbox = self._workplace.sandbox
        if sandbox is None or tool in _LEAVE_FILES_ALONE or server not in self._workplace.toolbox.in_sandbox:
            return None
        async with self._snapshots:
            try:
                taken = await sandbox.snapshot()
            except SandboxError as error:
                self._record(Notice("sandbox", f"the workspace could not be recorded: {error}", "warning"))
                return None
        self.snapshot = taken.digest
        self._changed.extend(taken.changed)
        for note in taken.notes:
            self._record(Notice("sandbox", f"the workspace is not recorded whole: {note}", "warning"))
        return taken

    async def _replace_lost_sandbox(self) -> None:
        sandbox = self._workplace.sandbox
        if sandbox is None or sandbox.lost is None:
            return
        self._renewals += 1
        if self._renewals > MAX_RENEWALS:
            raise RunStoppedError(
                "sandbox", f"The sandbox was lost {self._renewals} times, the last time: {sandbox.lost}"
            )
        self._record(Notice("sandbox", f"the sandbox was lost: {sandbox.lost}", "error"))
        try:
            await self._workplace.renew()
        except (SandboxError, ToolboxError) as error:
            raise RunStoppedError(
                "sandbox", f"The sandbox was lost and a new one could not be made: {error}"
            ) from error
        if self._workplace.sandbox is not None:
            self._workplace.sandbox.on_egress(self._record)
            self._record(sandbox_notice(self._workplace))

    def _call_event(self, call: JsonObject, index: int, state: ContainerState | None) -> ToolCall:
        name, arguments = str(call["name"]), _arguments(call)
        return ToolCall(
            call_id=str(call["id"]),
            index=index,
            tool=name,
            server=self.server_of(name),
            arguments=arguments if self._captured.tool_calls else None,
            arguments_bytes=_size(arguments),
            digest=digest({"tool": name, "arguments": arguments}),
            container=state if index == 1 or state is None else replace(state, changed=()),
        )

    def _result_event(
        self, call: JsonObject, server: str, outcome: Outcome, taken: WorkspaceSnapshot | None
    ) -> ToolResult:
        content = list(outcome.content)
        return ToolResult(
            call_id=str(call["id"]),
            tool=str(call["name"]),
            server=server,
            content=content if self._captured.tool_calls else None,
            content_bytes=_size(content),
            is_error=outcome.is_error,
            latency=outcome.latency,
            exit_code=outcome.exit_code,
            truncated=outcome.truncated,
            digest=digest({"content": content, "is_error": outcome.is_error}),
            snapshot=taken.digest if taken else self.snapshot,
            changed=taken.changed if taken else (),
            origin=outcome.origin,
        )


def sandbox_notice(workplace: Workplace) -> Notice:
    """The notice that tells which sandbox a run has, and the proof of gVisor."""
    sandbox = workplace.sandbox
    if sandbox is None:
        raise ValueError("the workplace has no sandbox")
    proof = sandbox.proof
    text = (
        f"gVisor proven from inside: kernel {proof.kernel} (host {proof.host_kernel}), {proof.boot_message!r}"
        if proof.gvisor
        else f"NOT in gVisor: runtime {proof.runtime} was chosen; tools share the kernel of this machine"
    )
    return Notice(
        "sandbox",
        text,
        "info" if proof.gvisor else "warning",
        {
            "gvisor": proof.gvisor,
            "runtime": proof.runtime,
            "kernel": proof.kernel,
            "host_kernel": proof.host_kernel,
            "boot_message": proof.boot_message,
            "interfaces": list(proof.interfaces),
            "container": sandbox.container_id[:12],
            "image": sandbox.image,
            "started_at": sandbox.started_at.isoformat(),
        },
    )


def _arguments(call: JsonObject) -> JsonObject:
    arguments = call.get("input")
    return arguments if isinstance(arguments, dict) else {}


def _size(value: object) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"))


def _with_text(outcome: Outcome, text: str) -> Outcome:
    return replace(outcome, content=[*outcome.content, {"type": "text", "text": text}])
