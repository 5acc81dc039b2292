"""The content of one file: one object, or for a long one a list of objects and holes."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from typing import Literal, NamedTuple

from workbench.sandbox.snapshots.objects import CorruptSnapshotError, ObjectStore
from workbench.sandbox.snapshots.trees import CHUNK, Entry, Part, load_parts, save_parts

_ZEROS = bytes(CHUNK)


class Content(NamedTuple):
    """What was stored of a file: its form, its digest, its length, and the bytes that are not zeros of a hole."""

    kind: Literal["file", "chunks"]
    digest: str
    size: int
    stored: int


def save_content(fd: int, size: int, contents: ObjectStore, trees: ObjectStore, most: int) -> Content | None:
    """Store the first `size` bytes of an open file, fewer if it ends before; None if that takes more than `most`.

    What is stored depends on the bytes alone, not on which of the zeros are holes on this disk.

    Raises:
        OSError: it cannot be read.
        SnapshotError: the store cannot be written.
    """
    if size <= CHUNK:
        data = os.pread(fd, size, 0)
        return Content("file", contents.put(data), len(data), len(data)) if len(data) <= most else None
    parts: list[Part] = []
    position = stored = 0
    while position < size:
        start = _next_data(fd, position, size)
        if start > position:
            _add_zeros(parts, start - position)
            position = start
            continue
        data = os.pread(fd, min(CHUNK, size - position), position)
        if not data:
            break
        position += len(data)
        if data == _ZEROS[: len(data)]:
            _add_zeros(parts, len(data))
            continue
        stored += len(data)
        if stored > most:
            return None
        parts.append(Part(contents.put(data), len(data)))
    return Content("chunks", save_parts(trees, parts), position, stored)


def content_of(entry: Entry, contents: ObjectStore, trees: ObjectStore) -> Iterator[bytes | int]:
    """The content of a file's entry: pieces of bytes, and lengths of zeros.

    Raises:
        CorruptSnapshotError: it is not what was stored.
    """
    is_long = entry.kind == "chunks"
    parts = load_parts(trees, entry.content) if is_long else [Part(entry.content, entry.size)]
    if sum(part.size for part in parts) != entry.size:
        raise CorruptSnapshotError(f"the snapshot is damaged: {entry.content} has another length than its file")
    for part in parts:
        if not part.digest:
            yield part.size
            continue
        data = contents.get(part.digest)
        if len(data) != part.size:
            raise CorruptSnapshotError(f"the snapshot is damaged: {part.digest} has another length than its file")
        yield data


def _next_data(fd: int, position: int, size: int) -> int:
    """Where the next chunk begins that may hold more than zeros."""
    try:
        return min(size, os.lseek(fd, position, os.SEEK_DATA) // CHUNK * CHUNK)
    except OSError as error:
        return size if error.errno == errno.ENXIO else position  # no more data, or a file system without holes


def _add_zeros(parts: list[Part], size: int) -> None:
    if parts and not parts[-1].digest:
        size += parts.pop().size
    parts.append(Part("", size))
