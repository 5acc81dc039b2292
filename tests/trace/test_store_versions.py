"""Stores of every version that was released open with what is in them."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import subprocess
import sys
import zlib
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from workbench.cost.usage import Usage
from workbench.trace.events import Message, RunStarted, Trigger
from workbench.trace.places import state_folder, store_file
from workbench.trace.rows import EventRow
from workbench.trace.store import Store

VERSION_1 = """
CREATE TABLE runs (
    key INTEGER PRIMARY KEY, run_id TEXT NOT NULL UNIQUE, agent TEXT NOT NULL, digest TEXT NOT NULL,
    started_at TEXT NOT NULL, trigger TEXT NOT NULL, input_gist TEXT NOT NULL, model TEXT NOT NULL,
    model_source TEXT NOT NULL, endpoint TEXT, budget_usd TEXT, parent_run_id TEXT, fork_step INTEGER,
    status TEXT NOT NULL, error TEXT, outcome_gist TEXT, events INTEGER NOT NULL, steps INTEGER NOT NULL,
    tool_calls INTEGER NOT NULL, tool_errors INTEGER NOT NULL, last_at TEXT NOT NULL, duration REAL NOT NULL,
    input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, cache_read_tokens INTEGER NOT NULL,
    cache_write_5m_tokens INTEGER NOT NULL, cache_write_1h_tokens INTEGER NOT NULL, thinking_tokens INTEGER NOT NULL,
    web_searches INTEGER NOT NULL, model_usd TEXT, runtime_usd TEXT, total_usd TEXT, runtime_seconds TEXT,
    owner_pid INTEGER NOT NULL, owner_started TEXT NOT NULL, owner_place TEXT NOT NULL
);
CREATE INDEX runs_by_start ON runs (started_at);
CREATE TABLE events (
    run INTEGER NOT NULL, seq INTEGER NOT NULL, step INTEGER NOT NULL, type TEXT NOT NULL, at TEXT NOT NULL,
    offset REAL NOT NULL, tool TEXT, gist TEXT NOT NULL, latency REAL, input_tokens INTEGER, output_tokens INTEGER,
    cost_usd TEXT, origin TEXT, is_error INTEGER NOT NULL, body INTEGER NOT NULL, PRIMARY KEY (run, seq)
) WITHOUT ROWID;
CREATE TABLE bodies (id INTEGER PRIMARY KEY, data TEXT NOT NULL);
CREATE TABLE blobs (
    id INTEGER PRIMARY KEY, sha256 BLOB NOT NULL UNIQUE, packing TEXT NOT NULL, size INTEGER NOT NULL,
    content BLOB NOT NULL
);
CREATE TABLE blob_uses (run INTEGER NOT NULL, blob INTEGER NOT NULL, PRIMARY KEY (run, blob)) WITHOUT ROWID;
CREATE INDEX blob_uses_by_blob ON blob_uses (blob);
PRAGMA application_id = 1097291618;
PRAGMA user_version = 1;
"""
"""The store as version 1 made it. It must never be changed: files like it exist."""

STARTED = {
    "agent": "triage",
    "digest": "d1",
    "definition": {"name": "triage"},
    "trigger": {"kind": "manual", "detail": ""},
    "input": "hello",
    "model": "claude-haiku-4-5",
    "model_source": "api",
    "endpoint": None,
    "budget_usd": "0.5",
    "captured": {"tool_calls": True, "reasoning": False},
    "parent_run_id": None,
    "fork_step": None,
}
LONG = "a long message " * 50


def make_version_1(folder: Path) -> None:
    """A store of version 1 with one run of two events, made without the program."""
    state_folder(folder)
    content = LONG.encode()
    with closing(sqlite3.connect(store_file(folder))) as plain:
        plain.executescript(VERSION_1)
        plain.execute(
            "INSERT INTO runs VALUES (1, 'r1', 'triage', 'd1', '2026-11-22T09:00:00.000000Z', 'manual', 'hello', "
            "'claude-haiku-4-5', 'api', NULL, '0.5', NULL, NULL, 'running', NULL, NULL, 2, 1, 0, 0, "
            "'2026-11-22T09:00:01.000000Z', 1.0, 10, 5, 0, 0, 0, 0, 0, '0.000035', NULL, NULL, NULL, 0, '', 'gone')"
        )
        plain.execute("INSERT INTO bodies VALUES (1, ?)", (json.dumps(STARTED),))
        plain.execute("INSERT INTO bodies VALUES (2, ?)", ('{"text":{"$blob":1},"origin":"live"}',))
        plain.execute(
            "INSERT INTO blobs VALUES (1, ?, 'zlib', ?, ?)",
            (hashlib.sha256(content).digest(), len(content), zlib.compress(content)),
        )
        plain.execute("INSERT INTO blob_uses VALUES (1, 1)")
        event = "INSERT INTO events VALUES (1, ?, ?, ?, ?, ?, NULL, ?, NULL, NULL, NULL, NULL, ?, 0, ?)"
        plain.execute(event, (1, 0, "run_started", "2026-11-22T09:00:00.000000Z", 0.0, "hello", None, 1))
        plain.execute(event, (2, 1, "message", "2026-11-22T09:00:01.000000Z", 1.0, "a long message…", "live", 2))
        plain.commit()


def test_a_store_of_version_1(tmp_path: Path) -> None:
    make_version_1(tmp_path)
    for read_only in (True, False):
        with Store.open(tmp_path, read_only=read_only) as store:
            summary = store.run("r1")
            assert (summary.status, summary.events, summary.agent) == ("interrupted", 2, "triage")
            assert (summary.usage, summary.model_usd) == (Usage(10, 5), Decimal("0.000035"))
            started, message = store.events("r1")
            assert started.at == datetime(2026, 11, 22, 9, tzinfo=UTC)
            assert started.data == RunStarted(
                "triage", "d1", {"name": "triage"}, Trigger(), "hello", "claude-haiku-4-5", "api", None, Decimal("0.5")
            )
            assert message.data == Message(LONG)
            assert store.rows("r1", after=1) == [
                EventRow(2, 1, "message", None, "a long message…", 1.0, origin="live"),
            ]
            assert store.find("last") == "r1"


def test_it_can_be_written_to(tmp_path: Path) -> None:
    make_version_1(tmp_path)
    with Store.open(tmp_path) as store:
        message = list(store.events("r1"))[-1]
        store.append(type(message)("r1", 3, 1, message.at, 2.0, Message(LONG)))
        assert [event.data for event in store.events("r1", after=1)] == [Message(LONG)] * 2
        store.delete_run("r1")
        assert store.runs() == []


def test_its_calls_and_results_are_told_apart(tmp_path: Path) -> None:
    """Version 2 keeps the id of a call beside the row; for what is there already it is taken from the event."""
    make_version_1(tmp_path)
    with closing(sqlite3.connect(store_file(tmp_path))) as plain:
        for body, data in ((3, '{"call_id":"toolu_1","tool":"bash"}'), (4, "damaged")):
            plain.execute("INSERT INTO bodies VALUES (?, ?)", (body, data))
            plain.execute(
                "INSERT INTO events VALUES (1, ?, 1, 'tool_call', '2026-11-22T09:00:02.000000Z', 2.0, 'bash', 'bash', "
                "NULL, NULL, NULL, NULL, NULL, 0, ?)",
                (body, body),
            )
        plain.commit()
    with Store.open(tmp_path, read_only=True) as store:
        assert [row.call_id for row in store.rows("r1")] == [None, None, "toolu_1", None]


def test_a_run_in_the_folder_of_a_newer_workbench_is_an_error_for_the_person(tmp_path: Path) -> None:
    (tmp_path / "prompt.md").write_text("x\n")
    (tmp_path / "agent.yaml").write_text("name: a\nmodel: claude-haiku-4-5\nsystem_prompt: ./prompt.md\n")
    (tmp_path / "offline.yaml").write_text('version: 1\nrules: [{reply: {text: "hi"}}]\n')
    Store.open(tmp_path).close()
    with sqlite3.connect(store_file(tmp_path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    content = store_file(tmp_path).read_bytes()
    command = [sys.executable, "-m", "workbench.cli", "run", str(tmp_path), "--offline", "--input", "x"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "written by a newer workbench" in done.stderr
    assert "Traceback" not in done.stderr
    assert store_file(tmp_path).read_bytes() == content
