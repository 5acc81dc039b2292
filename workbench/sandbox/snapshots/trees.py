"""What a snapshot is made of: one tree per folder, named by its content, so that equal folders are stored once.

A tree lists the entries of one folder. A long list is cut into pages by the names' checksums, so that one changed file
in a folder of many thousands stores one page anew. The digest of the topmost tree is the digest of the snapshot.

    {"tree": 1, "entries": [[name, kind, mode, size, mtime_ns, content], ...]}      sorted by name
    {"tree": 1, "pages": [digest, ...]}
    {"chunks": 1, "parts": [[digest, bytes], ["", bytes of zeros], ...]}            a file longer than CHUNK
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple, get_args

from workbench.sandbox.snapshots.names import is_file_name, is_link_target
from workbench.sandbox.snapshots.objects import CorruptSnapshotError, ObjectStore, is_digest

CHUNK = 1 << 20
"""Bytes of a file that are stored as one object; longer files are lists of such objects."""

Kind = Literal["file", "chunks", "link", "folder", "fifo", "socket", "device", "unreadable", "omitted"]

_KINDS = frozenset(get_args(Kind))
_WITH_DIGEST = ("file", "chunks", "folder")
_ENTRIES_PER_PAGE = 128


class Entry(NamedTuple):
    """One name in a folder.

    `mode` are the permission bits, `size` bytes. `content` is a digest (file: of its object, chunks: of its list of
    parts, folder: of its tree) or the target of a link, else empty.
    """

    name: str
    kind: Kind
    mode: int
    size: int
    mtime_ns: int
    content: str


class Part(NamedTuple):
    """A piece of a long file: an object, or zeros when `digest` is empty."""

    digest: str
    size: int


def save_tree(store: ObjectStore, entries: Iterable[Entry]) -> str:
    """Store the tree with these entries, in whatever order they come, and return its digest."""
    ordered = sorted(entries)
    if len(ordered) <= _ENTRIES_PER_PAGE:
        return store.put(_encoded({"tree": 1, "entries": ordered}))
    pages = [store.put(_encoded({"tree": 1, "entries": page})) for page in _pages(ordered)]
    return store.put(_encoded({"tree": 1, "pages": pages}))


def load_tree(store: ObjectStore, digest: str) -> dict[str, Entry]:
    """The entries of a tree by their names.

    Raises:
        CorruptSnapshotError: it is missing, damaged, or not a tree.
    """
    document = _decoded(store, digest)
    pages = document.get("pages")
    if pages is None:
        return {entry.name: entry for entry in _entries(document, digest)}
    if not isinstance(pages, list) or not all(isinstance(page, str) and is_digest(page) for page in pages):
        raise _malformed(digest)
    return {entry.name: entry for page in pages for entry in _entries(_decoded(store, page), page)}


def page_digests(store: ObjectStore, digest: str) -> Sequence[str]:
    """The objects that a tree itself consists of besides its first one."""
    pages = _decoded(store, digest).get("pages", [])
    return pages if isinstance(pages, list) else []


def save_parts(store: ObjectStore, parts: Sequence[Part]) -> str:
    """Store the list of a long file's parts and return its digest."""
    return store.put(_encoded({"chunks": 1, "parts": parts}))


def load_parts(store: ObjectStore, digest: str) -> Sequence[Part]:
    """The parts of a long file.

    Raises:
        CorruptSnapshotError: the list is missing, damaged, or none.
    """
    parts = _decoded(store, digest).get("parts")
    if not isinstance(parts, list):
        raise _malformed(digest)
    result = []
    for part in parts:
        if not isinstance(part, list) or len(part) != 2:
            raise _malformed(digest)
        name, size = part
        if not isinstance(size, int) or size <= 0 or not isinstance(name, str) or not (is_digest(name) or name == ""):
            raise _malformed(digest)
        result.append(Part(name, size))
    return result


def _pages(ordered: Sequence[Entry]) -> Iterator[list[Entry]]:
    """The entries by the checksums of their names, on as many pages as their number asks for."""
    count = 1 << (len(ordered) // _ENTRIES_PER_PAGE).bit_length()
    pages: list[list[Entry]] = [[] for _ in range(count)]
    for entry in ordered:
        pages[zlib.crc32(entry.name.encode("utf-8", "surrogateescape")) % count].append(entry)
    return iter(pages)


def _encoded(document: Mapping[str, object]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode("ascii")


def _decoded(store: ObjectStore, digest: str) -> dict[str, Any]:
    try:
        document = json.loads(store.get(digest))
    except (ValueError, RecursionError) as error:
        raise _malformed(digest) from error
    if not isinstance(document, dict):
        raise _malformed(digest)
    return document


def _entries(document: Mapping[str, object], digest: str) -> Iterator[Entry]:
    rows = document.get("entries")
    if not isinstance(rows, list):
        raise _malformed(digest)
    names = set()
    for row in rows:
        if not isinstance(row, list) or len(row) != 6 or not _is_entry(row) or row[0] in names:
            raise _malformed(digest)
        names.add(row[0])
        yield Entry(*row)


def _is_entry(row: list[object]) -> bool:
    name, kind, mode, size, mtime, content = row
    return (
        isinstance(name, str)
        and is_file_name(name)
        and isinstance(kind, str)
        and kind in _KINDS
        and isinstance(mode, int)
        and 0 <= mode <= 0o7777
        and isinstance(size, int)
        and size >= 0
        and isinstance(mtime, int)
        and abs(mtime) < 1 << 63
        and isinstance(content, str)
        and (is_digest(content) if kind in _WITH_DIGEST else is_link_target(content) or kind != "link")
    )


def _malformed(digest: str) -> CorruptSnapshotError:
    return CorruptSnapshotError(f"the snapshot is damaged: {digest} is not of the form that this version stores")
