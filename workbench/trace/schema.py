"""The tables of the store, by numbered migrations. Never change a migration that was released: add one.

`runs` holds a line per run, kept up to date by every event; its columns are those of `runs.COLUMNS`.
`events` is the timeline: what a view needs to draw an event as a row. `bodies` holds the data of the events as JSON,
with long strings replaced by references to `blobs`, where each content is kept once. `blob_uses` says which run needs
which blob, so that deleting a run can delete what only it needed.
"""

from __future__ import annotations

from workbench.trace.database import Kind

_VERSION_1 = (
    """
    CREATE TABLE runs (
        key INTEGER PRIMARY KEY,
        run_id TEXT NOT NULL UNIQUE,
        agent TEXT NOT NULL,
        digest TEXT NOT NULL,
        started_at TEXT NOT NULL,
        trigger TEXT NOT NULL,
        input_gist TEXT NOT NULL,
        model TEXT NOT NULL,
        model_source TEXT NOT NULL,
        endpoint TEXT,
        budget_usd TEXT,
        parent_run_id TEXT,
        fork_step INTEGER,
        status TEXT NOT NULL,
        error TEXT,
        outcome_gist TEXT,
        events INTEGER NOT NULL,
        steps INTEGER NOT NULL,
        tool_calls INTEGER NOT NULL,
        tool_errors INTEGER NOT NULL,
        last_at TEXT NOT NULL,
        duration REAL NOT NULL,
        input_tokens INTEGER NOT NULL,
        output_tokens INTEGER NOT NULL,
        cache_read_tokens INTEGER NOT NULL,
        cache_write_5m_tokens INTEGER NOT NULL,
        cache_write_1h_tokens INTEGER NOT NULL,
        thinking_tokens INTEGER NOT NULL,
        web_searches INTEGER NOT NULL,
        model_usd TEXT,
        runtime_usd TEXT,
        total_usd TEXT,
        runtime_seconds TEXT,
        owner_pid INTEGER NOT NULL,
        owner_started TEXT NOT NULL,
        owner_place TEXT NOT NULL
    )
    """,
    "CREATE INDEX runs_by_start ON runs (started_at)",
    """
    CREATE TABLE events (
        run INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        step INTEGER NOT NULL,
        type TEXT NOT NULL,
        at TEXT NOT NULL,
        offset REAL NOT NULL,
        tool TEXT,
        gist TEXT NOT NULL,
        latency REAL,
        input_tokens INTEGER,
        output_tokens INTEGER,
        cost_usd TEXT,
        origin TEXT,
        is_error INTEGER NOT NULL,
        body INTEGER NOT NULL,
        PRIMARY KEY (run, seq)
    ) WITHOUT ROWID
    """,
    "CREATE TABLE bodies (id INTEGER PRIMARY KEY, data TEXT NOT NULL)",
    """
    CREATE TABLE blobs (
        id INTEGER PRIMARY KEY,
        sha256 BLOB NOT NULL UNIQUE,
        packing TEXT NOT NULL,
        size INTEGER NOT NULL,
        content BLOB NOT NULL
    )
    """,
    "CREATE TABLE blob_uses (run INTEGER NOT NULL, blob INTEGER NOT NULL, PRIMARY KEY (run, blob)) WITHOUT ROWID",
    "CREATE INDEX blob_uses_by_blob ON blob_uses (blob)",
)

_VERSION_2 = (
    "ALTER TABLE events ADD COLUMN call_id TEXT",
    """
    UPDATE events
    SET call_id = (SELECT json_extract(data, '$.call_id') FROM bodies WHERE id = body AND json_valid(data))
    WHERE type IN ('tool_call', 'tool_result')
    """,
)
"""A timeline shows which result answers which call of a turn."""

STORE = Kind(name="run store", application_id=0x41675762, migrations=(_VERSION_1, _VERSION_2))
"""The store: its application id reads `AgWb`."""
