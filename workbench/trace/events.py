"""The events of a run: the one source of everything that a view shows.

Each event is an `Event` envelope (who, when, which step) around one data class of this module. `EVENT_TYPES` maps the
name that is stored and exported to its data class. Durations and offsets are seconds, money is USD as `Decimal`,
sizes are bytes, message content is a list of content blocks in the form of the Messages API.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from workbench.cost.usage import Usage
from workbench.jsontypes import JsonObject, JsonValue

Origin = Literal["live", "tape", "edited"]
"""Where something came from: asked just now, taken from the tape of an earlier run, or edited by the user."""

ModelSource = Literal["api", "endpoint", "offline", "tape"]
"""Who answers as the model: the vendor's API, a compatible endpoint, the agent's offline script, or a tape."""

NoticeKind = Literal["sandbox", "retry", "truncation", "limit", "name_clash", "server", "model", "capture", "replay"]
"""What a notice is about; `sandbox` carries the proof of gVisor, `server` what an MCP server did or failed to do."""


@dataclass(frozen=True, slots=True)
class Trigger:
    """What started a run: `kind` is manual, webhook, cron, replay, resume, compare, save or test."""

    kind: str = "manual"
    detail: str = ""


@dataclass(frozen=True, slots=True)
class FileChange:
    """A workspace file that differs from the previous snapshot; `size` is None for a deleted one."""

    path: str
    change: Literal["added", "modified", "deleted"]
    size: int | None = None


@dataclass(frozen=True, slots=True)
class ContainerState:
    """The sandbox just before a tool call.

    `snapshot` names the workspace's content, `changed` lists what differs from the snapshot before it. `memory_bytes`
    and `cpu_seconds` are those of all processes in the sandbox, None where they could not be read.
    """

    cwd: str
    snapshot: str | None = None
    changed: Sequence[FileChange] = ()
    memory_bytes: int | None = None
    cpu_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Captured:
    """What the trace of a run holds; a replay can answer from its tape only what was captured."""

    tool_calls: bool = True
    reasoning: bool = False


@dataclass(frozen=True, slots=True)
class Costs:
    """Cost of a run in USD. `model` is None when the model has no known price: unknown is never 0."""

    model: Decimal | None
    runtime: Decimal
    total: Decimal | None
    runtime_seconds: Decimal


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A run began. `definition` is the agent as it was, `${ENV}` references unexpanded; `digest` is its digest.

    A replay names its parent and the fork point: `fork_step` with `fork_call` 0 is the model's turn of that step,
    `fork_call` k its k-th tool call. `replay` says what else was asked for: the edits, and who answers from there on.
    """

    agent: str
    digest: str
    definition: JsonObject
    trigger: Trigger
    input: str
    model: str
    model_source: ModelSource
    endpoint: str | None
    budget_usd: Decimal | None
    captured: Captured = Captured()
    parent_run_id: str | None = None
    fork_step: int | None = None
    fork_call: int | None = None
    replay: JsonObject | None = None


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """A request is about to be sent.

    The request's messages are the first `messages_kept` of the previous request of this run followed by
    `messages_added`, so that a trace grows linearly. `parameters` holds everything else that is sent, `system` and
    `tools` only when they differ from the previous request (None: the same). `digest` is that of the whole request.
    `origin` tape: the parent asked the very same and was answered; edited: the tape answers, though what was said
    before is no longer what it was.
    """

    model: str
    message_count: int
    digest: str
    messages_kept: int
    messages_added: Sequence[JsonObject]
    parameters: JsonObject
    system: Sequence[JsonObject] | None = None
    tools: Sequence[JsonObject] | None = None
    worst_case_usd: Decimal | None = None
    origin: Origin = "live"


@dataclass(frozen=True, slots=True)
class ModelResponse:
    """A whole reply. `content` is None when it was not captured; `cost_usd` is None when the price is unknown."""

    model: str
    content: Sequence[JsonObject] | None
    stop_reason: str | None
    usage: Usage
    cost_usd: Decimal | None
    duration: float
    time_to_first_token: float | None
    request_id: str | None
    message_id: str | None = None
    stop_details: JsonObject | None = None
    origin: Origin = "live"


@dataclass(frozen=True, slots=True)
class Reasoning:
    """Thinking of the model at this step; `text` is None when it is not captured or the model keeps it back."""

    text: str | None
    duration: float | None
    origin: Origin = "live"


@dataclass(frozen=True, slots=True)
class Message:
    """Text of the model at this step."""

    text: str
    origin: Origin = "live"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The model called a tool. `server` is the MCP server that has it, or `vendor` for the vendor's server tools.

    `index` counts the calls of one turn from 1. `arguments` is None when it was not captured; `digest` is that of the
    tool's name and its arguments.
    """

    call_id: str
    index: int
    tool: str
    server: str
    arguments: JsonObject | None
    arguments_bytes: int
    digest: str
    container: ContainerState | None = None
    origin: Origin = "live"


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool call gave back to the model.

    `content` is None when it was not captured, `content_bytes` is its size. `truncated` says that the tool produced
    more than was kept. `snapshot` and `changed` tell the workspace after the call.
    """

    call_id: str
    tool: str
    server: str
    content: Sequence[JsonObject] | None
    content_bytes: int
    is_error: bool
    latency: float
    exit_code: int | None = None
    truncated: bool = False
    digest: str = ""
    snapshot: str | None = None
    changed: Sequence[FileChange] = ()
    origin: Origin = "live"


@dataclass(frozen=True, slots=True)
class Egress:
    """An attempt to leave the sandbox through its proxy. `address` is what the name resolved to, if it was resolved."""

    host: str
    port: int
    decision: Literal["allowed", "refused"]
    reason: str
    bytes_sent: int = 0
    bytes_received: int = 0
    duration: float = 0.0
    address: str | None = None
    origin: Origin = "live"


@dataclass(frozen=True, slots=True)
class Permission:
    """A question to the user about a tool, or its answer."""

    tool: str
    server: str
    state: Literal["asked", "granted", "refused"]
    reason: str = ""
    origin: Origin = "live"


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that the user should know and that is none of the other events."""

    kind: NoticeKind
    text: str
    level: Literal["info", "warning", "error"] = "info"
    data: JsonObject | None = None
    origin: Origin = "live"


@dataclass(frozen=True, slots=True)
class RunCompleted:
    """The run ended with an answer. `snapshot` is the workspace as it was left."""

    output: str
    stop_reason: str
    steps: int
    usage: Usage
    costs: Costs
    duration: float
    snapshot: str | None = None


@dataclass(frozen=True, slots=True)
class FailureState:
    """Where a run stood when it failed."""

    step: int
    last_event: int
    snapshot: str | None = None


@dataclass(frozen=True, slots=True)
class RunFailed:
    """The run ended without an answer.

    `error` names the kind (see `FAILURES`), `message` tells a person what happened and what to do. `stack_trace` is
    only for faults of the workbench itself.
    """

    error: str
    message: str
    state: FailureState
    steps: int
    usage: Usage
    costs: Costs
    duration: float
    details: JsonValue = None
    stack_trace: str | None = None


FAILURES = {
    "cancelled": "the user stopped the run",
    "timeout": "the run took longer than the agent's timeout",
    "max_iterations": "the model wanted another turn after the agent's max_iterations",
    "budget": "the next request could have passed the run's budget",
    "fuse": "the next request could have passed the fuse, the spending limit of this sitting",
    "refusal": "the model refused to answer",
    "max_tokens": "the model's reply reached max_tokens",
    "context_window": "the conversation no longer fits into the model's context window",
    "model_error": "the model could not be reached, or answered with an error",
    "sandbox": "the sandbox could not be started, or was lost and could not be replaced",
    "tools": "a declared MCP server could not be started or reached",
    "definition": "the agent cannot run as it is defined, for example a variable is unset",
    "divergence": "a replay from tape met a request or a tool call that the tape does not hold",
    "interrupted": "the workbench ended during the run",
    "internal": "a fault of the workbench itself",
}
"""The kinds of failure and what each means."""

LIMIT_FAILURES = frozenset({"timeout", "max_iterations", "budget", "fuse"})
"""Those by which a limit ended a run."""

STOPPED_FAILURES = frozenset({"cancelled", "interrupted"})
"""Those by which a person or the system ended a run."""

EventData = (
    RunStarted
    | ModelRequest
    | ModelResponse
    | Reasoning
    | Message
    | ToolCall
    | ToolResult
    | Egress
    | Permission
    | Notice
    | RunCompleted
    | RunFailed
)

EVENT_TYPES: dict[str, type[EventData]] = {
    "run_started": RunStarted,
    "model_request": ModelRequest,
    "model_response": ModelResponse,
    "reasoning": Reasoning,
    "message": Message,
    "tool_call": ToolCall,
    "tool_result": ToolResult,
    "egress": Egress,
    "permission": Permission,
    "notice": Notice,
    "run_completed": RunCompleted,
    "run_failed": RunFailed,
}

_NAMES = {data_class: name for name, data_class in EVENT_TYPES.items()}


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened in a run; immutable.

    `seq` counts from 1 without a gap. `step` is 0 before the first model turn. `at` is the wall time in UTC, `offset`
    the seconds since the run started by a clock that never goes back.
    """

    run_id: str
    seq: int
    step: int
    at: datetime
    offset: float
    data: EventData

    @property
    def type(self) -> str:
        """The name under which the event is stored and exported, such as `tool_call`."""
        return _NAMES[type(self.data)]
