"""Runs to put side by side, made of the events that a real run has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tests.trace.conftest import story
from workbench.trace.events import Event, Message, ToolCall, ToolResult
from workbench.tui.compare_column import CompareColumn


def run_of(
    name: str, steps: int = 4, *, without: Sequence[int] = (), said: dict[int, str] | None = None
) -> list[Event]:
    """A run whose steps each say something, call bash and get a result; some left out, some saying something else."""
    events = [event for event in story(name, steps) if event.step not in without or not event.step]
    return [_changed(event, said or {}) for event in events]


def _changed(event: Event, said: dict[int, str]) -> Event:
    data: Any = event.data
    match data:
        case Message() if event.step in said:
            return replace(event, data=replace(data, text=said[event.step]))
        case ToolCall():
            return replace(
                event, data=replace(data, digest=f"{event.step:032x}", arguments={"command": f"cat {event.step}.txt"})
            )
        case ToolResult():
            return replace(event, data=replace(data, is_error=False, exit_code=0))
        case _:
            return event


def column_of(events: Sequence[Event], title: str = "") -> CompareColumn:
    """The column of a run that has all these events."""
    column = empty_column(events, title)
    column.take(events)
    return column


def empty_column(events: Sequence[Event], title: str = "") -> CompareColumn:
    """The column of a run that will have these events."""
    by_seq = {event.seq: event for event in events}
    return CompareColumn(title or events[0].run_id, by_seq.get)
