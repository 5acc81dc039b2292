"""Stored events, exported traces, databases and the text that is made of them."""

from __future__ import annotations

import io
import json
import shutil
import sqlite3
import unicodedata
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from tests.fuzz.time_box import fuzz, spoilt
from tests.trace.conftest import data_of, story
from workbench.commands.timeline_text import TimelineText
from workbench.trace.codec import event_from_json, event_to_json, parsed_json
from workbench.trace.errors import EventFormatError, StoreError, TraceFormatError
from workbench.trace.events import EVENT_TYPES, Event
from workbench.trace.export import import_jsonl
from workbench.trace.runs import to_json
from workbench.trace.store import Store
from workbench.trace.terminal import one_line, printable

_DIRECTIONS = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})
LINES = tuple(json.dumps(event_to_json(event)).encode() for event in story())


def is_safe(text: str) -> bool:
    """Whether no character is one that a terminal obeys, or that no encoding can write."""
    return all(
        character in "\n\t"
        or (
            unicodedata.category(character) not in ("Cc", "Cs", "Zl", "Zp")
            and unicodedata.bidirectional(character) not in _DIRECTIONS
            and character not in "\u061c\u200e\u200f"
        )
        for character in text
    )


def test_stored_events() -> None:
    def check(data: bytes) -> None:
        try:
            event = event_from_json(parsed_json(data.decode("utf-8", "surrogateescape")))
        except EventFormatError as error:
            assert str(error)
            return
        assert event_from_json(parsed_json(json.dumps(event_to_json(event)))) == event

    fuzz(check, spoilt(*LINES) | st.binary(max_size=100))


def test_exported_traces() -> None:
    whole = b"\n".join(LINES)

    def check(data: bytes) -> None:
        try:
            assert list(import_jsonl(data.decode("utf-8", "replace").splitlines()))
        except TraceFormatError as error:
            assert "line" in str(error)

    fuzz(check, spoilt(whole))


@pytest.fixture
def database(tmp_path: Path) -> Path:
    folder = tmp_path / "made"
    folder.mkdir()
    with closing(Store.open(folder)) as store:
        for event in story():
            store.append(event)
    return folder


def look_at(folder: Path) -> None:
    """All that reads a store; what is wrong with it is a StoreError."""
    try:
        with closing(Store.open(folder, read_only=True)) as store:
            for summary in store.runs():
                json.dumps(to_json(summary))
                for row in store.rows(summary.run_id):
                    assert is_safe(f"{row.offset:.3f} {row.step:>3}") and row.gist.strip() is not None
                for event in store.events(summary.run_id):
                    TimelineText(io.StringIO()).event(event)
            store.find("last")
            store.search("text")
    except StoreError as error:
        assert str(error)


def test_databases_with_wrong_bytes(database: Path, tmp_path: Path) -> None:
    content = (database / ".workbench" / "workbench.db").read_bytes()
    state = tmp_path / "spoilt" / ".workbench"
    state.mkdir(parents=True)

    def check(changes: list[tuple[int, bytes]], length: int) -> None:
        data = bytearray(content)
        for position, piece in changes:
            data[position % len(data) : position % len(data) + len(piece)] = piece
        for file in state.glob("*"):
            file.unlink()
        (state / "workbench.db").write_bytes(data[: len(data) - length])
        look_at(state.parent)

    changes = st.lists(
        st.tuples(st.integers(0, len(content) - 1) | st.integers(0, 200), st.binary(min_size=1, max_size=4)), max_size=8
    )
    fuzz(check, changes, st.sampled_from((0, 0, 0, 1, 4096, 10_000)))


def test_databases_with_wrong_values(database: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(database / ".workbench" / "workbench.db")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        columns = [
            (table, row[1])
            for table in ("runs", "events", "bodies", "blobs", "blob_uses")
            for row in connection.execute(f"PRAGMA table_info({table})")
        ]
    copy = tmp_path / "copy"

    def check(changes: list[tuple[tuple[str, str], Any]]) -> None:
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(database, copy)
        with closing(sqlite3.connect(copy / ".workbench" / "workbench.db", isolation_level=None)) as connection:
            for (table, column), value in changes:
                try:
                    connection.execute(f"UPDATE OR IGNORE {table} SET {column} = ?", (value,))
                except (sqlite3.Error, UnicodeEncodeError):
                    continue
        look_at(copy)

    values = st.one_of(
        st.none(),
        st.integers(-(2**63), 2**63 - 1),
        st.floats(),
        st.binary(max_size=20),
        st.text(max_size=20),
        st.sampled_from(
            ("{}", "[1]", '{"$blob": 1}', '{"$blob": -1}', '{"$blob": "x"}', "NaN", "9" * 5000, "[" * 5000)
        ),
    )
    fuzz(check, st.lists(st.tuples(st.sampled_from(columns), values), min_size=1, max_size=4))


def test_terminal_text() -> None:
    def check(text: str, limit: int) -> None:
        assert is_safe(printable(text, keep="\n\t"))
        shown = one_line(text, limit)
        assert is_safe(shown) and "\n" not in shown and len(shown) <= limit * 12

    fuzz(
        check,
        st.text(max_size=300) | st.text(st.characters(categories=("Cc", "Cf", "Cs", "Zl", "Zp", "Co")), max_size=50),
        st.integers(1, 80),
    )


def test_timelines() -> None:
    kinds = [data_of(EVENT_TYPES[name]) for name in EVENT_TYPES]
    start = story()[0]

    def check(items: list[Any]) -> None:
        stream = io.StringIO()
        timeline = TimelineText(stream)
        for number, data in enumerate(items, start=1):
            timeline.event(Event(start.run_id, number, 1, start.at, 0.5, data))
        assert is_safe(stream.getvalue()), repr(stream.getvalue())

    fuzz(check, st.lists(st.one_of(*kinds), min_size=1, max_size=4))
