"""A trace as text: one event a line, complete in itself, to keep, to send, and to play elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from workbench.trace.codec import event_from_json, event_to_json, json_line, parsed_json
from workbench.trace.errors import EventFormatError, SequenceError, TraceFormatError
from workbench.trace.events import Event
from workbench.trace.runs import RunSummary, advance
from workbench.trace.store import Store


def export_jsonl(store: Store, run_id: str) -> Iterator[str]:
    """The events of a run, each as a line of ASCII JSON without a line break, with all contents in place.

    Raises:
        RunNotFoundError: there is no such run.
        StoreError: the store cannot be read.
    """
    for event in store.events(run_id):
        yield json_line(event_to_json(event))


def import_jsonl(lines: Iterable[str]) -> Iterator[Event]:
    """The events of one or more exported runs, checked: each run is complete from its first event, in order.

    A run may lack its end, as that of an interrupted run does. Empty lines are passed over.

    Raises:
        TraceFormatError: a line is not JSON, not an event, or not the one that follows; the message names the line.
    """
    runs: dict[str, RunSummary] = {}
    number = 0
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            event = event_from_json(parsed_json(line))
            runs[event.run_id] = advance(runs.get(event.run_id), event)
        except (EventFormatError, SequenceError) as error:
            raise TraceFormatError(str(error), line=number) from error
        yield event
    if not runs:
        raise TraceFormatError("there is no event in it", line=max(number, 1))
