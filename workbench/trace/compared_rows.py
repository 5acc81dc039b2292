"""What of a run is put beside other runs: what it said, called and got back, a row each, live or afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import NamedTuple

from workbench.jsontypes import JsonValue
from workbench.trace.alignment import Key
from workbench.trace.digest import digest
from workbench.trace.events import (
    Egress,
    Event,
    Message,
    ModelResponse,
    Notice,
    Origin,
    Permission,
    Reasoning,
    RunCompleted,
    RunFailed,
    RunStarted,
    ToolCall,
    ToolResult,
)
from workbench.trace.gist import gist
from workbench.trace.rows import row_of
from workbench.trace.whole_text import arguments_text, content_text


class ComparedRow(NamedTuple):
    """A row of one run. `text` is one line, safe to print.

    `exact` is equal in two rows that say the very same, whatever they took and cost. The first row of a step carries
    what the reply took (`latency`, seconds) and cost (`cost`, USD, None when unknown or when it is no first row), a
    result what the tool took. `call` is the place of a call or a result in its turn, from 1; otherwise 0.
    """

    seq: int
    step: int
    type: str
    tool: str | None
    text: str
    exact: str
    call: int = 0
    latency: float | None = None
    cost: Decimal | None = None
    origin: Origin | None = None
    is_error: bool = False

    @property
    def key(self) -> Key:
        """What decides which row of another run is its partner."""
        return Key((self.type, self.exact), (self.type, self.tool))


class ComparedRows:
    """The rows of a run that may go on. A result stands right after its call, also when it came later."""

    def __init__(self) -> None:
        self.rows: list[ComparedRow] = []
        self.keys: list[Key] = []
        self._reply: ModelResponse | None = None
        self._calls: dict[str, int] = {}

    def take(self, events: Iterable[Event]) -> int:
        """Add what these events say; gives the first row that is new or has moved, the number of rows if none is."""
        first = len(self.rows)
        for event in events:
            if isinstance(event.data, ModelResponse):
                self._reply = event.data
                continue
            row = self._row(event)
            if row is not None:
                place = self._place(row)
                self.rows.insert(place, row)
                self.keys.insert(place, row.key)
                first = min(first, place)
        return first

    def _row(self, event: Event) -> ComparedRow | None:
        said = _said(event)
        if said is None:
            return None
        data = event.data
        common = row_of(event)
        latency, cost = common.latency if isinstance(data, ToolResult) else None, None
        if self._reply is not None and isinstance(data, Message | Reasoning | ToolCall):
            latency, cost = self._reply.duration, self._reply.cost_usd
            self._reply = None
        if isinstance(data, ToolCall):
            self._calls[data.call_id] = data.index
        index = self._calls.get(data.call_id, 0) if isinstance(data, ToolCall | ToolResult) else 0
        return ComparedRow(
            event.seq,
            event.step,
            common.type,
            common.tool,
            gist(data),
            digest(said),
            index,
            latency,
            cost,
            common.origin,
            common.is_error,
        )

    def _place(self, row: ComparedRow) -> int:
        """Where a row belongs: a result after its call, everything else at the end."""
        if row.type != "tool_result":
            return len(self.rows)
        for place in range(len(self.rows) - 1, -1, -1):
            other = self.rows[place]
            if other.step != row.step:
                break
            if other.type == "tool_call" and other.call == row.call:
                return place + 1
        return len(self.rows)


def compared_text(event: Event) -> str:
    """What a row stands for, whole: what is compared word by word."""
    match event.data:
        case RunStarted(input=text) | Message(text=text) | Notice(text=text) | RunCompleted(output=text):
            return text
        case Reasoning(text=thought):
            return "(not captured)" if thought is None else thought
        case ToolCall() as call:
            return arguments_text(call.arguments)
        case ToolResult() as result:
            return content_text(result.content)
        case RunFailed() as failed:
            return f"{failed.error}: {failed.message}"
        case data:
            return gist(data)


def _said(event: Event) -> JsonValue:
    """What makes a row the same as another one; None for events that are not compared."""
    match event.data:
        case ToolCall() as call:
            return call.digest
        case ToolResult() as result if result.digest:
            return result.digest
        case ToolResult() as result:
            return {"content": _listed(result.content), "is_error": result.is_error}
        case Permission() as permission:
            return f"{permission.tool} {permission.state}"
        case Egress(decision="refused") as refused:
            return f"{refused.host}:{refused.port}"
        case Notice() as notice:
            return notice.text if notice.level != "info" and notice.kind != "retry" else None
        case RunStarted() | Message() | Reasoning() | RunCompleted() | RunFailed():
            return compared_text(event)
        case _:
            return None


def _listed(content: Sequence[JsonValue] | None) -> JsonValue:
    return None if content is None else list(content)
