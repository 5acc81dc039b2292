"""SQLite files of the workbench: opened safely, shared between processes, and never touched when something is wrong.

Every file is looked at through a read-only connection first. Only a file that is ours, whole and not newer than this
program is opened for writing. All files use the write-ahead log, so that readers and one writer do not wait for each
other, and `synchronous=NORMAL`: what is committed survives the death of the process, a power cut may take the last
moments but never the file.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from workbench.trace.errors import StoreError

BUSY_SECONDS = 15.0
"""How long to wait for another process that writes to the same file."""

_MAGIC = b"SQLite format 3\0"
_HEADER_BYTES = 100
_LOOKS = 3


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file: what people call it, the id in its header, and its migrations.

    Migration number n (from 1) is a sequence of SQL statements that brings a file from version n-1 to n.
    """

    name: str
    application_id: int
    migrations: Sequence[Sequence[str]]


def open_for_writing(path: Path, kind: Kind) -> sqlite3.Connection:
    """Open the file, create it or bring it up to date as needed.

    Raises:
        StoreError: it is damaged, newer than this program, something else, or cannot be written. It was not changed.
    """
    with explained(path, kind):
        if path.exists():
            _version(path, kind)
        connection = _connect(path)
        try:
            _prepare(connection)
            _migrate(connection, kind)
        except BaseException:
            connection.close()
            raise
        return connection


def open_for_reading(path: Path, kind: Kind) -> sqlite3.Connection | None:
    """Open the file without changing it; None when it is not there or holds nothing yet.

    A file of an older version is brought up to date first, which needs the right to write it.

    Raises:
        StoreError: it is damaged, newer than this program, something else, or cannot be read. It was not changed.
    """
    with explained(path, kind):
        if not path.exists():
            return None
        version = _version(path, kind)
        if version == 0:
            return None
        if version < len(kind.migrations):
            open_for_writing(path, kind).close()
        return _connect_read_only(path)


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Run the body as one transaction that no other process can write between; undone when the body raises."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def snapshot(connection: sqlite3.Connection) -> Iterator[None]:
    """Let the body read one state of the file, whatever others write meanwhile."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("COMMIT")


@contextmanager
def explained(path: Path, kind: Kind) -> Iterator[None]:
    """Turn what SQLite and the system report in the body into a `StoreError` that a person understands."""
    try:
        yield
    except sqlite3.ProgrammingError:
        raise
    except sqlite3.DatabaseError as error:
        raise StoreError(_explanation(path, kind, error)) from error
    except UnicodeDecodeError as error:  # of a message of SQLite that quotes what it cannot read
        raise StoreError(_damaged(path, kind, "a part of it is not text")) from error
    except OSError as error:
        raise StoreError(f"cannot open the {kind.name} {path}: {error.strerror or error}") from error


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)


def _connect_read_only(path: Path) -> sqlite3.Connection:
    """A connection that cannot change the file.

    Where the folder may not be written SQLite cannot keep its shared index beside the file. A file that has no log was
    closed properly, nobody can be writing it there, and it can be read as it stands.
    """
    try:
        return _probed(path, "mode=ro")
    except sqlite3.OperationalError as error:
        read_only_folder = error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)
        if not read_only_folder or _log_bytes(path):
            raise
        return _probed(path, "immutable=1")


def _probed(path: Path, query: str) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?{query}"
    connection = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _version(path: Path, kind: Kind) -> int:
    """The version of the file, 0 when it is empty.

    Raises:
        StoreError: it is not a file of this kind, is cut short, or is newer than this program.
    """
    if path.stat().st_size == 0:
        return 0
    _check_header(path, kind)
    with closing(_connect_read_only(path)) as connection:
        version: int = connection.execute("PRAGMA user_version").fetchone()[0]
        application_id: int = connection.execute("PRAGMA application_id").fetchone()[0]
        tables: int = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if version == 0 and tables == 0:
        return 0
    if application_id != kind.application_id:
        raise StoreError(_not_ours(path, kind))
    if version < 0:
        raise StoreError(
            f"the {kind.name} {path} is damaged: its version cannot be {version}. It was not changed. Move it away, "
            "and the workbench makes a new one."
        )
    if version > len(kind.migrations):
        raise StoreError(
            f"the {kind.name} {path} was written by a newer workbench (its version is {version}, this program knows "
            f"{len(kind.migrations)}). It was not changed. Update the workbench: pip install -U agent-workbench"
        )
    return version


def _check_header(path: Path, kind: Kind) -> None:
    """Refuse a file that is no SQLite database, or that is shorter than its header says.

    While a log exists the file may rightly be behind it, and SQLite judges. A file that another process shortens
    meanwhile is looked at again. SQLite reads the header, never we: closing a file handle of our own would drop the
    locks of every connection that this process has to the file, and another process that leaves it would then take
    its log away from under them.
    """
    _check_access(path)
    for attempt in range(_LOOKS):
        if path.stat().st_size < _HEADER_BYTES:  # nothing that SQLite wrote, so nobody has a lock on it
            raise StoreError(_too_short(path, kind))
        if _log_bytes(path):
            return
        try:
            if path.stat().st_size >= _bytes_by_header(path):
                return
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_CORRUPT or attempt == _LOOKS - 1:
                raise StoreError(_unreadable(path, kind, error)) from error
        time.sleep(0.02)
    raise StoreError(_damaged(path, kind, "its end is missing"))


def _check_access(path: Path) -> None:
    """Raise what opening the file would raise, without opening it."""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not os.access(path, os.R_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))


def _bytes_by_header(path: Path) -> int:
    """Page size times pages, as the header says."""
    with closing(_probed(path, "mode=ro&immutable=1")) as connection:
        size: int = connection.execute("PRAGMA page_size").fetchone()[0]
        pages: int = connection.execute("PRAGMA page_count").fetchone()[0]
    return size * pages


def _too_short(path: Path, kind: Kind) -> str:
    head = path.read_bytes()
    return (
        _damaged(path, kind, "its end is missing")
        if head[: len(_MAGIC)] == _MAGIC[: len(head)]
        else _not_ours(path, kind)
    )


def _unreadable(path: Path, kind: Kind, error: sqlite3.DatabaseError) -> str:
    """SQLite calls a file corrupt at once when it has fewer pages than its header says."""
    if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_CORRUPT:
        return _damaged(path, kind, "its end is missing")
    return _explanation(path, kind, error)


def _log_bytes(path: Path) -> int:
    try:
        return path.with_name(path.name + "-wal").stat().st_size
    except FileNotFoundError:
        return 0


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # takes effect in a new file only
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            break
        except sqlite3.OperationalError as error:  # SQLite does not wait by itself here
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA journal_size_limit = 33554432")


def _migrate(connection: sqlite3.Connection, kind: Kind) -> None:
    """Apply the migrations that the file lacks, all or none, also when several processes try at once."""
    if connection.execute("PRAGMA user_version").fetchone()[0] == len(kind.migrations):
        return
    with transaction(connection):
        version: int = connection.execute("PRAGMA user_version").fetchone()[0]
        for statements in kind.migrations[version:]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(kind.migrations)}")
        connection.execute(f"PRAGMA application_id = {kind.application_id}")


def _not_ours(path: Path, kind: Kind) -> str:
    return (
        f"{path} is not a {kind.name} of the workbench. It was not changed. Move it away, and the workbench makes a "
        "new one."
    )


def _damaged(path: Path, kind: Kind, what: str) -> str:
    return (
        f"the {kind.name} {path} is damaged: {what}. It was not changed. Move it away, and the workbench makes a new "
        f"one; `sqlite3 {path.name} .recover` may save what is left."
    )


def _explanation(path: Path, kind: Kind, error: sqlite3.DatabaseError) -> str:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code == sqlite3.SQLITE_NOTADB:
        return _not_ours(path, kind)
    if code == sqlite3.SQLITE_CORRUPT:
        return _damaged(path, kind, str(error))
    said = _EXPLANATIONS.get(code, "the {file} could not be used: {error}")
    return said.format(file=f"{kind.name} {path}", error=error)


_CANNOT_BE_WRITTEN = (
    "the {file} cannot be opened or written ({error}). Make the file and its folder writable, or copy the agent to a "
    "folder that is."
)
_EXPLANATIONS = {
    sqlite3.SQLITE_FULL: "the disk is full: the {file} could not be written. All before it is kept. Free some space.",
    sqlite3.SQLITE_IOERR: "the disk failed at the {file} ({error}). All before it is kept. Is the disk full?",
    sqlite3.SQLITE_BUSY: f"another program has locked the {{file}} for more than {BUSY_SECONDS:.0f} seconds.",
    sqlite3.SQLITE_LOCKED: "another program has locked the {file}.",
    sqlite3.SQLITE_READONLY: _CANNOT_BE_WRITTEN,
    sqlite3.SQLITE_PERM: _CANNOT_BE_WRITTEN,
    sqlite3.SQLITE_CANTOPEN: _CANNOT_BE_WRITTEN,
}
