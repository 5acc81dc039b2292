"""An event as a row of a timeline: everything that a list of events shows, without the event's whole data."""

from __future__ import annotations

from decimal import Decimal
from sys import intern
from typing import Any, NamedTuple

from workbench.trace.events import (
    Egress,
    Event,
    EventData,
    ModelResponse,
    Notice,
    Origin,
    Permission,
    Reasoning,
    RunFailed,
    ToolCall,
    ToolResult,
)
from workbench.trace.gist import gist
from workbench.trace.terminal import one_line


class EventRow(NamedTuple):
    """One row of a timeline. A named tuple, because there may be 100,000 of them on one screen.

    `tool` is the tool of a call, a result or a permission. `latency` is the time that it took in seconds, so that it
    began at `offset - latency`: of a reply, reasoning, a tool result or an egress. Tokens and `cost` (USD, None when
    unknown) are those of a reply. `is_error` marks failed tools, failed runs, refused egress and notices of errors.
    `call_id` is that of a tool call and of its result: calls of one turn end in any order.
    """

    seq: int
    step: int
    type: str
    tool: str | None
    gist: str
    offset: float
    latency: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost: Decimal | None = None
    origin: Origin | None = None
    is_error: bool = False
    call_id: str | None = None


COLUMNS = (
    "seq, step, type, tool, gist, offset, latency, input_tokens, output_tokens, cost_usd, origin, is_error, call_id"
)
"""The columns of the table `events` that make a row, in the order of its fields."""


_TIME = (float, int)
_TIME_OR_NONE = (float, int, type(None))
_COUNT_OR_NONE = (int, type(None))


def row_of(event: Event) -> EventRow:
    """The row of an event."""
    data = event.data
    response = data if isinstance(data, ModelResponse) else None
    return EventRow(
        seq=event.seq,
        step=event.step,
        type=event.type,
        tool=one_line(data.tool) if isinstance(data, ToolCall | ToolResult | Permission) else None,
        gist=gist(data),
        offset=float(event.offset),
        latency=_latency(data),
        input_tokens=response.usage.total_input_tokens if response else None,
        output_tokens=response.usage.output_tokens if response else None,
        cost=response.cost_usd if response else None,
        origin=getattr(data, "origin", None),
        is_error=_is_error(data),
        call_id=one_line(data.call_id) if isinstance(data, ToolCall | ToolResult) else None,
    )


def row_from_columns(values: tuple[Any, ...]) -> EventRow:
    """The row that a selection of `COLUMNS` gave.

    Raises:
        TypeError, ValueError, ArithmeticError: it holds what the program cannot have written.
    """
    seq, step, kind, tool, said, offset, latency, tokens_in, tokens_out, cost, origin, is_error, call_id = values
    if not isinstance(said, str) or not isinstance(offset, _TIME) or not isinstance(latency, _TIME_OR_NONE):
        raise TypeError("a text or a time is of another type")
    if not isinstance(step, int) or not isinstance(tokens_in, _COUNT_OR_NONE):
        raise TypeError("a number is none")
    if not isinstance(tokens_out, _COUNT_OR_NONE):
        raise TypeError("a number is none")
    return EventRow(
        seq,
        step,
        intern(kind),
        tool if tool is None else intern(tool),
        said,
        offset,
        latency,
        tokens_in,
        tokens_out,
        None if cost is None else Decimal(str(cost)),
        origin,
        bool(is_error),
        call_id if call_id is None else intern(call_id),
    )


def _latency(data: EventData) -> float | None:
    if isinstance(data, ToolResult):
        return data.latency
    if isinstance(data, ModelResponse | Reasoning | Egress):
        return data.duration
    return None


def _is_error(data: EventData) -> bool:
    match data:
        case ToolResult():
            return data.is_error
        case Egress():
            return data.decision == "refused"
        case Notice():
            return data.level == "error"
        case RunFailed():
            return True
        case _:
            return False
