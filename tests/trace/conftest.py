"""Events for the tests of the trace: any that can be, by hypothesis, and a run as a person would recognise it."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import pytest
from hypothesis import strategies as st

from workbench.cost.usage import Usage
from workbench.jsontypes import JsonObject, JsonValue
from workbench.trace.events import (
    EVENT_TYPES,
    ContainerState,
    Costs,
    Event,
    EventData,
    FileChange,
    Message,
    ModelRequest,
    ModelResponse,
    Notice,
    RunCompleted,
    RunStarted,
    ToolCall,
    ToolResult,
    Trigger,
)
from workbench.trace.store import Store

BEGIN = datetime(2026, 11, 22, 9, 30, 0, 123456, tzinfo=UTC)
LIMIT = 2**53

_TEXT = st.one_of(
    st.text(max_size=40),
    st.text(max_size=10).map(lambda text: text + "long enough to be pooled " * 21),
    st.text(st.characters(categories=("Cs", "Lu"), min_codepoint=0xDC00), max_size=5),  # lone low surrogates among them
    st.sampled_from(["\x1b[31mred", "\u202eevil", "line\r\nbreak\u2028here", "x" * 512, "é" * 256, "\ud800"]),
)
_KEYS = st.one_of(st.text(max_size=8), st.sampled_from(["$blob", "$$blob", "$$$blob", "blob", "$blob2"]))
_NUMBERS = st.one_of(st.integers(-(10**20), 10**20), st.floats(allow_nan=False, allow_infinity=False))
_JSON: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), _NUMBERS, _TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(_KEYS, inner, max_size=3)),
    max_leaves=12,
)
_OBJECT: st.SearchStrategy[Any] = st.dictionaries(_KEYS, _JSON, max_size=4)
_PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    str: _TEXT,
    int: st.integers(0, LIMIT // 1_000_000),
    float: st.floats(0, 1e9),
    bool: st.booleans(),
    Decimal: st.decimals(0, 10**6, places=9),
}


def strategy_of(annotation: Any) -> st.SearchStrategy[Any]:
    """Values of a field of an event, by its annotation."""
    if annotation is JsonValue:
        return _JSON
    if annotation is JsonObject:
        return _OBJECT
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    if dataclasses.is_dataclass(annotation):
        return data_of(annotation)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin is Sequence:
        return st.lists(strategy_of(arguments[0]), max_size=3).map(tuple)
    assert origin in (Union, UnionType), annotation
    return st.one_of(*(st.none() if part is NoneType else strategy_of(part) for part in arguments))


def data_of(data_class: Any) -> st.SearchStrategy[Any]:
    """Any value of a data class of events."""
    annotations = inspect.get_annotations(data_class, eval_str=True)
    fields = {field.name: strategy_of(annotations[field.name]) for field in dataclasses.fields(data_class)}
    return st.builds(data_class, **fields)


@pytest.fixture(scope="session")
def any_json() -> st.SearchStrategy[Any]:
    """Any JSON value."""
    return _JSON


@pytest.fixture(scope="session")
def any_data() -> dict[str, st.SearchStrategy[EventData]]:
    """Any data of each type of event."""
    return {name: data_of(data_class) for name, data_class in EVENT_TYPES.items()}


@pytest.fixture(scope="session")
def any_event(any_data: dict[str, st.SearchStrategy[EventData]]) -> st.SearchStrategy[Event]:
    """Any event."""
    return st.builds(
        Event,
        run_id=st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,20}\Z"),
        seq=st.integers(1, LIMIT),
        step=st.integers(0, LIMIT),
        at=st.datetimes(datetime(2020, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)),
        offset=st.floats(0, 1e9),
        data=st.one_of(*any_data.values()),
    )


def story(run_id: str = "261122-093000-abcd", steps: int = 2, **started: Any) -> list[Event]:
    """A whole run: each step is a request, a reply, a message, a tool call and its result."""
    items: list[tuple[int, EventData]] = [(0, beginning(**started)), (0, Notice("sandbox", "gVisor proven"))]
    for step in range(1, steps + 1):
        items.extend((step, data) for data in one_step(step))
    usage = Usage(100 * steps, 20 * steps, 1_000 * steps)
    costs = Costs(
        Decimal("0.0003") * steps, Decimal("0.00002"), Decimal("0.0003") * steps + Decimal("0.00002"), Decimal(1)
    )
    items.append((steps, RunCompleted("The ticket is about billing.", "end_turn", steps, usage, costs, 4.5, "snap-9")))
    return numbered(run_id, items)


def numbered(run_id: str, items: Sequence[tuple[int, EventData]], begin: datetime = BEGIN) -> list[Event]:
    """Events of a run from their steps and data."""
    return [
        Event(run_id, seq, step, begin + timedelta(milliseconds=10 * seq), seq / 100, data)
        for seq, (step, data) in enumerate(items, start=1)
    ]


def beginning(**changes: Any) -> RunStarted:
    """The data of a run's first event."""
    definition = {"name": "support-triage", "model": "claude-haiku-4-5", "system_prompt": "Be brief. " * 100}
    plain = RunStarted(
        "support-triage",
        "d" * 32,
        definition,
        Trigger("webhook", "/new-ticket"),
        "My invoice is wrong",
        "claude-haiku-4-5",
        "offline",
        None,
        Decimal("0.50"),
    )
    return dataclasses.replace(plain, **changes)


def one_step(step: int) -> Sequence[EventData]:
    """The events of one step; the result of its tool is long, and in the next request too."""
    before, output = f"result {step - 1} " * 100, f"result {step} " * 100
    call: JsonObject = {"type": "tool_use", "id": f"t{step}", "name": "bash", "input": {"command": "cat ticket.txt"}}
    reply: Sequence[JsonObject] = ({"type": "text", "text": f"Looking, {step}"}, call)
    changed = (FileChange("notes.txt", "modified", 120),)
    return (
        ModelRequest(
            "claude-haiku-4-5",
            step * 2 - 1,
            f"{step:032x}",
            step * 2 - 2,
            ({"role": "user", "content": [{"type": "tool_result", "tool_use_id": f"t{step - 1}", "content": before}]},),
            {"max_tokens": 1024},
        ),
        ModelResponse(
            "claude-haiku-4-5", reply, "tool_use", Usage(100, 20, 1_000), Decimal("0.0003"), 0.8, 0.2, f"req_{step}"
        ),
        Message(f"Looking, {step}"),
        ToolCall(
            f"t{step}",
            1,
            "bash",
            "bash",
            {"command": "cat ticket.txt"},
            28,
            "c" * 32,
            ContainerState("/workspace", "s1"),
        ),
        ToolResult(
            f"t{step}",
            "bash",
            "bash",
            ({"type": "text", "text": output},),
            len(output),
            step % 2 == 0,
            0.05,
            exit_code=step % 2 - 1,
            changed=changed,
        ),
    )


@pytest.fixture(scope="session")
def make_run() -> Callable[..., list[Event]]:
    """Makes the events of a whole run: `make_run(run_id, steps, **changes of run_started)`."""
    return story


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    with Store.open(tmp_path) as opened:
        yield opened
