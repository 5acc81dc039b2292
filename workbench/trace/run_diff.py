"""How two runs differ: what they were given, and step by step what they said, called, got back and left in files.

Times, tokens and costs are told by the records themselves; they never make two runs different, so that a replay from
its tape alone is the same as its parent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Literal, TypeVar

from workbench.jsontypes import JsonObject, JsonValue
from workbench.trace.alignment import Key, align
from workbench.trace.digest import canonical
from workbench.trace.events import FileChange, RunCompleted, RunFailed
from workbench.trace.run_record import CallRecord, RunRecord, StepRecord

T = TypeVar("T")

Part = Literal["message", "reasoning", "stop reason", "tool calls", "results", "files"]
"""What of a step may differ."""

Given = Literal["system prompt", "input", "settings", "tools"]
"""What of that which a run was given may differ."""

CompareWorkspaces = Callable[[str | None, str | None], Sequence[FileChange] | None]
"""The files that differ between two snapshots of workspaces, by content; None when that cannot be told."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting that differs, by its dotted name; None where a run does not have it."""

    name: str
    left: JsonValue
    right: JsonValue


@dataclass(frozen=True, slots=True)
class CallDiff:
    """Two tool calls that correspond; one of them is None when the other run did not make it."""

    left: CallRecord | None
    right: CallRecord | None

    @property
    def call_differs(self) -> bool:
        """Whether another tool or other arguments were called."""
        return self.left is None or self.right is None or self.left.call.digest != self.right.call.digest

    @property
    def result_differs(self) -> bool:
        """Whether both calls were made and gave something else back."""
        return self.left is not None and self.right is not None and not _same_result(self.left, self.right)


@dataclass(frozen=True, slots=True)
class StepDiff:
    """Two steps that correspond; one of them is None when the other run has no such step.

    `files` are the paths that either step changed and that differ after it.
    """

    left: StepRecord | None
    right: StepRecord | None
    calls: Sequence[CallDiff]
    files: Sequence[str]
    parts: Sequence[Part]

    @property
    def is_same(self) -> bool:
        """Whether both runs have the step and it is the same."""
        return self.left is not None and self.right is not None and not self.parts


@dataclass(frozen=True, slots=True)
class RunDiff:
    """Two runs and where they differ. `outcome_differs` is set when they end otherwise."""

    left: RunRecord
    right: RunRecord
    given: Sequence[Given]
    settings: Sequence[Setting]
    tools: Sequence[Setting]
    steps: Sequence[StepDiff]
    outcome_differs: bool

    @property
    def is_same(self) -> bool:
        """Whether the runs are the same in all that they were given, said and did."""
        return not self.given and not self.outcome_differs and all(step.is_same for step in self.steps)

    @property
    def parting(self) -> StepDiff | None:
        """The first step that is not the same, None when all are."""
        return next((step for step in self.steps if not step.is_same), None)


def diff_runs(left: RunRecord, right: RunRecord, workspaces: CompareWorkspaces = lambda one, other: None) -> RunDiff:
    """The difference of two runs. Without `workspaces` files are compared by what the trace says of their changes."""
    settings = list(_settings(left, right))
    tools = list(_tools(left, right))
    return RunDiff(
        left=left,
        right=right,
        given=list(_given(left, right, settings, tools)),
        settings=settings,
        tools=tools,
        steps=[_step(one, other, workspaces) for one, other in _step_pairs(left.steps, right.steps)],
        outcome_differs=_outcome(left) != _outcome(right),
    )


def result_value(record: CallRecord) -> JsonValue:
    """What of a result is compared when it has no digest."""
    result = record.result
    if result is None:
        return None
    return {"content": None if result.content is None else list(result.content), "is_error": result.is_error}


def _given(left: RunRecord, right: RunRecord, settings: Sequence[Setting], tools: Sequence[Setting]) -> Iterator[Given]:
    if left.started.definition.get("system_prompt") != right.started.definition.get("system_prompt"):
        yield "system prompt"
    if left.started.input != right.started.input:
        yield "input"
    if settings:
        yield "settings"
    if tools:
        yield "tools"


def _settings(left: RunRecord, right: RunRecord) -> Iterator[Setting]:
    """Everything of the definition but the prompt, what was sent with the first request, and who answered.

    A tape answers for whatever answered its run, so it is no other source.
    """
    one, other = _sent(left), _sent(right)
    if "tape" not in (left.started.model_source, right.started.model_source):
        one, other = {**one, **_source(left)}, {**other, **_source(right)}
    for name in dict.fromkeys((*one, *other)):
        if one.get(name) != other.get(name):
            yield Setting(name, one.get(name), other.get(name))


def _sent(run: RunRecord) -> dict[str, JsonValue]:
    definition = {name: value for name, value in run.started.definition.items() if name != "system_prompt"}
    request = {f"request.{name}": value for name, value in _flat(run.parameters) if name != "model"}
    return {**dict(_flat(definition)), **request}


def _source(run: RunRecord) -> dict[str, JsonValue]:
    return {"model.source": run.started.model_source, "model.endpoint": run.started.endpoint}


def _flat(value: JsonObject, prefix: str = "") -> Iterator[tuple[str, JsonValue]]:
    """The leaves of a JSON object by their dotted names; items of a list go by their position, from 0."""
    for name, item in value.items():
        whole = f"{prefix}{name}"
        if isinstance(item, Mapping) and item:
            yield from _flat(item, f"{whole}.")
        elif isinstance(item, Sequence) and not isinstance(item, str) and item:
            yield from _flat({str(index): each for index, each in enumerate(item)}, f"{whole}.")
        else:
            yield whole, item


def _tools(left: RunRecord, right: RunRecord) -> Iterator[Setting]:
    """The tools that the model was offered in one run only, or described otherwise."""
    if not left.steps or not right.steps:
        return
    one, other = ({str(tool.get("name")): tool for tool in run.tools} for run in (left, right))
    for name in dict.fromkeys((*one, *other)):
        if canonical(one.get(name)) != canonical(other.get(name)):
            yield Setting(name, one.get(name), other.get(name))


def _step_pairs(
    left: Sequence[StepRecord], right: Sequence[StepRecord]
) -> Iterator[tuple[StepRecord | None, StepRecord | None]]:
    rows = align([[_step_key(step) for step in run] for run in (left, right)])
    for one, other in _beside(rows):
        yield None if one is None else left[one], None if other is None else right[other]


def _beside(rows: Sequence[tuple[int | None, ...]]) -> Iterator[tuple[int | None, int | None]]:
    """The rows; where one side has something of its own and so has the other, both share rows."""
    only_left: list[int] = []
    only_right: list[int] = []
    for left, right in rows:
        if left is not None and right is not None:
            yield from zip_longest(only_left, only_right)
            only_left, only_right = [], []
            yield left, right
        elif left is not None:
            only_left.append(left)
        elif right is not None:
            only_right.append(right)
    yield from zip_longest(only_left, only_right)


def _step_key(step: StepRecord) -> Key:
    calls = tuple(call.call.digest for call in step.calls)
    results = tuple(call.result.digest if call.result is not None else None for call in step.calls)
    tools = tuple(call.call.tool for call in step.calls)
    return Key((tools, step.message, calls, results), tools)


def _step(left: StepRecord | None, right: StepRecord | None, workspaces: CompareWorkspaces) -> StepDiff:
    calls = list(_calls(left, right))
    if left is None or right is None:
        return StepDiff(left, right, calls, _own_files(left or right), ())
    files = _files(left, right, workspaces)
    return StepDiff(left, right, calls, files, list(_parts(left, right, calls, files)))


def _parts(left: StepRecord, right: StepRecord, calls: Sequence[CallDiff], files: Sequence[str]) -> Iterator[Part]:
    if left.reasoning != right.reasoning:
        yield "reasoning"
    if left.message != right.message:
        yield "message"
    if left.response is not None and right.response is not None:
        if left.response.stop_reason != right.response.stop_reason:
            yield "stop reason"
    elif (left.response is None) != (right.response is None):
        yield "message"
    if any(call.call_differs for call in calls):
        yield "tool calls"
    if any(call.result_differs for call in calls):
        yield "results"
    if files:
        yield "files"


def _calls(left: StepRecord | None, right: StepRecord | None) -> Iterator[CallDiff]:
    one = left.calls if left is not None else ()
    other = right.calls if right is not None else ()
    rows = align([[Key(call.call.digest, call.call.tool) for call in calls] for calls in (one, other)])
    for at_left, at_right in _beside(rows):
        yield CallDiff(None if at_left is None else one[at_left], None if at_right is None else other[at_right])


def _same_result(left: CallRecord, right: CallRecord) -> bool:
    if left.result is None or right.result is None:
        return left.result is right.result
    if left.result.digest and right.result.digest:
        return left.result.digest == right.result.digest
    return canonical(result_value(left)) == canonical(result_value(right))


def _files(left: StepRecord, right: StepRecord, workspaces: CompareWorkspaces) -> Sequence[str]:
    changed = _changes(left), _changes(right)
    paths = changed[0].keys() | changed[1].keys()
    if not paths:
        return ()
    differing = None
    if left.snapshot is not None and right.snapshot is not None:
        differing = workspaces(left.snapshot, right.snapshot)
    if differing is not None:
        return sorted(paths & {change.path for change in differing})
    return sorted(path for path in paths if changed[0].get(path) != changed[1].get(path))


def _changes(step: StepRecord) -> dict[str, FileChange]:
    """What the step's calls changed, by path."""
    results = [call.result for call in step.calls if call.result is not None]
    return {change.path: change for result in results for change in result.changed}


def _own_files(step: StepRecord | None) -> Sequence[str]:
    return sorted(_changes(step)) if step is not None else ()


def _outcome(run: RunRecord) -> tuple[str, str] | None:
    match run.end:
        case RunCompleted() as end:
            return ("completed", end.output)
        case RunFailed() as end:
            return ("failed", end.error)
        case None:
            return None
