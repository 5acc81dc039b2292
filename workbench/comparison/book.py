"""The book of an agent's comparisons: what each one is, and which run answers for each of its cells.

One SQLite file per agent folder, `.workbench/comparisons.db`. A cell is claimed for a run before that run starts, in
one transaction that names the run whose place it takes, so that of two processes only one runs it, and a process that
is killed at any moment leaves either a finished run or a claim that the next start can see to be void.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import RLock
from types import TracebackType
from typing import Self

from pydantic import TypeAdapter, ValidationError

from workbench.comparison.plan import Plan
from workbench.trace.codec import time_to_text
from workbench.trace.database import Kind, explained, open_for_writing, snapshot, transaction
from workbench.trace.errors import StoreError
from workbench.trace.owner import Owner, current_owner
from workbench.trace.places import state_folder

BOOK_FILE = "comparisons.db"
"""The book's file in the state folder."""

_VERSION_1 = (
    """
    CREATE TABLE comparisons (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        plan TEXT NOT NULL,
        created_at TEXT NOT NULL,
        changed_at TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE claims (
        comparison INTEGER NOT NULL,
        key TEXT NOT NULL,
        run_id TEXT NOT NULL,
        owner_pid INTEGER NOT NULL,
        owner_started TEXT NOT NULL,
        owner_place TEXT NOT NULL,
        PRIMARY KEY (comparison, key)
    ) WITHOUT ROWID
    """,
)
BOOK = Kind(name="book of comparisons", application_id=0x41675763, migrations=(_VERSION_1,))
"""The book: its application id reads `AgWc`."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A run that answers for a cell, or is about to: `owner` is the process that made it."""

    run_id: str
    owner: Owner


class UnknownComparisonError(StoreError):
    """There is no comparison of that name; `str` lists those that there are."""


class Book:
    """The comparisons of one agent folder; threads may share it. All methods raise `StoreError` when its file fails."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        """For `open`."""
        self._path = path
        self._connection = connection
        self._lock = RLock()
        self._owner = current_owner()

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open the book of the agent in `folder`, create it if need be.

        Raises:
            StoreError: it cannot be opened or created.
        """
        path = state_folder(folder) / BOOK_FILE
        return cls(path, open_for_writing(path, BOOK))

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def names(self) -> Sequence[str]:
        """The names of all comparisons, the one that was started last first."""
        with self._read() as connection:
            return [
                row[0] for row in connection.execute("SELECT name FROM comparisons ORDER BY changed_at DESC, id DESC")
            ]

    def plan(self, name: str) -> Plan:
        """The plan of a comparison as it was last started.

        Raises:
            UnknownComparisonError: there is none of that name.
        """
        with self._read() as connection:
            found = connection.execute("SELECT plan FROM comparisons WHERE name = ?", (name,)).fetchone()
        if found is None:
            known = ", ".join(self.names()) or "none yet"
            raise UnknownComparisonError(f"there is no comparison {name!r}; there are: {known}")
        try:
            return _PLAN.validate_json(found[0])
        except ValidationError as error:
            raise StoreError(
                f"the comparison {name!r} in {self._path} is damaged: {error.errors()[0]['msg']}"
            ) from None

    def save(self, plan: Plan) -> None:
        """Keep `plan` under its name; the claims of an earlier plan of that name stay."""
        now = time_to_text(datetime.now(UTC))
        with self._changed() as connection:
            connection.execute(
                """
                INSERT INTO comparisons (name, plan, created_at, changed_at) VALUES (?1, ?2, ?3, ?3)
                ON CONFLICT (name) DO UPDATE SET plan = ?2, changed_at = ?3
                """,
                (plan.name, _PLAN.dump_json(plan).decode(), now),
            )

    def claims(self, name: str) -> Mapping[str, Claim]:
        """The claims of a comparison by the keys of their cells."""
        with self._read() as connection:
            rows = connection.execute(
                f"SELECT key, run_id, owner_pid, owner_started, owner_place FROM claims WHERE comparison = ({_ID})",  # noqa: S608
                (name,),
            ).fetchall()
        return {key: Claim(run_id, Owner(*owner)) for key, run_id, *owner in rows}

    def claim_of(self, name: str, key: str) -> Claim | None:
        """The claim of one cell."""
        with self._read() as connection:
            row = connection.execute(
                "SELECT run_id, owner_pid, owner_started, owner_place FROM claims "  # noqa: S608
                f"WHERE comparison = ({_ID}) AND key = ?",
                (name, key),
            ).fetchone()
        return None if row is None else Claim(row[0], Owner(*row[1:]))

    def claim(self, name: str, key: str, run_id: str, *, instead_of: str | None) -> bool:
        """Claim a cell for a run of this process; False when another was faster.

        `instead_of` is the run that has the cell until now, None when none has.
        """
        owner = self._owner
        with self._changed() as connection:
            row = connection.execute(
                f"SELECT run_id FROM claims WHERE comparison = ({_ID}) AND key = ?",  # noqa: S608
                (name, key),
            ).fetchone()
            if (row[0] if row else None) != instead_of:
                return False
            connection.execute(
                f"INSERT OR REPLACE INTO claims VALUES (({_ID}), ?, ?, ?, ?, ?)",  # noqa: S608
                (name, key, run_id, owner.pid, owner.started, owner.place),
            )
        return True

    def forget(self, name: str) -> None:
        """Drop the claims of a comparison, so that all of it is run anew; the runs stay in the store."""
        with self._changed() as connection:
            connection.execute(f"DELETE FROM claims WHERE comparison = ({_ID})", (name,))  # noqa: S608

    @contextmanager
    def _read(self) -> Iterator[sqlite3.Connection]:
        with self._lock, explained(self._path, BOOK), snapshot(self._connection):
            yield self._connection

    @contextmanager
    def _changed(self) -> Iterator[sqlite3.Connection]:
        with self._lock, explained(self._path, BOOK), transaction(self._connection):
            yield self._connection


_ID = "SELECT id FROM comparisons WHERE name = ?"
_PLAN = TypeAdapter(Plan)
