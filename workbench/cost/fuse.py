"""The fuse: the spending limit of one sitting, shared by everything that runs on one agent's folder.

Before a request is sent its worst case is set aside; afterwards what it really cost takes its place. Both happen in
one transaction on a small database beside the store, so that no race between runs, comparisons or several workbenches
can pass the limit together. What a process had set aside when it died stays counted at its worst case, because nobody
can know what was billed.

A sitting ends after four hours without spending, or when the user resets the fuse. Real money and what offline scripts
pretend to cost are counted apart.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from pathlib import Path
from threading import RLock
from typing import Literal, Self

from workbench.trace.codec import time_from_text, time_to_text
from workbench.trace.database import Kind, explained, open_for_writing, snapshot, transaction
from workbench.trace.owner import Owner, current_owner, is_alive
from workbench.trace.places import state_folder

DEFAULT_LIMIT_USD = Decimal(5)
"""The limit of a sitting unless the user sets another."""

IDLE = timedelta(hours=4)
"""A sitting is over when nothing was spent for so long."""

FUSE_FILE = "fuse.db"
"""The fuse's file in the state folder."""

Money = Literal["live", "offline"]
"""What is counted: money that a vendor bills, or what an offline script would have cost."""

_TRILLION = Decimal(10**12)
_VERSION_1 = (
    """
    CREATE TABLE sittings (
        id INTEGER PRIMARY KEY,
        kind TEXT NOT NULL,
        started_at TEXT NOT NULL,
        last_at TEXT NOT NULL,
        spent INTEGER NOT NULL DEFAULT 0,
        unpriced INTEGER NOT NULL DEFAULT 0
    )
    """,
    """
    CREATE TABLE reservations (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        sitting INTEGER NOT NULL,
        run_id TEXT NOT NULL,
        worst INTEGER NOT NULL,
        owner_pid INTEGER NOT NULL,
        owner_started TEXT NOT NULL,
        owner_place TEXT NOT NULL
    )
    """,
)
FUSE = Kind(name="fuse", application_id=0x41675766, migrations=(_VERSION_1,))
"""The fuse's file: its application id reads `AgWf`. Amounts in it are trillionths of a dollar."""


@dataclass(frozen=True, slots=True)
class FuseStatus:
    """Where a sitting stands, in USD.

    `reserved` is set aside by requests under way, `abandoned` by processes that died before they knew what their
    request cost. `unpriced` counts requests whose price is unknown, which the fuse cannot limit. `started_at` is None
    before the first request.
    """

    kind: Money
    limit: Decimal
    spent: Decimal
    reserved: Decimal
    abandoned: Decimal
    unpriced: int
    started_at: datetime | None

    @property
    def left(self) -> Decimal:
        """What may still be set aside; never below 0."""
        return max(Decimal(0), self.limit - self.spent - self.reserved - self.abandoned)


class FuseBlownError(Exception):
    """A request could pass the limit of the sitting. Nothing was set aside; `status` tells how it stands."""

    def __init__(self, worst_case: Decimal, status: FuseStatus) -> None:
        held = f"{_usd(status.spent)} of {_usd(status.limit)} are spent"
        if status.reserved:
            held += f", {_usd(status.reserved)} are set aside for requests under way"
        if status.abandoned:
            held += f", {_usd(status.abandoned)} by workbenches that died (what was billed for it is not known)"
        super().__init__(
            f"the fuse has blown: the next request could cost {_usd(worst_case)}, but in this sitting {held}. Nothing "
            "was sent. Raise the limit (--fuse USD), lower max_tokens, or begin a new sitting: workbench fuse --reset"
        )
        self.worst_case = worst_case
        self.status = status


class Fuse:
    """The fuse of one agent folder. Threads may share it. Every method raises `StoreError` when its file fails."""

    def __init__(
        self, path: Path, connection: sqlite3.Connection, limit_usd: Decimal, kind: Money, now: Callable[[], datetime]
    ) -> None:
        """For `open`."""
        self.limit = limit_usd
        self.kind: Money = kind
        self._path = path
        self._connection = connection
        self._now = now
        self._lock = RLock()
        self._owner = current_owner()

    @classmethod
    def open(
        cls,
        folder: Path,
        limit_usd: Decimal = DEFAULT_LIMIT_USD,
        kind: Money = "live",
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> Self:
        """Open the fuse of the agent in `folder`, create it if need be.

        The limit is that of this workbench; what is spent is shared with all others on the folder.

        Raises:
            StoreError: its file cannot be opened or created.
            ValueError: the limit is negative or not finite.
        """
        if not limit_usd.is_finite() or limit_usd < 0:
            raise ValueError(f"the fuse needs a limit of 0 USD or more, not {limit_usd}")
        path = state_folder(folder) / FUSE_FILE
        return cls(path, open_for_writing(path, FUSE), limit_usd, kind, now)

    def close(self) -> None:
        """Close the file. What is set aside and not settled stays counted."""
        self._connection.close()

    def reserve(self, run_id: str, worst_case: Decimal | None) -> int:
        """Set aside the most that a request can cost, in USD, before it is sent; gives the number to settle it by.

        None is an unknown price: nothing can be set aside for it, it is only counted (`FuseStatus.unpriced`).

        Raises:
            FuseBlownError: the limit could be passed. Nothing was set aside, and the request must not be sent.
            ValueError: the amount is negative or not finite.
        """
        worst = _trillionths(worst_case)
        with self._changed() as connection:
            sitting = self._sitting(connection)
            status = self._status(connection, sitting)
            if worst_case is not None and status.left < _dollars(worst):
                raise FuseBlownError(worst_case, status)
            connection.execute(
                "UPDATE sittings SET last_at = ?, unpriced = unpriced + ? WHERE id = ?",
                (time_to_text(self._now()), int(worst_case is None), sitting),
            )
            number = connection.execute(
                "INSERT INTO reservations (sitting, run_id, worst, owner_pid, owner_started, owner_place) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (sitting, run_id, worst, self._owner.pid, self._owner.started, self._owner.place),
            ).lastrowid
        return int(number or 0)

    def settle(self, reservation: int, actual: Decimal | None) -> None:
        """Replace what was set aside by what the request cost in USD; None, not known, spends all that was set aside.

        A reservation that a new sitting forgot, because its process seemed dead, is settled in the new one: money that
        was spent is always counted.

        Raises:
            ValueError: the amount is negative or not finite.
        """
        spent = _trillionths(actual)
        with self._changed() as connection:
            row = connection.execute("SELECT sitting, worst FROM reservations WHERE id = ?", (reservation,)).fetchone()
            sitting, worst = (self._sitting(connection), 0) if row is None else row
            connection.execute("DELETE FROM reservations WHERE id = ?", (reservation,))
            connection.execute(
                "UPDATE sittings SET spent = spent + ?, last_at = ? WHERE id = ?",
                (worst if actual is None else spent, time_to_text(self._now()), sitting),
            )

    def reset(self) -> None:
        """Begin a new sitting. What living processes have set aside for requests under way goes on to count."""
        with self._changed() as connection:
            self._begin_sitting(connection)

    def status(self) -> FuseStatus:
        """How the sitting stands."""
        with self._lock, explained(self._path, FUSE), snapshot(self._connection):
            return self._status(self._connection, self._current_sitting(self._connection))

    @contextmanager
    def _changed(self) -> Iterator[sqlite3.Connection]:
        with self._lock, explained(self._path, FUSE), transaction(self._connection):
            yield self._connection

    def _sitting(self, connection: sqlite3.Connection) -> int:
        current = self._current_sitting(connection)
        return self._begin_sitting(connection) if current is None else current

    def _current_sitting(self, connection: sqlite3.Connection) -> int | None:
        """The sitting that is not over; a request under way keeps it open however long it takes."""
        row = connection.execute(
            "SELECT id, last_at FROM sittings WHERE kind = ? ORDER BY id DESC LIMIT 1", (self.kind,)
        ).fetchone()
        if row is None:
            return None
        sitting, last_at = row
        if self._now() - time_from_text(last_at) < IDLE:
            return int(sitting)
        under_way = any(is_alive(owner) for _worst, owner in _reservations(connection, sitting))
        return int(sitting) if under_way else None

    def _begin_sitting(self, connection: sqlite3.Connection) -> int:
        """A new sitting takes over what living processes have set aside and forgets the sittings of its kind before."""
        now = time_to_text(self._now())
        inserted = connection.execute(
            "INSERT INTO sittings (kind, started_at, last_at) VALUES (?, ?, ?)", (self.kind, now, now)
        ).lastrowid
        sitting = int(inserted or 0)
        earlier = "sitting IN (SELECT id FROM sittings WHERE kind = ? AND id <> ?)"
        rows = connection.execute(
            f"SELECT id, owner_pid, owner_started, owner_place FROM reservations WHERE {earlier}",  # noqa: S608
            (self.kind, sitting),
        ).fetchall()
        for number, *owner in rows:
            if is_alive(Owner(*owner)):
                connection.execute("UPDATE reservations SET sitting = ? WHERE id = ?", (sitting, number))
            else:
                connection.execute("DELETE FROM reservations WHERE id = ?", (number,))
        connection.execute("DELETE FROM sittings WHERE kind = ? AND id <> ?", (self.kind, sitting))
        return sitting

    def _status(self, connection: sqlite3.Connection, sitting: int | None) -> FuseStatus:
        if sitting is None:
            zero = Decimal(0)
            return FuseStatus(self.kind, self.limit, zero, zero, zero, 0, None)
        spent, unpriced, started_at = connection.execute(
            "SELECT spent, unpriced, started_at FROM sittings WHERE id = ?", (sitting,)
        ).fetchone()
        reserved = abandoned = 0
        for worst, owner in _reservations(connection, sitting):
            if is_alive(owner):
                reserved += worst
            else:
                abandoned += worst
        return FuseStatus(
            kind=self.kind,
            limit=self.limit,
            spent=_dollars(spent),
            reserved=_dollars(reserved),
            abandoned=_dollars(abandoned),
            unpriced=unpriced,
            started_at=time_from_text(started_at),
        )


def _reservations(connection: sqlite3.Connection, sitting: int) -> list[tuple[int, Owner]]:
    selected = connection.execute(
        "SELECT worst, owner_pid, owner_started, owner_place FROM reservations WHERE sitting = ?", (sitting,)
    ).fetchall()
    return [(worst, Owner(*owner)) for worst, *owner in selected]


def _trillionths(amount: Decimal | None) -> int:
    """The amount as it is kept, rounded up."""
    if amount is None:
        return 0
    if not amount.is_finite() or amount < 0 or amount > 10**6:
        raise ValueError(f"not an amount that a request can cost: {amount}")
    return int((amount * _TRILLION).to_integral_value(ROUND_CEILING))


def _dollars(trillionths: int) -> Decimal:
    return Decimal(trillionths) / _TRILLION


def _usd(amount: Decimal) -> str:
    """An amount for people: at least two decimals, as many as a small amount needs, rounded up."""
    places = 2 if amount >= 1 or amount == amount.quantize(Decimal("0.01")) else 4
    return f"${amount.quantize(Decimal(1).scaleb(-places), ROUND_CEILING)}"
