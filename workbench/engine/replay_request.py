"""What a replay is asked for: a parent run, the point from which it is no longer simply the tape, and what is changed.

The replay editor, the command line and the hot re-run all speak to the engine in this one type.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, cast, get_args

from workbench.jsontypes import JsonObject, JsonValue

Source = Literal["live", "tape_while_unchanged", "tape"]
"""Who answers from the fork point on.

`live`: the model or the tools themselves. `tape_while_unchanged`: the tape for what it holds the very same question
of, the real one from the first difference on. `tape`: the tape only; a question that it does not hold stops the replay.
"""


_SOURCES: Mapping[str, Source] = {source: source for source in get_args(Source)}


@dataclass(frozen=True, slots=True, order=True)
class ForkPoint:
    """Where a replay leaves its tape.

    With `call` 0 it is the model's turn of `step`: all steps before it are the tape's. With `call` k it is the k-th
    tool call (from 1) of `step`: the reply of that step and the results of the calls before k are the tape's too.
    """

    step: int
    call: int = 0


@dataclass(frozen=True, slots=True)
class EditedResult:
    """A tool result that the user wrote: content blocks as a `tool_result` holds them."""

    content: Sequence[JsonObject]
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class Edits:
    """What differs from the parent. Steps and the calls of a step count from 1.

    `settings` maps dotted keys of agent.yaml to values (`model.id`, `model.max_tokens`, `max_iterations`). `replies`
    maps a step to the content blocks that stand for the model's reply there, `results` a step and call to its result,
    `messages` a step (0: the input) to text that the user says after it; an empty text takes back what the parent's
    user said there.
    """

    system_prompt: str | None = None
    input: str | None = None
    settings: Mapping[str, JsonValue] = field(default_factory=dict)
    replies: Mapping[int, Sequence[JsonObject]] = field(default_factory=dict)
    results: Mapping[tuple[int, int], EditedResult] = field(default_factory=dict)
    messages: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReplayRequest:
    """A replay of `parent_run_id`: the tape up to `fork`, with `edits`; from there `model` and `tools` answer.

    `fork` None is the earliest point that the edits can affect.
    """

    parent_run_id: str
    fork: ForkPoint | None = None
    edits: Edits = field(default_factory=Edits)
    model: Source = "live"
    tools: Source = "tape_while_unchanged"


def described(
    request: ReplayRequest, fork: ForkPoint, spent_before: Decimal, said: Mapping[int, str], *, in_place: bool = False
) -> JsonObject:
    """What was asked for, as `RunStarted.replay` holds it; `asked_for` reads it.

    `said` is all that the user says after steps. `in_place`: the run works in the agent's persistent workspace.
    """
    edits = request.edits
    return {
        "parent": request.parent_run_id,
        "fork": [fork.step, fork.call],
        "model": request.model,
        "tools": request.tools,
        "edits": {
            "system_prompt": edits.system_prompt,
            "input": edits.input,
            "settings": dict(edits.settings),
            "replies": {str(step): list(blocks) for step, blocks in edits.replies.items()},
            "results": {
                f"{step}.{call}": {"content": list(edit.content), "is_error": edit.is_error}
                for (step, call), edit in edits.results.items()
            },
            "messages": {str(step): text for step, text in edits.messages.items()},
        },
        "said": {str(step): text for step, text in said.items()},
        "spent_before_usd": format(spent_before, "f"),
        "in_place": in_place,
    }


def asked_for(replay: JsonObject) -> ReplayRequest:
    """The request that a replay recorded.

    Raises:
        ValueError: it is not what `described` writes.
    """
    try:
        return _read(cast("Mapping[str, Any]", replay))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"what the replay was asked for cannot be read: {type(error).__name__}") from None


def _read(replay: Mapping[str, Any]) -> ReplayRequest:
    edits = replay["edits"]
    step, call = replay["fork"]
    return ReplayRequest(
        parent_run_id=str(replay["parent"]),
        fork=ForkPoint(int(step), int(call)),
        edits=Edits(
            system_prompt=edits["system_prompt"],
            input=edits["input"],
            settings=dict(edits["settings"]),
            replies={int(step): list(blocks) for step, blocks in edits["replies"].items()},
            results={_place(at): EditedResult(**edit) for at, edit in edits["results"].items()},
            messages={int(step): str(text) for step, text in edits["messages"].items()},
        ),
        model=_SOURCES[replay["model"]],
        tools=_SOURCES[replay["tools"]],
    )


def _place(text: str) -> tuple[int, int]:
    step, _, call = text.partition(".")
    return int(step), int(call)
