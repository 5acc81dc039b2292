"""What is said of an event in a few words each: the head of its detail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import singledispatch

from workbench.cost.usage import Usage
from workbench.trace.events import (
    ContainerState,
    Costs,
    Egress,
    Event,
    EventData,
    ModelRequest,
    ModelResponse,
    Notice,
    Permission,
    Reasoning,
    RunCompleted,
    RunFailed,
    RunStarted,
    ToolCall,
    ToolResult,
)
from workbench.tui.amounts import clock_time, short_time

Fact = tuple[str, str]

_DIGEST = 16
"""Characters of a digest that are shown."""


def facts_of(event: Event) -> Sequence[Fact]:
    """Names and values, without those that say nothing."""
    where = f"step {event.step} · event {event.seq}" if event.step else f"event {event.seq}"
    at = f"{clock_time(event.offset)} s into the run · {event.at:%Y-%m-%d %H:%M:%S} UTC"
    head = ((event.type, where), ("at", at))
    origin = getattr(event.data, "origin", None)
    found = (*head, *_facts(event.data), ("from", origin or ""))
    return [(name, value) for name, value in found if value]


@singledispatch
def _facts(data: EventData) -> Iterator[Fact]:
    yield from ()


@_facts.register
def _(data: RunStarted) -> Iterator[Fact]:
    yield "agent", f"{data.agent} · definition {_short(data.digest)}"
    yield "model", f"{data.model} · {data.model_source}" + (f" {data.endpoint}" if data.endpoint else "")
    yield "trigger", f"{data.trigger.kind} {data.trigger.detail}".strip()
    yield "budget", "none" if data.budget_usd is None else f"${data.budget_usd}"
    if data.parent_run_id:
        fork = "" if data.fork_step is None else f" · forked at step {data.fork_step}"
        yield "parent", f"run {data.parent_run_id}{fork}"
    missing = [name for name in ("tool_calls", "reasoning") if not getattr(data.captured, name)]
    yield "not captured", ", ".join(missing)


@_facts.register
def _(data: ModelRequest) -> Iterator[Fact]:
    yield "model", data.model
    yield "messages", f"{data.message_count:,}, of which {len(data.messages_added):,} new"
    if data.worst_case_usd is not None:
        yield "at most", f"${data.worst_case_usd:.6f}"
    yield "digest", _short(data.digest)


@_facts.register
def _(data: ModelResponse) -> Iterator[Fact]:
    yield "model", data.model
    yield "stop reason", data.stop_reason or "none"
    yield "took", short_time(data.duration) + _first_token(data)
    yield "tokens", usage_text(data.usage)
    yield "cost", "unknown: the model has no known price" if data.cost_usd is None else f"${data.cost_usd:.6f}"
    yield "request", " · ".join(filter(None, (data.request_id, data.message_id)))


@_facts.register
def _(data: Reasoning) -> Iterator[Fact]:
    yield "took", "" if data.duration is None else short_time(data.duration)


@_facts.register
def _(data: ToolCall) -> Iterator[Fact]:
    yield "tool", f"{data.tool} of {data.server} · call {data.index} of its turn · {data.call_id}"
    yield "arguments", f"{data.arguments_bytes:,} bytes · digest {_short(data.digest)}"
    if data.container is not None:
        yield from _container(data.container)


@_facts.register
def _(data: ToolResult) -> Iterator[Fact]:
    yield "tool", f"{data.tool} of {data.server} · {data.call_id}"
    ended = "error" if data.is_error else "ok"
    yield "ended", ended + (f" · exit code {data.exit_code}" if data.exit_code is not None else "")
    yield "took", short_time(data.latency)
    cut = " · truncated: the tool gave more than was kept" if data.truncated else ""
    yield "result", f"{data.content_bytes:,} bytes{cut}" + (f" · digest {_short(data.digest)}" if data.digest else "")
    yield "workspace", _short(data.snapshot or "")


@_facts.register
def _(data: Egress) -> Iterator[Fact]:
    yield "to", f"{data.host}:{data.port}" + (f" ({data.address})" if data.address else "")
    yield "decision", data.decision
    yield "bytes", f"{data.bytes_sent:,} sent · {data.bytes_received:,} received"
    yield "took", short_time(data.duration)


@_facts.register
def _(data: Permission) -> Iterator[Fact]:
    yield "tool", f"{data.tool} of {data.server}"
    yield "state", data.state


@_facts.register
def _(data: Notice) -> Iterator[Fact]:
    yield "about", f"{data.kind} · {data.level}"


@_facts.register
def _(data: RunCompleted) -> Iterator[Fact]:
    yield "stop reason", data.stop_reason
    yield from _ending(data)


@_facts.register
def _(data: RunFailed) -> Iterator[Fact]:
    yield "error", data.error
    yield "state", f"step {data.state.step} · last event {data.state.last_event}"
    yield from _ending(data)


def usage_text(usage: Usage) -> str:
    """Tokens by kind, those that there are."""
    kinds = (
        (usage.input_tokens, "in"),
        (usage.output_tokens, "out"),
        (usage.cache_read_tokens, "cache read"),
        (usage.cache_write_5m_tokens, "cache write 5 m"),
        (usage.cache_write_1h_tokens, "cache write 1 h"),
        (usage.thinking_tokens, "of them thinking"),
        (usage.web_searches, "web searches"),
    )
    return " · ".join(f"{count:,} {name}" for count, name in kinds if count)


def _ending(data: RunCompleted | RunFailed) -> Iterator[Fact]:
    yield "took", f"{short_time(data.duration)} · {data.steps} steps"
    yield "tokens", usage_text(data.usage)
    yield "cost", costs_text(data.costs)


def costs_text(costs: Costs) -> str:
    """Model, runtime and total in USD."""
    model = "unknown" if costs.model is None else f"${costs.model:.6f}"
    total = "unknown" if costs.total is None else f"${costs.total:.6f}"
    return f"{total} · model {model} · runtime ${costs.runtime:.6f} for {costs.runtime_seconds} s"


def _short(digest: str) -> str:
    """The beginning of a digest: enough to tell two apart, and it fits on a line."""
    return digest if len(digest) <= _DIGEST else f"{digest[:_DIGEST]}…"


def _first_token(data: ModelResponse) -> str:
    return "" if data.time_to_first_token is None else f" · first token after {short_time(data.time_to_first_token)}"


def _container(state: ContainerState) -> Iterator[Fact]:
    memory = "" if state.memory_bytes is None else f" · {state.memory_bytes / 1_000_000:,.1f} MB of memory"
    cpu = "" if state.cpu_seconds is None else f" · {state.cpu_seconds:.2f} s of CPU"
    yield "sandbox", f"{state.cwd}{memory}{cpu}"
    yield "workspace", _short(state.snapshot or "")
