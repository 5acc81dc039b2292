"""Taking runs and events out of the store's tables."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from workbench.trace import rows, runs
from workbench.trace.blobs import expand, load_blob
from workbench.trace.codec import data_from_json, parsed_json, time_from_text
from workbench.trace.errors import EventFormatError, StoreError
from workbench.trace.events import Event, EventData
from workbench.trace.owner import Owner, is_alive
from workbench.trace.rows import EventRow
from workbench.trace.runs import RunSummary

_RUN_COLUMNS = ", ".join((*runs.COLUMNS, "owner_pid", "owner_started", "owner_place"))


def read_summaries(connection: sqlite3.Connection, where: str, *values: object) -> Sequence[RunSummary]:
    """The summaries of the runs that the SQL `where` (of our own making) selects.

    A run that has no end and whose owner is gone is interrupted; that is found out here and written nowhere.
    """
    selected = connection.execute(f"SELECT {_RUN_COLUMNS} FROM runs {where}", values).fetchall()  # noqa: S608
    return [_with_owner(runs.from_columns(row[:-3]), Owner(*row[-3:])) for row in selected]


def read_rows(connection: sqlite3.Connection, run: int, after: int, limit: int) -> Sequence[EventRow]:
    """The next at most `limit` rows of a run after a seq."""
    selected = connection.execute(
        f"SELECT {rows.COLUMNS} FROM events WHERE run = ? AND seq > ? ORDER BY seq LIMIT ?",  # noqa: S608
        (run, after, limit),
    )
    return [rows.row_from_columns(row) for row in selected]


def read_stored_events(
    connection: sqlite3.Connection, run: int, after: int, limit: int, types: Sequence[str] | None
) -> Sequence[tuple[Any, ...]]:
    """The next at most `limit` events of a run after a seq: seq, step, type, at, offset, and the data as stored."""
    which = "" if types is None else f"AND type IN ({', '.join('?' * len(types))})"
    return connection.execute(
        "SELECT seq, step, type, at, offset, data FROM events JOIN bodies ON bodies.id = body "  # noqa: S608
        f"WHERE run = ? AND seq > ? {which} ORDER BY seq LIMIT ?",
        (run, after, *(types or ()), limit),
    ).fetchall()


def decoded_event(connection: sqlite3.Connection, run_id: str, stored: Sequence[Any]) -> Event:
    """The event that a row of `read_stored_events` holds.

    Raises:
        StoreError: its data is damaged.
    """
    seq, step, kind, at, offset, data = stored
    try:
        return Event(run_id, seq, step, time_from_text(at), offset, _decoded_data(connection, kind, data))
    except (EventFormatError, TypeError, ValueError) as error:
        raise StoreError(f"event {seq} of run {run_id} is damaged in the store: {error}") from error


def _decoded_data(connection: sqlite3.Connection, kind: str, stored: str) -> EventData:
    return data_from_json(kind, expand(parsed_json(stored), lambda blob: load_blob(connection, blob)))


def _with_owner(summary: RunSummary, owner: Owner) -> RunSummary:
    if summary.status == "running" and not is_alive(owner):
        return replace(summary, status="interrupted")
    return summary
