"""Taking runs and events out of the store's tables."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from workbench.trace import rows, runs
from workbench.trace.blobs import expand, load_blob
from workbench.trace.codec import data_from_json, parsed_json, time_from_text
from workbench.trace.errors import StoreError
from workbench.trace.events import Event
from workbench.trace.owner import Owner, is_alive
from workbench.trace.rows import EventRow
from workbench.trace.runs import RunSummary

_RUN_COLUMNS = ", ".join((*runs.COLUMNS, "owner_pid", "owner_started", "owner_place"))

_SNAPSHOT_PLACES = {
    "tool_call": "$.container.snapshot",
    "tool_result": "$.snapshot",
    "notice": "$.data.workspace",
    "run_completed": "$.snapshot",
    "run_failed": "$.state.snapshot",
}
"""Where events name the snapshot of a workspace; what is as short as a digest is never pooled."""


def read_summaries(connection: sqlite3.Connection, where: str, *values: object) -> Sequence[RunSummary]:
    """The summaries of the runs that the SQL `where` (of our own making) selects.

    A run that has no end and whose owner is gone is interrupted; that is found out here and written nowhere.
    """
    selected = connection.execute(f"SELECT {_RUN_COLUMNS} FROM runs {where}", values).fetchall()  # noqa: S608
    with damage_reported("the list of runs"):
        return [_with_owner(runs.from_columns(row[:-3]), Owner(*row[-3:])) for row in selected]


def read_rows(connection: sqlite3.Connection, run: int, after: int, limit: int) -> Sequence[EventRow]:
    """The next at most `limit` rows of a run after a seq."""
    selected = connection.execute(
        f"SELECT {rows.COLUMNS} FROM events WHERE run = ? AND seq > ? ORDER BY seq LIMIT ?",  # noqa: S608
        (run, after, limit),
    )
    with damage_reported("the timeline of a run"):
        return [rows.row_from_columns(row) for row in selected]


def read_stored_events(
    connection: sqlite3.Connection,
    run: int,
    after: int,
    limit: int,
    types: Sequence[str] | None,
    *,
    with_replies: bool = True,
) -> Sequence[tuple[Any, ...]]:
    """The next at most `limit` events of a run after a seq: seq, step, type, at, offset, and the data as stored.

    Without replies, what a model said is left out of its replies, as if it had not been captured.
    """
    data = "data" if with_replies else "iif(type = 'model_response', json_set(data, '$.content', NULL), data)"
    which = "" if types is None else f"AND type IN ({', '.join('?' * len(types))})"
    return connection.execute(
        f"SELECT seq, step, type, at, offset, {data} FROM events JOIN bodies ON bodies.id = body "  # noqa: S608
        f"WHERE run = ? AND seq > ? {which} ORDER BY seq LIMIT ?",
        (run, after, *(types or ()), limit),
    ).fetchall()


def decoded_event(connection: sqlite3.Connection, run_id: str, stored: Sequence[Any]) -> Event:
    """The event that a row of `read_stored_events` holds.

    Raises:
        StoreError: its data is damaged.
    """
    seq, step, kind, at, offset, data = stored
    with damage_reported(f"event {seq} of run {run_id}"):
        value = expand(parsed_json(data), lambda blob: load_blob(connection, blob))
        return Event(run_id, seq, step, time_from_text(at), offset, data_from_json(kind, value))


def read_snapshots(connection: sqlite3.Connection) -> frozenset[str]:
    """The digests of the workspace snapshots that events name, wherever the data of an event has one."""
    cases = " ".join(f"WHEN '{kind}' THEN json_extract(data, '{place}')" for kind, place in _SNAPSHOT_PLACES.items())
    kinds = ", ".join(f"'{kind}'" for kind in _SNAPSHOT_PLACES)
    selects = (
        f"SELECT DISTINCT CASE type {cases} END FROM events JOIN bodies ON bodies.id = body WHERE type IN ({kinds})"  # noqa: S608
    )
    with damage_reported("an event"):
        return frozenset(str(digest) for (digest,) in connection.execute(selects) if digest is not None)


@contextmanager
def damage_reported(what: str) -> Iterator[None]:
    """Turn values that the program cannot have written into a `StoreError` about `what`."""
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise StoreError(f"{what} is damaged in the store: {error}") from error


def _with_owner(summary: RunSummary, owner: Owner) -> RunSummary:
    if summary.status == "running" and not is_alive(owner):
        return replace(summary, status="interrupted")
    return summary
