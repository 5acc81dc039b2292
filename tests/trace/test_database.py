"""SQLite files are opened safely and never touched when something is wrong with them."""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from workbench.trace import database
from workbench.trace.database import Kind, explained, open_for_reading, open_for_writing, snapshot, transaction
from workbench.trace.errors import StoreError

ONE = ("CREATE TABLE notes (text TEXT)",)
TWO = ("ALTER TABLE notes ADD COLUMN stars INTEGER NOT NULL DEFAULT 0",)
BROKEN = ("CREATE TABLE more (x)", "INSERT INTO nowhere VALUES (1)")
FIRST = Kind("note store", 0x11223344, (ONE,))
SECOND = Kind("note store", 0x11223344, (ONE, TWO))


def make(path: Path, kind: Kind = FIRST, notes: int = 1) -> bytes:
    """A closed file with some notes in it; gives its bytes."""
    with closing(open_for_writing(path, kind)) as connection:
        for _ in range(notes):
            connection.execute("INSERT INTO notes (text) VALUES ('hello')")
    return path.read_bytes()


def killed(path: Path, kind: Kind = FIRST) -> Path:
    """A file as the death of its writer leaves it: what was written is in the log only."""
    with closing(open_for_writing(path, kind)) as connection:
        connection.execute("INSERT INTO notes (text) VALUES ('late')")
        left = path.parent / "left"
        left.mkdir()
        for name in (path.name, path.name + "-wal"):
            shutil.copy(path.parent / name, left / name)
    return left / path.name


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "notes.db"


def test_a_new_file_has_the_newest_version(path: Path) -> None:
    make(path, SECOND)
    with closing(sqlite3.connect(path)) as plain:
        assert plain.execute("PRAGMA user_version").fetchone() == (2,)
        assert plain.execute("PRAGMA application_id").fetchone() == (0x11223344,)
        assert plain.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert plain.execute("SELECT stars FROM notes").fetchall() == [(0,)]


@pytest.mark.parametrize("open_it", [open_for_writing, open_for_reading])
def test_an_older_file_is_brought_up_to_date_with_what_is_in_it(
    path: Path, open_it: Callable[[Path, Kind], sqlite3.Connection]
) -> None:
    make(path, FIRST)
    with closing(open_it(path, SECOND)) as connection:
        assert connection.execute("SELECT text, stars FROM notes").fetchall() == [("hello", 0)]


def test_a_migration_that_fails_leaves_the_file_as_it_was(path: Path) -> None:
    make(path, FIRST)
    with pytest.raises(StoreError, match="nowhere"):
        open_for_writing(path, Kind("note store", 0x11223344, (ONE, TWO, BROKEN)))
    with closing(open_for_writing(path, FIRST)) as connection:
        assert connection.execute("SELECT * FROM notes").fetchall() == [("hello",)]


def test_many_can_open_a_new_file_at_once(path: Path) -> None:
    failures: list[Exception] = []
    barrier = threading.Barrier(6)

    def open_and_write() -> None:
        barrier.wait()
        try:
            with closing(open_for_writing(path, SECOND)) as connection, transaction(connection):
                connection.execute("INSERT INTO notes (text) VALUES ('x')")
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=open_and_write) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with closing(sqlite3.connect(path)) as plain:
        assert plain.execute("SELECT count(*) FROM notes").fetchone() == (6,)


def test_reading_makes_nothing(tmp_path: Path, path: Path) -> None:
    assert open_for_reading(path, FIRST) is None
    assert open_for_reading(tmp_path / "no" / "folder.db", FIRST) is None
    assert list(tmp_path.iterdir()) == []
    path.touch()
    assert open_for_reading(path, FIRST) is None
    assert path.read_bytes() == b""


def test_reading_changes_nothing(path: Path) -> None:
    before = make(path)
    with closing(open_for_reading(path, FIRST) or sqlite3.connect(":memory:")) as connection:
        assert connection.execute("SELECT text FROM notes").fetchall() == [("hello",)]
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            connection.execute("DELETE FROM notes")
    assert path.read_bytes() == before


def test_reading_sees_what_only_the_log_of_a_dead_writer_has(path: Path) -> None:
    left = killed(path)
    before = left.read_bytes()
    connection = open_for_reading(left, FIRST)
    assert connection is not None
    assert connection.execute("SELECT text FROM notes").fetchall() == [("late",)]
    connection.close()
    assert left.read_bytes() == before


BAD_FILES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "text": (lambda _good: b"name: support-triage\n" * 100, "is not a note store"),
    "short text": (lambda _good: b"SQ", "is not a note store|its end is missing"),
    "cut in the header": (lambda good: good[:60], "its end is missing"),
    "cut at a page": (lambda good: good[:4096], "its end is missing"),
    "cut in a page": (lambda good: good[:-100], "its end is missing"),
    "no schema": (lambda good: good[:100] + b"\xff" * 3996 + good[4096:], "damaged"),
    "zeros": (lambda good: bytes(len(good)), "is not a note store"),
}


@pytest.mark.parametrize("name", BAD_FILES)
@pytest.mark.parametrize("open_it", [open_for_writing, open_for_reading])
def test_a_bad_file_is_refused_and_not_touched(
    path: Path, name: str, open_it: Callable[[Path, Kind], sqlite3.Connection]
) -> None:
    spoil, said = BAD_FILES[name]
    bad = spoil(make(path, notes=300))
    path.write_bytes(bad)
    with pytest.raises(StoreError, match=said) as caught:
        open_it(path, FIRST)
    assert str(path) in str(caught.value)
    assert "was not changed" in str(caught.value)
    assert path.read_bytes() == bad


@pytest.mark.parametrize("open_it", [open_for_writing, open_for_reading])
def test_a_newer_file_is_refused_and_not_touched(
    path: Path, open_it: Callable[[Path, Kind], sqlite3.Connection]
) -> None:
    left = killed(path, SECOND)
    log = left.with_name(left.name + "-wal")
    before = left.read_bytes(), log.read_bytes()
    with pytest.raises(StoreError, match=r"newer workbench .*version is 2, this program knows 1.* pip install -U"):
        open_it(left, FIRST)
    assert (left.read_bytes(), log.read_bytes()) == before


@pytest.mark.parametrize("open_it", [open_for_writing, open_for_reading])
def test_a_database_of_another_program_is_refused_and_not_touched(
    path: Path, open_it: Callable[[Path, Kind], sqlite3.Connection]
) -> None:
    with closing(sqlite3.connect(path)) as plain:
        plain.execute("CREATE TABLE notes (text)")
    before = path.read_bytes()
    with pytest.raises(StoreError, match="not a note store"):
        open_it(path, FIRST)
    assert path.read_bytes() == before


def test_a_folder_in_the_place_of_the_file(path: Path) -> None:
    path.mkdir()
    with pytest.raises(StoreError, match="cannot open"):
        open_for_writing(path, FIRST)


def test_a_transaction_is_whole_or_nothing(path: Path) -> None:
    with closing(open_for_writing(path, FIRST)) as connection:
        with pytest.raises(KeyError), transaction(connection):
            connection.execute("INSERT INTO notes VALUES ('half')")
            raise KeyError
        assert connection.execute("SELECT count(*) FROM notes").fetchone() == (0,)
        with transaction(connection):
            connection.execute("INSERT INTO notes VALUES ('whole')")
        assert connection.execute("SELECT count(*) FROM notes").fetchone() == (1,)


def test_a_snapshot_sees_one_state(path: Path) -> None:
    with closing(open_for_writing(path, FIRST)) as writer, closing(open_for_writing(path, FIRST)) as reader:
        with snapshot(reader):
            assert reader.execute("SELECT count(*) FROM notes").fetchone() == (0,)
            writer.execute("INSERT INTO notes VALUES ('new')")
            assert reader.execute("SELECT count(*) FROM notes").fetchone() == (0,)
        assert reader.execute("SELECT count(*) FROM notes").fetchone() == (1,)


def test_a_file_that_another_keeps_locked_is_explained(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    with (
        closing(open_for_writing(path, FIRST)) as one,
        closing(open_for_writing(path, FIRST)) as other,
        transaction(one),
        pytest.raises(StoreError, match="another program has locked the note store"),
        explained(path, FIRST),
        transaction(other),
    ):
        pass


def as_ordinary_user(work: Callable[[], None]) -> int:
    """Do the work in a process that may not write everywhere, as root may; gives its exit code."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            if os.getuid() == 0:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.fixture
def open_folder() -> Path:
    """A folder that another user can enter; pytest's own cannot be entered."""
    import tempfile

    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    return folder


def test_a_folder_that_may_not_be_written_can_be_read(open_folder: Path) -> None:
    path = open_folder / "notes.db"
    make(path)
    path.chmod(0o444)
    open_folder.chmod(0o555)

    def work() -> None:
        connection = open_for_reading(path, FIRST)
        assert connection is not None
        assert connection.execute("SELECT text FROM notes").fetchall() == [("hello",)]
        with pytest.raises(StoreError, match="cannot be opened or written"):
            open_for_writing(path, FIRST)
        with pytest.raises(StoreError, match="cannot be opened or written"):
            open_for_reading(path, SECOND)

    try:
        assert as_ordinary_user(work) == 0
    finally:
        open_folder.chmod(0o755)
        shutil.rmtree(open_folder)


def test_a_file_that_may_not_be_read_is_explained(open_folder: Path) -> None:
    path = open_folder / "notes.db"
    make(path)
    path.chmod(0)

    def work() -> None:
        for open_it in (open_for_reading, open_for_writing):
            with pytest.raises(StoreError, match="Permission denied"):
                open_it(path, FIRST)

    try:
        assert as_ordinary_user(work) == 0
    finally:
        shutil.rmtree(open_folder)
