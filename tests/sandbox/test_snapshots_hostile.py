"""Workspaces that change while they are read, hold no files, or lead outside; snapshots that were tampered with."""

from __future__ import annotations

import json
import os
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from workbench.sandbox.snapshots import CorruptSnapshotError, SnapshotError, SnapshotLimits, WorkspaceSnapshots
from workbench.sandbox.snapshots.descent import Descent
from workbench.sandbox.snapshots.objects import ObjectStore

SECRET = b"the host's secret, which no snapshot may ever hold"


class Place:
    """A store, a workspace, and a secret beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.snapshots = WorkspaceSnapshots(folder / "store")
        self.trees = ObjectStore(folder / "store/trees", compressed=True, max_bytes=1 << 20)
        self.workspace = folder / "workspace"
        self.workspace.mkdir()
        self.outside = folder / "outside"
        self.outside.mkdir()
        (self.outside / "secret").write_bytes(SECRET)

    def take(self) -> str:
        return self.snapshots.take(self.workspace).digest

    def is_secret_stored(self) -> bool:
        return any(SECRET in file.read_bytes() for file in (self.folder / "store/content").rglob("*") if file.is_file())

    def tree(self, *rows: object) -> str:
        """Store a tree that says whatever it is told."""
        return self.trees.put(json.dumps({"tree": 1, "entries": rows}).encode())


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@contextmanager
def meanwhile(act: Callable[[], None]) -> Iterator[None]:
    """Something that is done again and again in another thread."""
    stop = threading.Event()

    def run() -> None:
        while not stop.is_set():
            act()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


# -- links


def test_links_are_recorded_and_never_followed(place: Place) -> None:
    (place.workspace / "file").symlink_to(place.outside / "secret")
    (place.workspace / "folder").symlink_to(place.outside)
    (place.workspace / "up").symlink_to("../outside")
    (place.workspace / "loop").symlink_to("loop")
    digest = place.take()
    assert not place.is_secret_stored()
    for path in ("file", "folder", "up", "loop"):
        with pytest.raises(SnapshotError, match="it is a link"):
            place.snapshots.read_file(digest, path)
    with pytest.raises(SnapshotError, match="not in the snapshot"):
        place.snapshots.read_file(digest, "folder/secret")
    place.snapshots.restore(digest, place.folder / "copy")
    assert (place.folder / "copy/folder").readlink() == place.outside


def test_a_workspace_that_became_a_link_is_refused(place: Place) -> None:
    place.workspace.rmdir()
    place.workspace.symlink_to(place.outside)
    with pytest.raises(SnapshotError, match="cannot be opened"):
        place.snapshots.take(place.workspace)
    with pytest.raises(SnapshotError, match="cannot be opened"):
        place.snapshots.restore(WorkspaceSnapshots(place.folder / "store").take(place.outside).digest, place.workspace)


def just_before_opening(name: str, act: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Do something once, between the moment when `name` was looked at and the moment when it is opened."""
    real, done = os.open, False

    def opening(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        nonlocal done
        if path == name and not done:
            done = True
            act()
        return real(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", opening)


def test_a_file_that_becomes_a_link_before_it_is_opened(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    file = place.workspace / "name"
    file.write_bytes(b"plain")

    def swap() -> None:
        file.unlink()
        file.symlink_to(place.outside / "secret")

    just_before_opening("name", swap, monkeypatch)
    digest = place.take()
    assert not place.is_secret_stored()
    with pytest.raises(SnapshotError, match="it is a link"):
        place.snapshots.read_file(digest, "name")


def test_a_folder_that_becomes_a_link_before_it_is_opened(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = place.workspace / "name"
    folder.mkdir()

    def swap() -> None:
        folder.rmdir()
        folder.symlink_to(place.outside)

    just_before_opening("name", swap, monkeypatch)
    place.take()
    assert not place.is_secret_stored()


def test_a_file_that_becomes_a_pipe_before_it_is_opened(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    file = place.workspace / "name"
    file.write_bytes(b"plain")
    stuck = False

    def swap() -> None:
        file.unlink()
        os.mkfifo(file)

    def rescue() -> None:
        nonlocal stuck
        stuck = True
        file.open("wb").close()

    just_before_opening("name", swap, monkeypatch)
    timer = threading.Timer(5, rescue)
    timer.start()
    place.take()
    timer.cancel()
    assert not stuck


def test_files_and_folders_that_keep_becoming_links(place: Place) -> None:
    file, link = place.workspace / "file", place.folder / "link"
    folder, aside = place.workspace / "folder", place.folder / "aside"
    (folder / "deep").mkdir(parents=True)
    (folder / "secret").write_bytes(b"harmless")

    def swap() -> None:
        link.symlink_to(place.outside / "secret")
        link.rename(file)
        folder.rename(aside)
        folder.symlink_to(place.outside)
        folder.unlink()
        aside.rename(folder)
        (place.folder / "plain").write_bytes(b"plain")
        (place.folder / "plain").rename(file)

    with meanwhile(swap):
        for _ in range(200):
            place.take()
    assert not place.is_secret_stored()


def test_a_folder_far_above_that_was_replaced_is_not_taken_for_the_old_one(place: Place) -> None:
    path = place.workspace
    for _ in range(150):
        path = path / "d"
        path.mkdir()
    root = os.open(place.workspace, os.O_RDONLY)
    with Descent(root) as here:
        for _ in range(150):
            here.enter("d")
        (place.workspace / "d/d").rename(place.folder / "aside")
        (place.workspace / "d/d/d").mkdir(parents=True)
        for _ in range(147):
            here.leave()
        with pytest.raises(FileNotFoundError, match="replaced"):
            assert here.fd
        for _ in range(2):
            here.leave()
        assert here.enter("d")
    os.close(root)


def test_a_deep_folder_that_is_moved_while_it_is_read(place: Place) -> None:
    """So deep that folders further up have to be opened again, and may not be the same then."""
    path = place.workspace
    for number in range(80):
        path = path / "d"
        path.mkdir()
        (path / "z").mkdir()
        (path / "z" / f"f{number}").write_bytes(b"x")

    def swap() -> None:
        (place.workspace / "d").rename(place.folder / "aside")
        (place.workspace / "d").symlink_to(place.outside)
        (place.workspace / "d").unlink()
        (place.folder / "aside").rename(place.workspace / "d")

    with meanwhile(swap):
        for _ in range(60):
            place.take()
    assert not place.is_secret_stored()
    assert place.snapshots.verify(place.take()) == []


# -- what changes, vanishes, or is no file


def test_files_that_come_go_and_grow_while_they_are_read(place: Place) -> None:
    def churn() -> None:
        for number in range(20):
            (place.workspace / f"f{number}").write_bytes(os.urandom(1000))
            with (place.workspace / "log").open("ab") as log:
                log.write(bytes(100_000))
        for number in range(20):
            (place.workspace / f"f{number}").unlink()
        (place.workspace / "log").unlink()

    digests: set[str] = set()
    with meanwhile(churn):
        while len(digests) < 12:
            digests.add(place.take())
    assert all(place.snapshots.verify(digest) == [] for digest in digests)


def test_a_file_that_changed_while_it_was_read_is_noted_and_read_again(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = place.workspace / "file"
    file.write_bytes(b"a" * 100)
    real, count = os.pread, 0

    def pread(fd: int, length: int, offset: int) -> bytes:
        nonlocal count
        count += 1
        data = real(fd, length, offset)
        with file.open("ab") as more:
            more.write(b"b")
        return data

    monkeypatch.setattr(os, "pread", pread)
    assert place.snapshots.take(place.workspace).notes == ("file: changed while it was read",)
    assert count == 3
    monkeypatch.undo()
    taken = place.snapshots.take(place.workspace)
    assert taken.notes == () and place.snapshots.read_file(taken.digest, "file") == file.read_bytes()


def test_pipes_sockets_and_devices_are_recorded_but_never_opened(place: Place) -> None:
    os.mkfifo(place.workspace / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        here = os.open(place.workspace, os.O_RDONLY)
        listener.bind(f"/proc/self/fd/{here}/socket")
        os.close(here)
        names = ["pipe", "socket"]
        if os.geteuid() == 0:
            os.mknod(place.workspace / "device", 0o666 | 0o020000, os.makedev(1, 5))  # /dev/zero, endless if read
            names.append("device")
        taken = place.snapshots.take(place.workspace)
    assert sorted(change.path for change in place.snapshots.changes(None, taken.digest)) == sorted(names)
    assert taken.notes == (
        f"{len(names)} files, {min(names)} first: recorded by name only: no file but a pipe, socket or device",
    )
    place.snapshots.restore(taken.digest, place.folder / "copy")
    assert list((place.folder / "copy").iterdir()) == []


@contextmanager
def as_nobody() -> Iterator[None]:
    """Without the rights of root."""
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


def test_what_may_not_be_read_is_noted() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        with as_nobody():
            workspace = folder / "workspace"
            workspace.mkdir()
            (workspace / "open").write_bytes(b"1")
            for locked, mode in (("locked", 0o000), ("unlistable", 0o300), ("unsearchable", 0o600)):
                (workspace / locked).mkdir()
                (workspace / locked / "inside").write_bytes(b"2")
                (workspace / locked).chmod(mode)
            (workspace / "secret").write_bytes(b"3")
            (workspace / "secret").chmod(0)
            snapshots = WorkspaceSnapshots(folder / "store")
            taken = snapshots.take(workspace)
            paths = [change.path for change in snapshots.changes(None, taken.digest)]
            assert paths == ["locked", "open", "secret", "unlistable", "unsearchable/"]
            assert taken.notes == ("4 files, secret first: cannot be read (Permission denied)",)
            assert snapshots.take(workspace).digest == taken.digest
            snapshots.restore(taken.digest, folder / "copy")
            assert sorted(path.name for path in (folder / "copy").iterdir()) == ["open", "unsearchable"]
            for path in (*workspace.iterdir(), *(folder / "copy").iterdir()):
                path.chmod(0o700)


# -- snapshots that were tampered with

DIGEST = "0" * 64

HOSTILE_ROWS = {
    "up": ["..", "folder", 0o755, 0, 0, DIGEST],
    "here": [".", "file", 0o644, 0, 0, DIGEST],
    "empty": ["", "file", 0o644, 0, 0, DIGEST],
    "absolute": ["/etc/cron.d/evil", "file", 0o644, 0, 0, DIGEST],
    "a path": ["../evil", "link", 0o777, 0, 0, "x"],
    "NUL": ["a\0b", "link", 0o777, 0, 0, "x"],
    "too long": ["a" * 256, "link", 0o777, 0, 0, "x"],
    "half a character": ["\ud800", "link", 0o777, 0, 0, "x"],
    "a link to nothing": ["a", "link", 0o777, 0, 0, ""],
    "a link to NUL": ["a", "link", 0o777, 0, 0, "a\0b"],
    "a link to half a character": ["a", "link", 0o777, 0, 0, "\ud800"],
    "unknown kind": ["a", "program", 0o644, 0, 0, DIGEST],
    "a kind that is a list": ["a", ["file"], 0o644, 0, 0, DIGEST],
    "a mode beyond": ["a", "link", 0o10000, 0, 0, "x"],
    "a negative mode": ["a", "link", -1, 0, 0, "x"],
    "a negative size": ["a", "file", 0o644, -1, 0, DIGEST],
    "an endless time": ["a", "link", 0o777, 0, 1 << 80, "x"],
    "a path as a digest": ["a", "file", 0o644, 0, 0, "../../../../etc/passwd"],
    "no digest": ["a", "folder", 0o755, 0, 0, None],
    "too few": ["a", "file"],
    "too many": ["a", "link", 0o777, 0, 0, "x", 1],
    "no list": "abcdef",
    "a number": 7,
}


@pytest.mark.parametrize("name", HOSTILE_ROWS)
def test_a_hostile_tree_is_refused_and_nothing_is_written(place: Place, name: str) -> None:
    digest = place.tree(HOSTILE_ROWS[name])
    with pytest.raises(CorruptSnapshotError):
        place.snapshots.restore(digest, place.folder / "copy")
    assert list((place.folder / "copy").iterdir()) == []
    assert place.snapshots.verify(digest) != []
    with pytest.raises(CorruptSnapshotError):
        place.snapshots.changes(None, digest)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "7",
        "{}",
        '{"tree": 1}',
        '{"entries": 1}',
        '{"pages": ["x"]}',
        '{"pages": [1]}',
        '{"pages": "x"}',
        "ÿ",
        "[" * 100000,
    ],
)
def test_what_is_no_tree_is_refused(place: Place, text: str) -> None:
    digest = place.trees.put(text.encode("latin-1"))
    with pytest.raises(CorruptSnapshotError, match="damaged"):
        place.snapshots.restore(digest, place.folder / "copy")


def test_a_link_and_a_folder_of_one_name_do_not_lead_outside(place: Place) -> None:
    inner = place.tree(["evil", "link", 0o777, 0, 0, "x"])
    digest = place.tree(
        ["a", "link", 0o777, 0, 0, str(place.outside)],
        ["a", "folder", 0o755, 0, 0, inner],
    )
    with pytest.raises(CorruptSnapshotError):
        place.snapshots.restore(digest, place.folder / "copy")
    assert [path.name for path in place.outside.iterdir()] == ["secret"]


def test_a_tree_that_multiplies_is_stopped_by_the_limits(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.snapshots = WorkspaceSnapshots(tmp_path / "store", SnapshotLimits(files=500))
    digest = place.tree()
    for _ in range(12):
        digest = place.tree(*([f"d{number}", "folder", 0o755, 0, 0, digest] for number in range(10)))
    with pytest.raises(SnapshotError, match="more than 500 files"):
        place.snapshots.restore(digest, place.folder / "copy")
    assert place.snapshots.verify(digest) == []  # each tree is looked at once


def test_a_compressed_bomb_is_not_unpacked(place: Place) -> None:
    bomb = ObjectStore(place.folder / "store/trees", compressed=True, max_bytes=1 << 30).put(b" " * (17 << 20))
    with pytest.raises(CorruptSnapshotError):
        place.snapshots.restore(bomb, place.folder / "copy")


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "missing", "folder"])
@pytest.mark.parametrize("kind", ["content", "trees"])
def test_a_damaged_object_is_told_and_not_changed(place: Place, kind: str, damage: str) -> None:
    (place.workspace / "file").write_bytes(b"content")
    digest = place.take()
    path = next(path for path in (place.folder / "store" / kind).rglob("*") if path.is_file())
    data = path.read_bytes()
    damaged = {"flip": bytes([data[0] ^ 1]) + data[1:], "cut": data[: len(data) // 2], "empty": b""}.get(damage)
    path.unlink()
    if damaged is not None:
        path.write_bytes(damaged)
    elif damage == "folder":
        path.mkdir()
    with pytest.raises(CorruptSnapshotError):
        place.snapshots.restore(digest, place.folder / "copy")
    with pytest.raises(CorruptSnapshotError):
        place.snapshots.read_file(digest, "file")
    assert len(place.snapshots.verify(digest)) == 1
    assert not path.is_file() or path.read_bytes() == damaged


def test_taking_again_mends_what_a_power_failure_cut_off(place: Place) -> None:
    (place.workspace / "file").write_bytes(b"content")
    digest = place.take()
    for path in (place.folder / "store").rglob("*"):
        if path.is_file() and path.parent.parent.name in ("content", "trees"):
            path.write_bytes(b"")
    assert WorkspaceSnapshots(place.folder / "store").take(place.workspace).digest == digest
    assert place.snapshots.verify(digest) == []
