"""Putting events into the store's tables; every function runs inside the caller's transaction."""

from __future__ import annotations

import sqlite3
from typing import Any

from workbench.trace import runs
from workbench.trace.blobs import pool, release_blobs, store_blob
from workbench.trace.codec import money_to_text, stored_json, time_to_text
from workbench.trace.events import Event
from workbench.trace.owner import Owner
from workbench.trace.reading import damage_reported
from workbench.trace.rows import row_of

_RUN_COLUMNS = (*runs.COLUMNS, "owner_pid", "owner_started", "owner_place")
_SELECT_RUN = f"SELECT key, {', '.join(runs.COLUMNS)} FROM runs WHERE run_id = ?"  # noqa: S608 (our own names)
_INSERT_RUN = f"INSERT INTO runs ({', '.join(_RUN_COLUMNS)}) VALUES ({', '.join(f':{name}' for name in _RUN_COLUMNS)})"  # noqa: S608
_UPDATE_RUN = f"UPDATE runs SET {', '.join(f'{name} = :{name}' for name in runs.COLUMNS)} WHERE key = :key"  # noqa: S608
_INSERT_EVENT = """
    INSERT INTO events (run, seq, step, type, tool, gist, offset, latency, input_tokens, output_tokens, cost_usd,
        origin, is_error, call_id, at, body)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""


def insert_event(connection: sqlite3.Connection, event: Event, data: dict[str, Any], owner: Owner) -> None:
    """Store an event, whose data is `data` as JSON, and take its run's summary one event further.

    Raises:
        SequenceError: the event does not follow the last one of its run, or the run has ended.
    """
    found = connection.execute(_SELECT_RUN, (event.run_id,)).fetchone()
    with damage_reported(f"run {event.run_id}"):
        before = None if found is None else runs.from_columns(found[1:])
    values = runs.to_json(runs.advance(before, event))
    if found is None:
        owned = {"owner_pid": owner.pid, "owner_started": owner.started, "owner_place": owner.place}
        run = _inserted(connection.execute(_INSERT_RUN, values | owned))
    else:
        run = found[0]
        connection.execute(_UPDATE_RUN, values | {"key": run})
    body = stored_json(pool(data, lambda blob: store_blob(connection, run, blob)))
    body_id = _inserted(connection.execute("INSERT INTO bodies (data) VALUES (?)", (body,)))
    *columns, cost, origin, is_error, call_id = row_of(event)
    cost_text = None if cost is None else money_to_text(cost)
    at = time_to_text(event.at)
    connection.execute(_INSERT_EVENT, (run, *columns, cost_text, origin, is_error, call_id, at, body_id))


def _inserted(cursor: sqlite3.Cursor) -> int:
    assert cursor.lastrowid is not None  # noqa: S101 (an insert always has one)
    return cursor.lastrowid


def delete_run(connection: sqlite3.Connection, run: int) -> None:
    """Delete a run with its events and the blobs that no other run uses."""
    connection.execute("DELETE FROM bodies WHERE id IN (SELECT body FROM events WHERE run = ?)", (run,))
    connection.execute("DELETE FROM events WHERE run = ?", (run,))
    release_blobs(connection, run)
    connection.execute("DELETE FROM runs WHERE key = ?", (run,))
