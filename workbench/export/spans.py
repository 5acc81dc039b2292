"""A run as OpenTelemetry spans, nested run → step → model and tool: a pure fold over its events.

Names and attributes are those of the semantic conventions for generative AI; what they have no name for is under
`workbench.`. Ids follow from the run's id, so that a run that is exported twice is one trace.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

from workbench.cost.amounts import microdollars
from workbench.cost.usage import Usage
from workbench.export.span_content import SpanContent
from workbench.trace.events import (
    Costs,
    Egress,
    Event,
    ModelRequest,
    ModelResponse,
    Notice,
    Permission,
    RunCompleted,
    RunFailed,
    RunStarted,
    ToolCall,
    ToolResult,
)

Value = str | bool | int | float | Sequence[str]
"""The value of an attribute."""

Kind = Literal["internal", "client"]

_PROVIDER = "anthropic"
_QUOTES_OTHERS = frozenset({"server", "model"})
"""Kinds of notices whose text may repeat what servers and models said."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class SpanEvent:
    """Something that happened within a span, at `time` nanoseconds since 1970."""

    name: str
    time: int
    attributes: Mapping[str, Value]


@dataclass
class Span:
    """A span; ids are hex digits, times nanoseconds since 1970. `error` tells what went wrong, None if nothing did."""

    trace_id: str
    span_id: str
    parent_id: str | None
    name: str
    kind: Kind
    start: int
    end: int
    attributes: dict[str, Value]
    events: list[SpanEvent] = field(default_factory=list)
    error: str | None = None
    link: tuple[str, str] | None = None


def spans_of(events: Iterable[Event], *, content: bool = False) -> Sequence[Span]:
    """The spans of a run, its own first. A run without an end is exported as far as it goes.

    With `content` what was said is in them too: prompts, messages, arguments and results. It is left out otherwise.

    Raises:
        ValueError: there are no events, or they do not begin with `run_started`.
    """
    fold: _Fold | None = None
    for event in events:
        if fold is None:
            fold = _Fold.begin(event, SpanContent() if content else None)
        fold.take(event)
    if fold is None:
        raise ValueError("a run has at least one event")
    return fold.finished()


def trace_id(run_id: str) -> str:
    """The id of a run's trace: 32 hex digits."""
    return hashlib.sha256(f"run {run_id}".encode()).hexdigest()[:32]


def span_id(run_id: str, part: str) -> str:
    """The id of a part of a run: 16 hex digits."""
    return hashlib.sha256(f"run {run_id} {part}".encode()).hexdigest()[:16]


class _Fold:
    """The spans so far. Times are the run's start plus offsets, which never go back as a wall clock may."""

    def __init__(self, run: Span, began: int, content: SpanContent | None) -> None:
        self._run = run
        self._began = began
        self._content = content
        self._run_id = str(run.attributes["gen_ai.conversation.id"])
        self._spans = [run]
        self._step: Span | None = None
        self._asked: tuple[ModelRequest, int, int] | None = None
        self._called: dict[str, tuple[ToolCall, int]] = {}

    @classmethod
    def begin(cls, event: Event, content: SpanContent | None) -> _Fold:
        data = event.data
        if not isinstance(data, RunStarted):
            raise ValueError(f"a run begins with run_started, not {event.type}")
        began = (event.at - _EPOCH) // timedelta(microseconds=1) * 1_000
        run = Span(
            trace_id=trace_id(event.run_id),
            span_id=span_id(event.run_id, "run"),
            parent_id=None,
            name=f"invoke_agent {data.agent}",
            kind="internal",
            start=began,
            end=began,
            attributes={
                "gen_ai.operation.name": "invoke_agent",
                "gen_ai.provider.name": _PROVIDER,
                "gen_ai.agent.name": data.agent,
                "gen_ai.agent.version": data.digest,
                "gen_ai.conversation.id": event.run_id,
                "gen_ai.request.model": data.model,
                "workbench.model.source": data.model_source,
                "workbench.trigger": data.trigger.kind,
            },
        )
        if data.endpoint is not None:
            run.attributes["server.address"] = data.endpoint
        if data.parent_run_id is not None:
            run.link = (trace_id(data.parent_run_id), span_id(data.parent_run_id, "run"))
            run.attributes["workbench.parent_run"] = data.parent_run_id
        if content is not None:
            run.attributes |= content.of_start(data)
        return cls(run, began, content)

    def take(self, event: Event) -> None:
        """Take one more event."""
        now = self._began + round(event.offset * 1e9)
        self._run.end = max(self._run.end, now)
        if event.step > 0 and not isinstance(event.data, RunCompleted | RunFailed):
            self._in_step(event.step, now)
        match event.data:
            case ModelRequest() as data:
                self._asked = (data, now, event.seq)
                if self._content is not None:
                    self._content.asked(data)
            case ModelResponse() as data:
                self._answered(data, now, event.seq)
            case ToolCall() as data:
                self._called[data.call_id] = (data, now)
            case ToolResult() as data:
                self._came_back(data, now, event.seq)
            case Notice() | Egress() | Permission() as data:
                (self._step or self._run).events.append(_span_event(data, now))
            case RunCompleted() | RunFailed() as data:
                self._ended(data, now)
            case _:
                pass

    def finished(self) -> Sequence[Span]:
        """All spans; what was under way when the trace ends is an error that ends there."""
        if self._asked is not None:
            data, start, seq = self._asked
            span = self._model_span(data, start, self._run.end, seq)
            span.error = str(self._run.attributes.get("error.type", "no reply"))
            span.attributes["error.type"] = span.error
        for number, (call, start) in enumerate(self._called.values()):
            span = self._tool_span(call, start, self._run.end, f"unanswered call {number} {call.call_id}")
            span.error = "no result"
            span.attributes["error.type"] = span.error
        return self._spans

    def _in_step(self, number: int, now: int) -> None:
        name = f"step {number}"
        if self._step is None or self._step.name != name:
            self._step = self._span(name, "internal", self._run, now, now, name)
            self._step.attributes["workbench.step"] = number
        self._step.end = max(self._step.end, now)

    def _answered(self, data: ModelResponse, now: int, seq: int) -> None:
        asked, self._asked = self._asked, None
        if asked is None:
            return
        request, asked_at, _ = asked
        start = max(asked_at, now - round(data.duration * 1e9)) if data.origin == "live" else asked_at
        span = self._model_span(request, start, now, seq)
        span.attributes |= {"gen_ai.response.model": data.model, **_usage(data.usage), "workbench.origin": data.origin}
        if data.stop_reason is not None:
            span.attributes["gen_ai.response.finish_reasons"] = [data.stop_reason]
        if data.message_id is not None:
            span.attributes["gen_ai.response.id"] = data.message_id
        if data.time_to_first_token is not None:
            span.attributes["gen_ai.response.time_to_first_chunk"] = data.time_to_first_token
        if data.cost_usd is not None:
            span.attributes["workbench.cost.usd"] = float(microdollars(data.cost_usd))
        if self._content is not None:
            span.attributes |= self._content.of_reply(data)

    def _came_back(self, data: ToolResult, now: int, seq: int) -> None:
        called = self._called.pop(data.call_id, None)
        if called is None:
            return
        call, called_at = called
        start = max(called_at, now - round(data.latency * 1e9))
        span = self._tool_span(call, start, now, f"result {seq}")
        span.attributes |= {"workbench.origin": data.origin, "workbench.tool.truncated": data.truncated}
        if data.exit_code is not None:
            span.attributes["workbench.tool.exit_code"] = data.exit_code
        if data.is_error:
            span.error = "tool_error"
            span.attributes["error.type"] = span.error
        if self._content is not None:
            span.attributes |= self._content.of_result(data)

    def _ended(self, data: RunCompleted | RunFailed, now: int) -> None:
        run = self._run
        run.attributes |= {**_usage(data.usage), **_costs(data.costs), "workbench.steps": data.steps}
        if isinstance(data, RunFailed):
            run.error = data.message
            run.attributes["error.type"] = data.error
        else:
            run.attributes["gen_ai.response.finish_reasons"] = [data.stop_reason]
            if self._content is not None:
                run.attributes |= self._content.of_end(data)
        if self._step is not None:
            self._step.end = max(self._step.end, now)

    def _model_span(self, data: ModelRequest, start: int, end: int, seq: int) -> Span:
        span = self._span(f"chat {data.model}", "client", self._step or self._run, start, end, f"reply {seq}")
        span.attributes |= {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": _PROVIDER,
            "gen_ai.request.model": data.model,
            "gen_ai.request.stream": True,
            "gen_ai.conversation.id": self._run_id,
        }
        limit = data.parameters.get("max_tokens")
        if isinstance(limit, int):
            span.attributes["gen_ai.request.max_tokens"] = limit
        if self._content is not None:
            span.attributes |= self._content.of_request()
        return span

    def _tool_span(self, data: ToolCall, start: int, end: int, part: str) -> Span:
        span = self._span(f"execute_tool {data.tool}", "internal", self._step or self._run, start, end, part)
        span.attributes |= {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": data.tool,
            "gen_ai.tool.call.id": data.call_id,
            "gen_ai.tool.type": "extension" if data.server == "vendor" else "function",
            "workbench.tool.server": data.server,
        }
        if self._content is not None:
            span.attributes |= self._content.of_call(data)
        return span

    def _span(self, name: str, kind: Kind, parent: Span, start: int, end: int, part: str) -> Span:
        made = span_id(self._run_id, part)
        span = Span(self._run.trace_id, made, parent.span_id, name, kind, start, end, {})
        self._spans.append(span)
        return span


def _usage(usage: Usage) -> Mapping[str, int]:
    """Tokens by the conventions: those from and for the cache are part of the input tokens."""
    return {
        "gen_ai.usage.input_tokens": usage.total_input_tokens,
        "gen_ai.usage.output_tokens": usage.output_tokens,
        "gen_ai.usage.cache_read.input_tokens": usage.cache_read_tokens,
        "gen_ai.usage.cache_creation.input_tokens": usage.cache_write_5m_tokens + usage.cache_write_1h_tokens,
        "gen_ai.usage.reasoning.output_tokens": usage.thinking_tokens,
    }


def _costs(costs: Costs) -> Mapping[str, float]:
    """Costs in USD; what is unknown is left out."""
    amounts = {"model": costs.model, "runtime": costs.runtime, "total": costs.total}
    return {
        f"workbench.cost.{name}_usd": float(microdollars(amount))
        for name, amount in amounts.items()
        if amount is not None
    }


def _span_event(data: Notice | Egress | Permission, now: int) -> SpanEvent:
    match data:
        case Notice():
            said = {} if data.kind in _QUOTES_OTHERS else {"text": data.text}
            return SpanEvent("workbench.notice", now, {"kind": data.kind, "level": data.level, **said})
        case Egress():
            place: dict[str, Value] = {"server.address": data.host, "server.port": data.port}
            return SpanEvent("workbench.egress", now, {**place, "decision": data.decision, "reason": data.reason})
        case Permission():
            return SpanEvent("workbench.permission", now, {"gen_ai.tool.name": data.tool, "state": data.state})
