"""Runs made up of events, as tapes, for tests of what is made from a tape."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from workbench.cost.usage import Usage
from workbench.jsontypes import JsonObject
from workbench.trace.digest import digest
from workbench.trace.events import (
    Captured,
    Costs,
    Event,
    EventData,
    Message,
    ModelRequest,
    ModelResponse,
    RunCompleted,
    RunStarted,
    ToolCall,
    ToolResult,
    Trigger,
)
from workbench.trace.tape import Tape, tape_of

BEGIN = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
USAGE = Usage(input_tokens=1000, output_tokens=100)

DOCUMENT: JsonObject = {
    "name": "looker",
    "model": {
        "id": "claude-haiku-4-5",
        "effort": None,
        "max_tokens": None,
        "thinking": {"type": "auto", "budget_tokens": None},
    },
    "system_prompt": "You look things up.\nSay what you found.\n",
    "mcp_servers": [],
    "container": {"memory": 1 << 30, "cpus": 1, "pids": 256},
    "timeout": 600.0,
    "max_iterations": 20,
    "budget": {"usd": "0.5"},
}


@dataclass(frozen=True)
class Call:
    """A tool call and its result; `content` is text, or blocks, or None where it was not captured."""

    tool: str
    arguments: dict[str, Any] | None
    content: str | list[dict[str, Any]] | None = "done"
    is_error: bool = False
    answered: bool = True


@dataclass(frozen=True)
class Turn:
    """One step: what the model said and called."""

    text: str = ""
    calls: Sequence[Call] = ()
    before: Sequence[dict[str, Any]] = field(default_factory=list)


def taped(*turns: Turn, run_id: str = "run-1", completed: bool = True, **started: Any) -> Tape:
    """The tape of a run of these turns."""
    return tape_of(events_of(*turns, run_id=run_id, completed=completed, **started))


def events_of(*turns: Turn, run_id: str = "run-1", completed: bool = True, **started: Any) -> list[Event]:
    """The events of a run of these turns."""
    told: list[tuple[int, EventData]] = [(0, _started(**started))]
    for step, turn in enumerate(turns, start=1):
        told += [(step, data) for data in _turn(step, turn)]
    if completed:
        costs = Costs(Decimal("0.01"), Decimal(0), Decimal("0.01"), Decimal(1))
        told.append((len(turns), RunCompleted("done", "end_turn", len(turns), USAGE, costs, 1.0)))
    return [
        Event(run_id, seq, step, BEGIN + timedelta(seconds=seq), float(seq), data)
        for seq, (step, data) in enumerate(told, start=1)
    ]


def _started(**more: Any) -> RunStarted:
    plain: dict[str, Any] = {
        "agent": "looker",
        "digest": "d" * 32,
        "definition": DOCUMENT,
        "trigger": Trigger(),
        "input": "What is it?",
        "model": "claude-haiku-4-5",
        "model_source": "offline",
        "endpoint": None,
        "budget_usd": None,
        "captured": Captured(),
    }
    return RunStarted(**{**plain, **more})


def _turn(step: int, turn: Turn) -> Iterator[EventData]:
    blocks: list[dict[str, Any]] = list(turn.before)
    if turn.text:
        blocks.append({"type": "text", "text": turn.text})
    for index, call in enumerate(turn.calls, start=1):
        blocks.append(_block(step, index, call))
    yield ModelRequest("claude-haiku-4-5", 1, digest([step]), 0, [], {})
    yield ModelResponse(
        model="claude-haiku-4-5",
        content=blocks,
        stop_reason="tool_use" if turn.calls else "end_turn",
        usage=USAGE,
        cost_usd=Decimal("0.01"),
        duration=1.0,
        time_to_first_token=0.1,
        request_id=None,
    )
    if turn.text:
        yield Message(turn.text)
    for index, call in enumerate(turn.calls, start=1):
        yield ToolCall(
            call_id=f"call-{step}-{index}",
            index=index,
            tool=call.tool,
            server="facts",
            arguments=call.arguments,
            arguments_bytes=10,
            digest=digest({"tool": call.tool, "arguments": call.arguments or {}}),
        )
    for index, call in enumerate(turn.calls, start=1):
        if call.answered:
            yield _result(f"call-{step}-{index}", call)


def _block(step: int, index: int, call: Call) -> dict[str, Any]:
    block = {"type": "tool_use", "id": f"call-{step}-{index}", "name": call.tool}
    return {**block, "captured": False} if call.arguments is None else {**block, "input": call.arguments}


def _result(call_id: str, call: Call) -> ToolResult:
    content = [{"type": "text", "text": call.content}] if isinstance(call.content, str) else call.content
    return ToolResult(
        call_id=call_id,
        tool=call.tool,
        server="facts",
        content=content,
        content_bytes=10,
        is_error=call.is_error,
        latency=0.1,
        digest=digest({"content": content, "is_error": call.is_error}),
    )
