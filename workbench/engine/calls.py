"""The tool calls of one turn: made at once where the model issued several, each recorded before it is made."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace

from workbench.definition.secrets import Redactor
from workbench.engine.opened import RunWorkplace, sandbox_notice
from workbench.engine.permissions import Permissions
from workbench.engine.playback import PlayedCalls
from workbench.engine.recorder import Recorder, redacted
from workbench.engine.stops import RunStoppedError
from workbench.engine.world import Workplace
from workbench.jsontypes import JsonObject, JsonValue
from workbench.sandbox.sandbox import SandboxError, WorkspaceSnapshot
from workbench.tools.toolbox import Outcome, Toolbox, ToolboxError
from workbench.trace.digest import digest
from workbench.trace.events import (
    Captured,
    ContainerState,
    EventData,
    FileChange,
    Notice,
    Origin,
    Permission,
    ToolCall,
    ToolResult,
)
from workbench.trace.tape import TapedCall

MAX_RENEWALS = 3
"""How many lost sandboxes of one run are replaced before it fails."""

_LEAVE_FILES_ALONE = frozenset({"read", "glob", "grep"})


class ToolCalls:
    """Makes the tool calls of a run, or tells again what its tape has of them."""

    def __init__(
        self,
        workplace: RunWorkplace,
        record: Recorder,
        redactor: Redactor,
        captured: Captured,
        permissions: Permissions,
    ) -> None:
        self._permissions = permissions
        self._workplace = workplace
        self._record = record
        self._redactor = redactor
        self._captured = captured
        self._snapshots = asyncio.Lock()
        self._changed: list[FileChange] = []
        self._renewals = 0

    async def make(self, calls: Sequence[JsonObject], played: PlayedCalls | None = None) -> list[JsonObject] | None:
        """Make the calls of one turn; gives their `tool_result` blocks in the order of the calls.

        What `played` holds is told again and not made. None: the tape told all that it has, and lacks a result.

        Raises:
            RunStoppedError: the sandbox was lost and could not be replaced.
        """
        if played is not None and played.whole is not None:
            return self._tell(calls, played.whole)
        taped = played.taped if played is not None else [None] * len(calls)
        results: dict[int, JsonObject] = {}
        self._note_snapshots(taped)
        tools = await self._workplace.open() if None in taped else None
        state = await self._container_state() if tools is not None else None
        for index, (call, one) in enumerate(zip(calls, taped, strict=True), start=1):
            self._record(self._call_event(call, index, state) if one is None else _call_again(call, index, one))
        for index, (call, one) in enumerate(zip(calls, taped, strict=True)):
            if one is not None and one.result is not None:
                again = replace(one.result, call_id=str(call["id"]), origin=_told(one.result))
                self._record(again)
                results[index] = _result_block(call, again.content, again.is_error)
        if tools is not None:
            live = [index for index, one in enumerate(taped) if one is None]
            async with asyncio.TaskGroup() as group:
                tasks = {index: group.create_task(self._make_one(tools, calls[index])) for index in live}
            results |= {index: task.result() for index, task in tasks.items()}
            await self._replace_lost_sandbox(tools)
        return [results[index] for index in range(len(calls))]

    def _tell(self, calls: Sequence[JsonObject], events: Sequence[EventData]) -> list[JsonObject] | None:
        results: dict[str, ToolResult] = {}
        for data in events:
            self._record(data)
            if isinstance(data, ToolCall) and data.container is not None:
                self._workplace.snapshot = data.container.snapshot or self._workplace.snapshot
            if isinstance(data, ToolResult):
                results[data.call_id] = data
                self._workplace.snapshot = data.snapshot or self._workplace.snapshot
        told = [(call, results.get(str(call["id"]))) for call in calls]
        if any(result is None for _, result in told):
            return None
        return [_result_block(call, result.content, result.is_error) for call, result in told if result]

    def _note_snapshots(self, taped: Sequence[TapedCall | None]) -> None:
        """The workspace is what it was after the last of the calls that are not made again."""
        for one in taped:
            if one is not None and one.result is not None and self._workplace.opened is None:
                self._workplace.snapshot = one.result.snapshot or self._workplace.snapshot

    async def _make_one(self, workplace: Workplace, call: JsonObject) -> JsonObject:
        name, arguments = str(call["name"]), _arguments(call)
        tools = workplace.toolbox
        server = _server_of(tools, name)
        if name in tools.removed:
            self._record(Permission(name, server, "refused", tools.removed[name]))
        refusal = await self._permissions.refusal(name, server, str(call["id"]), redacted(arguments, self._redactor))
        if refusal is not None:
            outcome = Outcome([{"type": "text", "text": f"The user refused this call: {refusal}"}], True, 0.0)
            self._record(self._result_event(call, server, outcome, None))
            return _result_block(call, outcome.content, outcome.is_error)
        outcome = redacted(await tools.call(name, arguments), self._redactor)
        lost = workplace.sandbox.lost if workplace.sandbox is not None else None
        if lost is not None and outcome.is_error:
            outcome = _with_text(
                outcome,
                f"The sandbox was lost: {lost}. A new one is started; the files in /workspace "
                "are kept, running processes are not.",
            )
        taken = await self._snapshot_after(workplace, name, server) if lost is None else None
        self._record(self._result_event(call, server, outcome, taken))
        return _result_block(call, outcome.content, outcome.is_error)

    async def _container_state(self) -> ContainerState | None:
        sandbox = self._workplace.opened.sandbox if self._workplace.opened is not None else None
        if sandbox is None or sandbox.lost is not None:
            return None
        changed, self._changed = self._changed, []
        try:
            gauges = await sandbox.gauges()
        except (SandboxError, ConnectionError):
            return ContainerState("", self._workplace.snapshot, changed)
        return ContainerState(gauges.cwd, self._workplace.snapshot, changed, gauges.memory_bytes, gauges.cpu_seconds)

    async def _snapshot_after(self, workplace: Workplace, tool: str, server: str) -> WorkspaceSnapshot | None:
        sandbox = workplace.sandbox
        if sandbox is None or tool in _LEAVE_FILES_ALONE or server not in workplace.toolbox.in_sandbox:
            return None
        async with self._snapshots:
            try:
                taken = await sandbox.snapshot()
            except SandboxError as error:
                self._record(Notice("sandbox", f"the workspace could not be recorded: {error}", "warning"))
                return None
        self._workplace.snapshot = taken.digest
        self._changed.extend(taken.changed)
        for note in taken.notes:
            self._record(Notice("sandbox", f"the workspace is not recorded whole: {note}", "warning"))
        return taken

    async def _replace_lost_sandbox(self, workplace: Workplace) -> None:
        sandbox = workplace.sandbox
        if sandbox is None or sandbox.lost is None:
            return
        self._renewals += 1
        if self._renewals > MAX_RENEWALS:
            raise RunStoppedError(
                "sandbox", f"The sandbox was lost {self._renewals} times, the last time: {sandbox.lost}"
            )
        self._record(Notice("sandbox", f"the sandbox was lost: {sandbox.lost}", "error"))
        try:
            await workplace.renew()
        except (SandboxError, ToolboxError) as error:
            raise RunStoppedError(
                "sandbox", f"The sandbox was lost and a new one could not be made: {error}"
            ) from error
        if workplace.sandbox is not None:
            workplace.sandbox.on_egress(self._record)
            self._record(sandbox_notice(workplace, self._workplace.snapshot))

    def _call_event(self, call: JsonObject, index: int, state: ContainerState | None) -> ToolCall:
        name, arguments = str(call["name"]), _arguments(call)
        opened = self._workplace.opened
        return ToolCall(
            call_id=str(call["id"]),
            index=index,
            tool=name,
            server=_server_of(opened.toolbox, name) if opened is not None else "unknown",
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
            snapshot=taken.digest if taken else self._workplace.snapshot,
            changed=taken.changed if taken else (),
            origin=outcome.origin,
        )


def _server_of(tools: Toolbox, name: str) -> str:
    """The server that has the tool, `unknown` for a name that no server has."""
    return next((tool.server for tool in tools.tools if tool.name == name), "unknown")


def _call_again(call: JsonObject, index: int, taped: TapedCall) -> ToolCall:
    return replace(taped.call, call_id=str(call["id"]), index=index, origin=_told(taped.call))


def _told(data: ToolCall | ToolResult) -> Origin:
    return "edited" if data.origin == "edited" else "tape"


def _result_block(call: JsonObject, content: Sequence[JsonObject] | None, is_error: bool) -> JsonObject:
    if content is None:
        return {"type": "tool_result", "tool_use_id": call["id"], "captured": False}
    block: dict[str, JsonValue] = {"type": "tool_result", "tool_use_id": call["id"], "content": list(content)}
    if is_error:
        block["is_error"] = True
    return block


def _arguments(call: JsonObject) -> JsonObject:
    arguments = call.get("input")
    return arguments if isinstance(arguments, dict) else {}


def _size(value: object) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"))


def _with_text(outcome: Outcome, text: str) -> Outcome:
    return replace(outcome, content=[*outcome.content, {"type": "text", "text": text}])
