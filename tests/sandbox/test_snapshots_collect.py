"""What is no longer needed goes, what is needed stays, also while snapshots are taken."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from workbench.sandbox.snapshots import CorruptSnapshotError, WorkspaceSnapshots
from workbench.sandbox.snapshots.objects import ObjectStore


class Place:
    """A store and a workspace."""

    def __init__(self, folder: Path) -> None:
        self.store = folder / "store"
        self.snapshots = WorkspaceSnapshots(self.store)
        self.workspace = folder / "workspace"
        self.workspace.mkdir()

    def put(self, path: str, content: str) -> None:
        file = self.workspace / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)

    def take(self) -> str:
        return self.snapshots.take(self.workspace).digest

    def objects(self) -> int:
        return sum(path.is_file() for kind in ("content", "trees") for path in (self.store / kind).rglob("*"))

    def age_marks(self) -> None:
        for mark in (self.store / "snapshots").iterdir():
            os.utime(mark, (0, 0))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_only_what_live_snapshots_need_stays(place: Place) -> None:
    place.put("kept", "same in both")
    place.put("folder/file", "old")
    old = place.take()
    place.put("folder/file", "new")
    new = place.take()
    before = place.objects()
    collected = place.snapshots.collect([new], grace_seconds=0)
    assert collected.snapshots == 1 and collected.objects == before - place.objects() == 3
    assert collected.bytes > 0
    assert place.snapshots.verify(new) == []
    with pytest.raises(CorruptSnapshotError, match="there is no snapshot"):
        place.snapshots.read_file(old, "kept")


def test_long_files_and_wide_folders_stay_whole(place: Place) -> None:
    for number in range(400):
        place.put(f"wide/{number}", str(number))
    (place.workspace / "long").write_bytes(os.urandom(3 << 20))
    digest = place.take()
    place.snapshots.collect([digest], grace_seconds=0)
    assert place.snapshots.verify(digest) == []


def test_a_snapshot_taken_lately_stays_though_nothing_names_it_yet(place: Place) -> None:
    place.put("file", "1")
    digest = place.take()
    assert place.snapshots.collect([]).objects == 0
    assert place.snapshots.verify(digest) == []
    place.age_marks()
    assert place.snapshots.collect([]).snapshots == 1
    assert place.objects() == 0


def test_what_was_remembered_is_stored_again_after_it_was_collected(place: Place) -> None:
    place.put("folder/file", "1")
    place.take()
    time.sleep(0.03)
    first = place.take()  # by now the file is known unchanged
    WorkspaceSnapshots(place.store).collect([], grace_seconds=0)
    assert place.objects() == 0
    assert place.take() == first and place.snapshots.verify(first) == []
    WorkspaceSnapshots(place.store).collect([], grace_seconds=0)
    place.put("folder/other", "2")
    taken = place.snapshots.take(place.workspace)
    assert place.snapshots.verify(taken.digest) == []
    assert taken.changed == [] and "what changed is not known" in taken.notes[0]


def test_a_damaged_live_snapshot_keeps_what_is_left_of_it(place: Place) -> None:
    place.put("a/file", "1")
    place.put("b/file", "2")
    digest = place.take()
    damaged = next(
        path for path in (place.store / "trees").rglob("*") if path.is_file() and digest[2:] not in str(path)
    )
    damaged.write_bytes(b"")
    collected = place.snapshots.collect([digest, "no digest", "0" * 64], grace_seconds=0)
    assert collected.objects == 1  # the content that only the damaged tree named
    assert len(place.snapshots.verify(digest)) == 1


def test_files_of_killed_processes_are_removed(place: Place) -> None:
    left = place.store / "tmp/1-abc-0"
    left.write_bytes(b"half an obj")
    place.snapshots.collect([], grace_seconds=0)
    assert left.exists()  # it may be in use
    os.utime(left, (0, 0))
    place.snapshots.collect([], grace_seconds=0)
    assert not left.exists()


def test_a_snapshot_taken_while_objects_are_removed_keeps_those_it_shares(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.put("folder/file", "1")
    digest = place.take()
    place.age_marks()
    real = ObjectStore.digests

    def digests(store: ObjectStore) -> Iterator[str]:
        """The collector has decided by now, and removed nothing yet."""
        assert WorkspaceSnapshots(place.store).take(place.workspace).digest == digest
        return real(store)

    monkeypatch.setattr(ObjectStore, "digests", digests)
    assert place.snapshots.collect([]).snapshots == 1
    assert place.snapshots.verify(digest) == []


def test_taking_and_collecting_at_once_lose_nothing(place: Place) -> None:
    """Old snapshots go all the time, those of the last seconds stay whole."""
    for number in range(60):
        place.put(f"d{number % 5}/{number}", str(number))
    stop, problems = threading.Event(), []
    start = time.monotonic()

    def collect() -> None:
        other = WorkspaceSnapshots(place.store)
        while not stop.is_set():
            other.collect([], grace_seconds=0.2)

    def take(turn: int) -> None:
        mine = WorkspaceSnapshots(place.store)
        count = 0
        while not stop.is_set():
            count += 1
            place.put(f"t{turn}/{count % 9}", str(count))
            began = time.monotonic()
            digest = mine.take(place.workspace).digest
            problem = mine.verify(digest)
            if problem and time.monotonic() - began < 0.15:
                problems.append(problem)

    threads = [threading.Thread(target=collect), *(threading.Thread(target=take, args=(turn,)) for turn in range(2))]
    for thread in threads:
        thread.start()
    time.sleep(max(0.0, 2.0 - (time.monotonic() - start)))
    stop.set()
    for thread in threads:
        thread.join()
    assert problems == []
    digest = place.take()
    assert place.snapshots.verify(digest) == []
