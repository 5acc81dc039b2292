"""Long strings are pooled by content: a message that a request, a reply and a tool result share is stored once.

In stored JSON a pooled string is the object `{"$blob": id}`. An object of the user's own that looks like one is stored
with one more `$` in front of its key, which is taken away on reading. Only values are pooled, not keys.
"""

from __future__ import annotations

import hashlib
import re
import sqlite3
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.jsontypes import JsonValue
from workbench.trace.errors import StoreError

MINIMUM_BYTES = 512
"""Strings of at least so many bytes of UTF-8 are pooled."""

MAXIMUM_BYTES = 1 << 28
"""What one string may become when it is unpacked; no tool and no input gives so much."""

REFERENCE_KEY = "$blob"

_ESCAPED = re.compile(r"\$+blob", re.DOTALL)
_REFERENCE = re.compile(r'\{"\$blob":(\d+)\}')


@dataclass(frozen=True, slots=True)
class Blob:
    """A string to be pooled, as bytes of UTF-8 (lone surrogates as three bytes)."""

    sha256: bytes
    content: bytes


def pool(value: JsonValue, put: Callable[[Blob], int]) -> Any:
    """A copy of `value` in which each long string is a reference to the blob that `put` stored it as."""
    if isinstance(value, str):
        return _pooled(value, put)
    if isinstance(value, dict):
        pooled = {key: pool(item, put) for key, item in value.items()}
        if len(pooled) == 1 and _ESCAPED.fullmatch(key := next(iter(pooled))):
            return {"$" + key: pooled[key]}
        return pooled
    if isinstance(value, list):
        return [pool(item, put) for item in value]
    return value


def expand(value: JsonValue, get: Callable[[int], str]) -> Any:
    """The inverse of `pool`, in place where that is possible; `get` gives the string of a blob.

    Raises:
        StoreError: a reference is malformed, or `get` does not know it.
    """
    if isinstance(value, dict):
        if len(value) == 1 and _ESCAPED.fullmatch(key := next(iter(value))):
            return _unescaped(key, value[key], get)
        for key, item in value.items():
            if isinstance(item, dict | list):
                value[key] = expand(item, get)
        return value
    if isinstance(value, list):
        for index, item in enumerate(value):
            if isinstance(item, dict | list):
                value[index] = expand(item, get)
    return value


def references(stored: str) -> Sequence[int]:
    """The ids of all blobs that stored JSON text may refer to; text of the user that looks alike may add some."""
    return [int(found) for found in _REFERENCE.findall(stored)]


def store_blob(connection: sqlite3.Connection, run: int, blob: Blob) -> int:
    """Keep the blob, if it is not there yet, and that the run uses it; gives the blob's id."""
    row = connection.execute("SELECT id FROM blobs WHERE sha256 = ?", (blob.sha256,)).fetchone()
    if row is None:
        packing, content = _packed(blob.content)
        cursor = connection.execute(
            "INSERT INTO blobs (sha256, packing, size, content) VALUES (?, ?, ?, ?)",
            (blob.sha256, packing, len(blob.content), content),
        )
        row = (cursor.lastrowid,)
    connection.execute("INSERT OR IGNORE INTO blob_uses (run, blob) VALUES (?, ?)", (run, row[0]))
    identity: int = row[0]
    return identity


def load_blob(connection: sqlite3.Connection, identity: int) -> str:
    """The string of a blob.

    Raises:
        StoreError: it is missing, or its content is damaged.
    """
    row = connection.execute("SELECT sha256, packing, size, content FROM blobs WHERE id = ?", (identity,)).fetchone()
    if row is None:
        raise StoreError(f"the store is damaged: the content {identity} of an event is missing")
    sha256, packing, size, content = row
    try:
        plain = _unpacked(content, min(int(size), MAXIMUM_BYTES)) if packing == "zlib" else bytes(content)
        if hashlib.sha256(plain).digest() == sha256:
            return plain.decode("utf-8", "surrogatepass")
    except (zlib.error, ValueError, TypeError):
        pass
    raise StoreError(f"the store is damaged: the content {identity} of an event cannot be read")


def release_blobs(connection: sqlite3.Connection, run: int) -> None:
    """Forget which blobs the run uses, and delete those that no other run does."""
    connection.execute(
        """
        DELETE FROM blobs WHERE id IN (SELECT blob FROM blob_uses WHERE run = ?1)
            AND NOT EXISTS (SELECT 1 FROM blob_uses WHERE blob = blobs.id AND run <> ?1)
        """,
        (run,),
    )
    connection.execute("DELETE FROM blob_uses WHERE run = ?", (run,))


def _pooled(text: str, put: Callable[[Blob], int]) -> Any:
    if len(text) * 4 < MINIMUM_BYTES:  # UTF-8 takes up to four bytes a character
        return text
    content = text.encode("utf-8", "surrogatepass")
    if len(content) < MINIMUM_BYTES:
        return text
    return {REFERENCE_KEY: put(Blob(hashlib.sha256(content).digest(), content))}


def _packed(content: bytes) -> tuple[str, bytes]:
    """Compressed, when that saves a tenth. Level 1: appending must be quick, and text shrinks by half anyway."""
    compressed = zlib.compress(content, 1)
    return ("zlib", compressed) if len(compressed) < len(content) * 0.9 else ("raw", content)


def _unpacked(content: bytes, size: int) -> bytes:
    """At most `size` bytes, so that a damaged store cannot fill the memory; zlib takes 0 for no bound."""
    return zlib.decompressobj().decompress(content, max(size, 1))


def _unescaped(key: str, item: JsonValue, get: Callable[[int], str]) -> Any:
    if key == REFERENCE_KEY:
        if not isinstance(item, int):
            raise StoreError("the store is damaged: an event refers to content that is no content")
        return get(item)
    return {key[1:]: expand(item, get)}
