"""The store: every event of every run of an agent, durable before anything shows it.

One SQLite file per agent folder, `.workbench/workbench.db`. Several processes may use it at once. Within a process a
`Store` may be used from several threads: it writes through one connection and reads through another, so that a reader
never delays an event.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Self

from workbench.trace.codec import data_to_json
from workbench.trace.database import explained, open_for_reading, open_for_writing, snapshot, transaction
from workbench.trace.errors import RunNotFoundError, StoreError
from workbench.trace.events import Event
from workbench.trace.lookup import Candidate, choose_run
from workbench.trace.owner import current_owner
from workbench.trace.places import state_folder, store_file
from workbench.trace.reading import decoded_event, read_rows, read_snapshots, read_stored_events, read_summaries
from workbench.trace.rows import EventRow
from workbench.trace.runs import RunSummary
from workbench.trace.schema import STORE
from workbench.trace.search import Hit, search_events
from workbench.trace.writing import delete_run, insert_event

if TYPE_CHECKING:
    from types import TracebackType

_EVENT_PAGE, _ROW_PAGE = 200, 5_000
"""How many events and rows are read in one go; between two pages other threads may read."""

_NEWEST_FIRST = "ORDER BY started_at DESC, key DESC"


class Store:
    """The runs of one agent folder. Open it with `Store.open`, close it with `close` or use it as a context manager.

    Every method raises `StoreError` when the file cannot be read or written; then nothing was changed.
    """

    def __init__(self, path: Path, reader: sqlite3.Connection, writer: sqlite3.Connection | None) -> None:
        """For `open`. Without a `writer` the store can only be read."""
        self.path = path
        self._reader = reader
        self._writer = writer
        self._reading = RLock()
        self._writing = RLock()
        self._owner = current_owner()

    @property
    def folder(self) -> Path:
        """The folder of the agent whose store it is."""
        return self.path.parents[1]

    @classmethod
    def open(cls, folder: Path, *, read_only: bool = False) -> Self:
        """Open the store of the agent in `folder`; create it unless `read_only`.

        Raises:
            StoreError: it cannot be opened or created; read-only also when there is none yet.
        """
        path = store_file(folder)
        if read_only:
            return cls(path, _reader(path), None)
        state_folder(folder)
        writer = open_for_writing(path, STORE)
        try:
            return cls(path, _reader(path), writer)
        except BaseException:
            writer.close()
            raise

    def close(self) -> None:
        """Close the file. Everything that was appended is in it already."""
        self._reader.close()
        if self._writer is not None:
            self._writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def append(self, event: Event) -> None:
        """Store the event. Once this has returned, the death of the process cannot lose it.

        A run begins with `run_started`, which makes this process the owner of the run.

        Raises:
            SequenceError: the event does not follow the last one of its run, or the run has ended.
            ValueError: its data holds what JSON cannot hold.
        """
        self.append_many((event,))

    def append_many(self, events: Iterable[Event]) -> None:
        """Store the events, all or none; raises what `append` raises."""
        encoded = [(event, data_to_json(event.data)) for event in events]
        with self._written() as connection:
            for event, data in encoded:
                insert_event(connection, event, data, self._owner)

    def runs(self, limit: int | None = 50, *, agent: str | None = None) -> Sequence[RunSummary]:
        """The newest runs first, at most `limit`, of one agent if it is named."""
        with self._read() as connection:
            where = f"WHERE ?1 IS NULL OR agent = ?1 {_NEWEST_FIRST} LIMIT ?2"
            return read_summaries(connection, where, agent, -1 if limit is None else limit)

    def run(self, run_id: str) -> RunSummary:
        """The summary of a run.

        Raises:
            RunNotFoundError: there is no run of exactly this id.
        """
        with self._read() as connection:
            found = read_summaries(connection, "WHERE run_id = ?", run_id)
        if not found:
            raise self._unknown(run_id)
        return found[0]

    def find(self, text: str) -> str:
        """The id of the run that `text` means: a whole id, its beginning or end if only one run has it, or `last`.

        Raises:
            RunNotFoundError: no run, or more than one, is meant; the message lists candidates.
        """
        with self._read() as connection:
            listed = connection.execute(f"SELECT run_id, agent, input_gist FROM runs {_NEWEST_FIRST}").fetchall()  # noqa: S608
        return choose_run(text, [Candidate(*map(str, row)) for row in listed])

    def events(
        self,
        run_id: str,
        after: int = 0,
        limit: int | None = None,
        types: Sequence[str] | None = None,
        *,
        with_replies: bool = True,
    ) -> Iterator[Event]:
        """The events of a run in order, whole: those with a seq greater than `after`, at most `limit`, of these types.

        Without replies, what a model said is left out, as if it had not been captured: for who only counts.

        Raises:
            RunNotFoundError: there is no such run.
        """
        run, left = self._key(run_id), limit
        while left is None or left > 0:
            size = _EVENT_PAGE if left is None else min(left, _EVENT_PAGE)
            with self._read() as connection:
                stored = read_stored_events(connection, run, after, size, types, with_replies=with_replies)
                page = [decoded_event(connection, run_id, row) for row in stored]
            yield from page
            if len(page) < size:
                return
            after = page[-1].seq
            left = None if left is None else left - size

    def rows(self, run_id: str, after: int = 0, limit: int | None = None) -> Sequence[EventRow]:
        """The events of a run as rows of a timeline: those with a seq greater than `after`, at most `limit`.

        Raises:
            RunNotFoundError: there is no such run.
        """
        run = self._key(run_id)
        found: list[EventRow] = []
        while limit is None or len(found) < limit:
            size = _ROW_PAGE if limit is None else min(limit - len(found), _ROW_PAGE)
            with self._read() as connection:
                page = read_rows(connection, run, after, size)
            found.extend(page)
            if len(page) < size:
                break
            after = page[-1].seq
        return found

    def search(
        self, text: str, *, run_id: str | None = None, types: Sequence[str] | None = None, limit: int = 50
    ) -> Sequence[Hit]:
        """The events that say `text`, in any case: newest run first, in order within a run, at most `limit`.

        It reads through a connection of its own, so that a long search holds nothing up.

        Raises:
            RunNotFoundError: there is no such run.
        """
        if run_id is not None:
            self._key(run_id)
        connection = _reader(self.path)
        try:
            with explained(self.path, STORE), snapshot(connection):
                return search_events(connection, text, run_id=run_id, types=types, limit=limit)
        finally:
            connection.close()

    def snapshots(self) -> frozenset[str]:
        """The digests of all workspace snapshots that an event of any run names."""
        with self._read() as connection:
            return read_snapshots(connection)

    def delete_run(self, run_id: str) -> None:
        """Delete a run, and the contents that only it had. Runs that were made from it stay.

        Raises:
            RunNotFoundError: there is no such run.
            StoreError: it is running.
        """
        if self.run(run_id).status == "running":
            raise StoreError(f"run {run_id} is running; cancel it before you delete it")
        run = self._key(run_id)
        with self._written() as connection:
            delete_run(connection, run)
        with self._writing, explained(self.path, STORE):
            connection.execute("PRAGMA incremental_vacuum").fetchall()

    @contextmanager
    def _read(self) -> Iterator[sqlite3.Connection]:
        with self._reading, explained(self.path, STORE), snapshot(self._reader):
            yield self._reader

    @contextmanager
    def _written(self) -> Iterator[sqlite3.Connection]:
        if self._writer is None:
            raise StoreError(f"{self.path} was opened for reading only")
        with self._writing, explained(self.path, STORE), transaction(self._writer):
            yield self._writer

    def _key(self, run_id: str) -> int:
        with self._read() as connection:
            found = connection.execute("SELECT key FROM runs WHERE run_id = ?", (run_id,)).fetchone()
        if found is None:
            raise self._unknown(run_id)
        key: int = found[0]
        return key

    def _unknown(self, run_id: str) -> RunNotFoundError:
        return RunNotFoundError(f"there is no run {run_id} in {self.path}")


def _reader(path: Path) -> sqlite3.Connection:
    connection = open_for_reading(path, STORE)
    if connection is None:
        raise StoreError(f"there are no runs yet: {path} does not exist")
    return connection
