"""A run as steps: its events folded into what was given, what each step said, called and got back, and its end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from workbench.jsontypes import JsonObject
from workbench.trace.errors import SequenceError
from workbench.trace.events import (
    Event,
    Message,
    ModelRequest,
    ModelResponse,
    Origin,
    Reasoning,
    RunCompleted,
    RunFailed,
    RunStarted,
    ToolCall,
    ToolResult,
)


@dataclass(frozen=True, slots=True)
class CallRecord:
    """A tool call and its result, None while it is under way or when the run ended before it."""

    call: ToolCall
    result: ToolResult | None


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One model turn and the tool calls that it made, in the order of the calls.

    `message` and `reasoning` are all texts of the step. `snapshot` names the workspace as the step left it, None when
    the run has none. `offset` is when the step began, in seconds.
    """

    number: int
    offset: float
    request: ModelRequest | None
    response: ModelResponse | None
    message: str
    reasoning: str
    calls: Sequence[CallRecord]
    snapshot: str | None

    @property
    def origin(self) -> Origin | None:
        """Where the reply came from; None before it is there."""
        return None if self.response is None else self.response.origin

    @property
    def from_tape(self) -> bool:
        """Whether nothing of the step was asked live: neither the model nor a tool."""
        origins = [call.result.origin for call in self.calls if call.result is not None]
        return self.origin == "tape" and all(origin == "tape" for origin in origins)


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run in steps. `tools` are those that the model was offered at first, `parameters` what else was sent then."""

    run_id: str
    started: RunStarted
    steps: Sequence[StepRecord]
    end: RunCompleted | RunFailed | None
    tools: Sequence[JsonObject]
    parameters: JsonObject
    duration: float


@dataclass
class _Step:
    """A step that is being read."""

    number: int
    offset: float
    request: ModelRequest | None = None
    response: ModelResponse | None = None
    texts: list[str] = field(default_factory=list)
    thoughts: list[str] = field(default_factory=list)
    calls: list[ToolCall] = field(default_factory=list)
    results: dict[str, ToolResult] = field(default_factory=dict)

    def take(self, event: Event) -> None:
        """Count one more event of the step."""
        match event.data:
            case ModelRequest() as data:
                self.request = data
            case ModelResponse() as data:
                self.response = data
            case Message() as data:
                self.texts.append(data.text)
            case Reasoning(text=str(text)):
                self.thoughts.append(text)
            case ToolCall() as data:
                self.calls.append(data)
            case ToolResult() as data:
                self.results[data.call_id] = data
            case _:
                pass

    def finished(self, before: str | None) -> StepRecord:
        """The step; `before` names the workspace as the step before left it."""
        seen = [call.container.snapshot for call in self.calls if call.container is not None]
        seen += [result.snapshot for result in self.results.values()]
        named = [snapshot for snapshot in seen if snapshot is not None]
        return StepRecord(
            number=self.number,
            offset=self.offset,
            request=self.request,
            response=self.response,
            message="\n".join(self.texts),
            reasoning="\n".join(self.thoughts),
            calls=tuple(CallRecord(call, self.results.get(call.call_id)) for call in self.calls),
            snapshot=named[-1] if named else before,
        )


def record_of(events: Iterable[Event]) -> RunRecord:
    """The record of a run from its events, all of them or as many as there are yet.

    Raises:
        SequenceError: they do not begin with `run_started`.
    """
    started: RunStarted | None = None
    end: RunCompleted | RunFailed | None = None
    run_id, duration = "", 0.0
    steps: dict[int, _Step] = {}
    for event in events:
        if started is None:
            if not isinstance(event.data, RunStarted):
                raise SequenceError(f"run {event.run_id} begins with {event.type}; expected run_started")
            started, run_id = event.data, event.run_id
        duration = event.offset
        if isinstance(event.data, RunCompleted | RunFailed):
            end = event.data
        elif event.step:
            steps.setdefault(event.step, _Step(event.step, event.offset)).take(event)
    if started is None:
        raise SequenceError("a run has at least one event")
    finished: list[StepRecord] = []
    for step in steps.values():
        finished.append(step.finished(finished[-1].snapshot if finished else None))
    requests = [step.request for step in finished if step.request is not None]
    tools = next((request.tools for request in requests if request.tools is not None), None)
    return RunRecord(
        run_id=run_id,
        started=started,
        steps=tuple(finished),
        end=end,
        tools=tools or (),
        parameters=requests[0].parameters if requests else {},
        duration=float(end.duration) if end is not None else float(duration),
    )
