"""A world in memory whose model and tools are pure functions of what they are asked, and which counts what it is asked.

A run in it is a *program*: for each turn what the model says and calls. Replies and results depend on all that came
before, so that a difference anywhere shows everywhere behind it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from workbench.cost.usage import Usage
from workbench.definition.agent import AgentDefinition, BashServer, ModelSettings, Observability
from workbench.definition.document import with_document
from workbench.definition.secrets import Redactor
from workbench.engine.order import Order
from workbench.engine.replay_request import ReplayRequest
from workbench.engine.run import Run, RunEnd
from workbench.engine.world import World
from workbench.jsontypes import JsonObject
from workbench.model.conversation import Delta, Model, ModelError, Reply, Request, Retry
from workbench.model.parameters import parameters
from workbench.model.tape_only import TapeOnlyModel
from workbench.sandbox.sandbox import Gauges, Proof, Sandbox, WorkspaceSnapshot
from workbench.sitting.replays import replay_order, replayed_agent
from workbench.tools.toolbox import NoticeSink, Outcome, Tool, Toolbox
from workbench.trace.digest import digest
from workbench.trace.events import Egress, Event, FileChange, ModelSource, Notice, Trigger
from workbench.trace.tape import Tape, tape_of

Action = Literal["read", "write", "delete", "fail", "fetch", "removed", "elsewhere"]


@dataclass(frozen=True)
class Turn:
    """What the model does in one turn; a turn without calls is its answer, unless `stop` says otherwise."""

    text: str = "ok"
    calls: Sequence[tuple[Action, str]] = ()
    thinks: bool = False
    stop: str | None = None
    retries: int = 0
    breaks: bool = False


class Killed(BaseException):
    """The process is gone."""


@dataclass
class Outside:
    """What the world was asked, over all runs in it: each request and each call, and the snapshots that it holds."""

    requests: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    sandboxes: int = 0
    snapshots: dict[str, dict[str, str]] = field(default_factory=dict)


class ScriptedModel:
    source: ModelSource = "api"
    endpoint: str | None = None

    def __init__(self, program: Sequence[Turn], outside: Outside) -> None:
        self._program = program
        self._outside = outside

    def parameters(self, request: Request) -> JsonObject:
        return parameters(request.settings, request.max_tokens)

    async def respond(
        self, request: Request, on_delta: Callable[[Delta], None], on_retry: Callable[[Retry], None]
    ) -> Reply:
        asked = digest({"system": list(request.system), "messages": _without_thinking(request.messages)})
        self._outside.requests[asked] += 1
        await asyncio.sleep(0)
        taken = sum(message["role"] == "assistant" for message in request.messages)
        turn = self._program[min(taken, len(self._program) - 1)]
        for attempt in range(1, turn.retries + 1):
            on_retry(Retry(attempt, "overloaded", 0.1))
        if turn.breaks:
            raise ModelError("the connection broke", kind="connection")
        on_delta(Delta("text", turn.text))
        return Reply(
            model=request.settings.id,
            content=list(_content(turn, asked)),
            stop_reason=turn.stop or ("tool_use" if turn.calls else "end_turn"),
            usage=Usage(input_tokens=10 + taken, output_tokens=5),
            duration=0.25,
            time_to_first_token=0.1,
            thinking_duration=0.05 if turn.thinks else None,
            request_id=f"req_{asked[:8]}",
            message_id=f"msg_{asked[:8]}",
        )

    async def close(self) -> None:
        pass


def _content(turn: Turn, asked: str) -> Sequence[JsonObject]:
    blocks: list[JsonObject] = []
    if turn.thinks:
        blocks.append({"type": "thinking", "thinking": f"hm {asked[:4]}", "signature": f"sig{asked[:6]}"})
    if turn.text:
        blocks.append({"type": "text", "text": f"{turn.text} [{asked[:6]}]"})
    for index, (action, name) in enumerate(turn.calls):
        call_id = f"toolu_{asked[:8]}_{index}"
        blocks.append({"type": "tool_use", "id": call_id, "name": action, "input": {"name": name, "said": asked[:4]}})
    return blocks


def _without_thinking(messages: Sequence[JsonObject]) -> list[Any]:
    return [
        {**message, "content": [block for block in message["content"] if block["type"] != "thinking"]}  # type: ignore[union-attr,index,call-overload]
        for message in messages
    ]


class ScriptedSandbox:
    container_id = "c" * 64
    image = "scripted"
    proof = Proof(True, "runsc", "4.4.0", "6.18", "Starting gVisor...")
    workspace = Path("/nowhere")
    lost: str | None = None

    def __init__(self, outside: Outside, files: Mapping[str, str]) -> None:
        self._outside = outside
        self.files = dict(files)
        self._known = dict(files)
        self.started_at = datetime.now(UTC)
        self.tell_egress: Callable[[Egress], None] = lambda egress: None

    def on_egress(self, listener: Callable[[Egress], None]) -> None:
        self.tell_egress = listener

    def on_notice(self, listener: Callable[[Notice], None]) -> None:
        pass

    async def gauges(self) -> Gauges:
        return Gauges("/workspace", 1000 + len(self.files), 0.5)

    async def snapshot(self) -> WorkspaceSnapshot:
        name = digest(dict(self.files))
        self._outside.snapshots[name] = dict(self.files)
        changed = [
            FileChange(path, "deleted" if path not in self.files else "modified" if path in self._known else "added")
            for path in sorted({*self.files, *self._known})
            if self.files.get(path) != self._known.get(path)
        ]
        self._known = dict(self.files)
        return WorkspaceSnapshot(name, changed)

    async def stop_tools(self) -> None:
        pass

    async def end_egress(self) -> None:
        pass

    async def close(self) -> None:
        pass


class ScriptedToolbox:
    in_sandbox = frozenset({"bash"})
    removed: Mapping[str, str] = {"removed": "the agent may not"}

    def __init__(self, sandbox: ScriptedSandbox, outside: Outside) -> None:
        self._sandbox = sandbox
        self._outside = outside
        names = ("read", "write", "delete", "fail", "fetch", "elsewhere")
        self.tools = [Tool(name, "bash", "", {"type": "object"}, name) for name in names]

    @property
    def parameters(self) -> Sequence[JsonObject]:
        return [{"name": tool.name, "input_schema": tool.input_schema} for tool in self.tools]

    async def call(self, name: str, arguments: JsonObject) -> Outcome:
        files, file = self._sandbox.files, str(arguments["name"])
        self._outside.calls[digest({"tool": name, "arguments": arguments, "files": dict(files)})] += 1
        await asyncio.sleep(0)
        if name == "write":
            files[file] = digest(dict(files))
        if name == "delete":
            files.pop(file, None)
        if name == "fetch":
            self._sandbox.tell_egress(Egress(f"{file}.example.com", 443, "refused", "not allowed"))
        text = f"{name} {file}: {digest(dict(files))[:8]}"
        return Outcome(
            [{"type": "text", "text": text}], name in ("fail", "removed"), 0.01, 1 if name == "fail" else None
        )


class ScriptedWorkplace:
    def __init__(self, outside: Outside, snapshot: str | None) -> None:
        outside.sandboxes += 1
        self.scripted = ScriptedSandbox(outside, outside.snapshots[snapshot] if snapshot else {"seed.txt": "0"})
        self.tools = ScriptedToolbox(self.scripted, outside)

    @property
    def sandbox(self) -> Sandbox | None:
        return self.scripted  # type: ignore[return-value]  # has no transports, which the engine never asks for

    @property
    def toolbox(self) -> Toolbox:
        return self.tools

    async def renew(self) -> None:
        raise AssertionError("nothing is lost here")


class FreePrices:
    def cost(self, model: str, usage: Usage, at: datetime) -> Decimal | None:
        return Decimal(usage.total_input_tokens) / 1000

    def worst_case(self, model: str, prompt_tokens: int, max_tokens: int, at: datetime) -> Decimal | None:
        return Decimal("0.001")

    def runtime_cost(self, seconds: Decimal) -> Decimal:
        return Decimal(0)


class TickingClock:
    """Every look is a microsecond later, so that no two events have one time."""

    def __init__(self) -> None:
        self._ticks = 0

    def now(self) -> datetime:
        self._ticks += 1
        return datetime(2026, 11, 27, tzinfo=UTC) + timedelta(microseconds=self._ticks)

    def monotonic(self) -> float:
        self._ticks += 1
        return self._ticks / 1e6


def agent(*, tool_calls: bool = True, reasoning: bool = True, **settings: Any) -> AgentDefinition:
    """An agent as a definition, without files."""
    definition = AgentDefinition(
        folder=Path("/nowhere"),
        name="scripted",
        model=ModelSettings("claude-haiku-4-5"),
        system_prompt="do it",
        document={},
        digest="",
        servers=(BashServer(),),
        observability=Observability(capture_tool_calls=tool_calls, capture_reasoning=reasoning),
        **{"max_iterations": 8, "timeout": 60.0, **settings},
    )
    return with_document(definition, None, None)


@dataclass
class Played:
    """A run that was run: its events and its end, None where it was killed."""

    events: list[Event]
    end: RunEnd | None

    @property
    def tape(self) -> Tape:
        return tape_of(self.events)

    @property
    def files(self) -> str | None:
        """The workspace as the run left it."""
        return getattr(self.end, "snapshot", None) or getattr(getattr(self.end, "state", None), "snapshot", None)


class Stage:
    """Runs programs and replays of them in one outside world."""

    def __init__(self, program: Sequence[Turn]) -> None:
        self.outside = Outside()
        self._program = program
        self._runs = 0

    def run(self, definition: AgentDefinition | None = None, kill_after: int | None = None) -> Played:
        """Run the program once; with `kill_after` the process dies when that many events are durable."""
        return self._execute(definition or agent(), Order(self._id(), "go"), None, kill_after, None)

    def replay(
        self,
        parent: Played,
        request: ReplayRequest,
        definition: AgentDefinition | None = None,
        kill_after: int | None = None,
        trigger: Trigger | None = None,
    ) -> Played:
        """Replay a run."""
        tape = parent.tape
        runs = replayed_agent(Path("/nowhere"), tape, request, definition)
        resumed = tape if trigger is not None and trigger.kind == "resume" else None
        order, playback = replay_order(self._id(), tape, request, runs, trigger, resumed)
        model = TapeOnlyModel() if request.model == "tape" else None
        return self._execute(runs, order, playback, kill_after, model)

    def _id(self) -> str:
        self._runs += 1
        return f"run-{self._runs}"

    def _execute(
        self, definition: AgentDefinition, order: Order, playback: Any, kill_after: int | None, model: Model | None
    ) -> Played:
        events: list[Event] = []

        def record(event: Event) -> None:
            if kill_after is not None and len(events) >= kill_after:
                raise Killed
            events.append(event)
            if kill_after is not None and len(events) >= kill_after:
                raise Killed

        @asynccontextmanager
        async def workplace(
            definition: AgentDefinition, notices: NoticeSink, snapshot: str | None
        ) -> AsyncIterator[ScriptedWorkplace]:
            notices(Notice("server", "bash is ready"))
            yield ScriptedWorkplace(self.outside, snapshot)

        world = World(
            model=model or ScriptedModel(self._program, self.outside),
            workplace=workplace,
            prices=FreePrices(),
            fuse=None,
            redactor=Redactor({}),
            clock=TickingClock(),
            record=record,
            show=lambda text: None,
        )
        end: RunEnd | None = None
        try:
            end = asyncio.run(Run(definition, order, world, playback).execute())
        except (Killed, BaseExceptionGroup):
            if kill_after is None:
                raise
        return Played(events, end)


_BY_NATURE = {
    "run_started": ("trigger", "model_source", "parent_run_id", "fork_step", "fork_call", "replay"),
    "model_request": ("worst_case_usd",),
    "model_response": ("cost_usd",),
    "run_completed": ("usage", "costs", "duration"),
    "run_failed": ("usage", "costs", "duration"),
}
"""What differs between a run and its identical replay by nature: where things came from, what they cost, how long."""


def comparable(event: Event) -> tuple[Any, ...]:
    """The event without times, ids, and what differs by nature."""
    data = event.data
    fields = {name: getattr(data, name) for name in type(data).__slots__ if name != "origin"}
    for name in _BY_NATURE.get(event.type, ()):
        fields.pop(name)
    if isinstance(data, Notice) and data.data is not None:
        fields["data"] = {key: value for key, value in data.data.items() if key != "started_at"}
    return (event.seq, event.step, event.type, fields)


__all__ = ["Killed", "Outside", "Played", "Stage", "Turn", "agent", "comparable", "replace"]
