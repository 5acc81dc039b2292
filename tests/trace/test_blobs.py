"""Long strings are stored once, and nothing that a user writes can be taken for a reference."""

from __future__ import annotations

import copy
import json
import sqlite3
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.jsontypes import JsonValue
from workbench.trace.blobs import Blob, expand, load_blob, pool, references, release_blobs, store_blob
from workbench.trace.codec import parsed_json, stored_json
from workbench.trace.database import open_for_writing
from workbench.trace.errors import StoreError
from workbench.trace.schema import STORE

CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Shelf:
    """Blobs in memory."""

    def __init__(self) -> None:
        self.kept: list[Blob] = []

    def put(self, blob: Blob) -> int:
        if blob not in self.kept:
            self.kept.append(blob)
        return self.kept.index(blob)

    def get(self, identity: int) -> str:
        return self.kept[identity].content.decode("utf-8", "surrogatepass")


@pytest.fixture
def connection(tmp_path: Any) -> Iterator[sqlite3.Connection]:
    opened = open_for_writing(tmp_path / "x.db", STORE)
    yield opened
    opened.close()


@settings(CALM, max_examples=60)
@given(drawn=st.data())
def test_any_json_comes_back(drawn: st.DataObject, any_json: st.SearchStrategy[JsonValue]) -> None:
    value = drawn.draw(any_json)
    before, shelf = copy.deepcopy(value), Shelf()
    stored = stored_json(pool(value, shelf.put))
    assert value == before
    assert expand(parsed_json(stored), shelf.get) == value


@settings(CALM, max_examples=60)
@given(drawn=st.data())
def test_no_long_string_stays_in_place_and_every_reference_is_found(
    drawn: st.DataObject, any_json: st.SearchStrategy[JsonValue]
) -> None:
    shelf = Shelf()
    stored = stored_json(pool(drawn.draw(any_json), shelf.put))
    assert all(len(blob.content) >= 512 for blob in shelf.kept)
    assert set(range(len(shelf.kept))) <= set(references(stored))


def test_the_length_that_counts_is_that_in_bytes() -> None:
    shelf = Shelf()
    assert pool(["x" * 511, "é" * 255, "😀" * 127], shelf.put) == ["x" * 511, "é" * 255, "😀" * 127]
    assert pool(["x" * 512, "é" * 256, "😀" * 128], shelf.put) == [{"$blob": 0}, {"$blob": 1}, {"$blob": 2}]


@pytest.mark.parametrize("look_alike", [{"$blob": 7}, {"$$blob": 7}, {"$blob": {"$blob": 1}}, {"$blob": "z" * 600}])
def test_data_that_looks_like_a_reference_stays_data(look_alike: Any) -> None:
    shelf = Shelf()
    assert expand(pool(look_alike, shelf.put), shelf.get) == look_alike


def test_an_object_with_more_keys_needs_no_escape() -> None:
    value = {"$blob": 1, "other": 2}
    assert pool(value, Shelf().put) == value
    assert expand(dict(value), Shelf().get) == value


@pytest.mark.parametrize("text", ["a" * 5_000, "\ud800" * 600, "".join(map(chr, range(256, 1256)))])
def test_a_stored_blob_is_the_string_that_it_was(connection: sqlite3.Connection, text: str) -> None:
    pooled = pool(text, lambda blob: store_blob(connection, 1, blob))
    assert load_blob(connection, pooled["$blob"]) == text


def test_compressible_content_is_compressed_and_other_content_is_not(connection: sqlite3.Connection) -> None:
    put = [Blob(bytes([n]) * 32, content) for n, content in enumerate([b"a" * 9_000, Random(1).randbytes(600)])]
    for blob in put:
        store_blob(connection, 1, blob)
    sizes = connection.execute("SELECT packing, size, length(content) FROM blobs ORDER BY id").fetchall()
    assert sizes[0][:2] == ("zlib", 9_000)
    assert sizes[0][2] < 100
    assert sizes[1] == ("raw", 600, 600)


def test_a_blob_is_deleted_with_the_last_run_that_uses_it(connection: sqlite3.Connection) -> None:
    shared, own = (Blob(bytes([n]) * 32, b"x" * 600) for n in (1, 2))
    store_blob(connection, 1, shared)
    store_blob(connection, 2, shared)
    store_blob(connection, 1, own)
    store_blob(connection, 1, own)
    release_blobs(connection, 1)
    assert connection.execute("SELECT sha256 FROM blobs").fetchall() == [(shared.sha256,)]
    release_blobs(connection, 2)
    assert connection.execute("SELECT count(*) FROM blobs").fetchone() == (0,)
    assert connection.execute("SELECT count(*) FROM blob_uses").fetchone() == (0,)


def test_damaged_content_is_never_taken_for_the_real_one(connection: sqlite3.Connection) -> None:
    pooled = pool("y" * 5_000, lambda blob: store_blob(connection, 1, blob))
    for content in (b"", b"garbage", 5, "text"):
        connection.execute("UPDATE blobs SET content = ?", (content,))
        with pytest.raises(StoreError, match="damaged"):
            expand(json.loads(json.dumps(pooled)), lambda identity: load_blob(connection, identity))
    connection.execute("UPDATE blobs SET content = ?, packing = 'raw'", (b"z" * 5_000,))
    with pytest.raises(StoreError, match="cannot be read"):
        load_blob(connection, pooled["$blob"])
    with pytest.raises(StoreError, match="missing"):
        load_blob(connection, 999)


def test_a_malformed_reference_is_damage() -> None:
    with pytest.raises(StoreError, match="damaged"):
        expand({"$blob": "one"}, Shelf().get)
