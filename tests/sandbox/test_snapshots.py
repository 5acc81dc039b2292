"""Taking and restoring: any tree comes back as it was, and what did not change costs nothing."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.sandbox.snapshots import CorruptSnapshotError, SnapshotError, SnapshotLimits, WorkspaceSnapshots
from workbench.trace.events import FileChange

CHUNK = 1 << 20
IN_MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


@dataclass(frozen=True)
class File:
    content: bytes
    mode: int = 0o644
    mtime: int = 10**18


@dataclass(frozen=True)
class Link:
    target: bytes
    mtime: int = 10**18


@dataclass(frozen=True)
class Folder:
    entries: Mapping[bytes, Node]
    mode: int = 0o755
    mtime: int = 10**18


Node = File | Link | Folder

NAMES = (
    st.text(max_size=8).map(lambda text: os.fsencode(text.encode("utf-8", "replace"))) | st.binary(max_size=8)
).map(lambda name: name.replace(b"/", b"_").replace(b"\0", b"_"))
NAMES = NAMES.filter(lambda name: name not in (b"", b".", b".."))
TIMES = st.integers(-(10**18), 4 * 10**18)
FILES = st.builds(File, st.binary(max_size=40), st.integers(0o400, 0o777).map(lambda mode: mode | 0o400), TIMES)
LINKS = st.builds(Link, NAMES | st.just(b"/etc/passwd") | st.just(b"../.."), TIMES)
TREES = st.recursive(
    FILES | LINKS,
    lambda inner: st.builds(
        Folder, st.dictionaries(NAMES, inner, max_size=4), st.integers(0, 0o1077).map(lambda mode: mode | 0o700), TIMES
    ),
    max_leaves=12,
)
WORKSPACES = st.dictionaries(NAMES, TREES, max_size=5)


def write(folder: Path, entries: Mapping[bytes, Node]) -> None:
    for name, node in entries.items():
        path = folder / os.fsdecode(name)
        if isinstance(node, Link):
            path.symlink_to(os.fsdecode(node.target))
        elif isinstance(node, File):
            path.write_bytes(node.content)
            path.chmod(node.mode)
        else:
            path.mkdir()
            write(path, node.entries)
            path.chmod(node.mode)
        os.utime(path, ns=(node.mtime, node.mtime), follow_symlinks=False)


def read(folder: Path) -> dict[bytes, Node]:
    entries: dict[bytes, Node] = {}
    for path in folder.iterdir():
        status = path.lstat()
        mode, mtime, name = stat.S_IMODE(status.st_mode), status.st_mtime_ns, os.fsencode(path.name)
        if path.is_symlink():
            entries[name] = Link(os.fsencode(path.readlink()), mtime)
        elif path.is_dir():
            entries[name] = Folder(read(path), mode, mtime)
        else:
            entries[name] = File(path.read_bytes(), mode, mtime)
    return entries


class Place:
    """A store and folders beside it."""

    def __init__(self, folder: Path, limits: SnapshotLimits | None = None) -> None:
        self.folder = folder
        self.limits = limits
        self.snapshots = self.fresh()
        self.workspace = folder / "workspace"
        self.workspace.mkdir()

    def fresh(self) -> WorkspaceSnapshots:
        """The same store in a process that remembers nothing."""
        return WorkspaceSnapshots(self.folder / "store", self.limits)

    def put(self, path: str, content: bytes | str = b"") -> Path:
        file = self.workspace / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    def take(self) -> str:
        return self.snapshots.take(self.workspace).digest

    def objects(self) -> set[str]:
        store = self.folder / "store"
        return {str(file) for kind in ("content", "trees") for file in (store / kind).rglob("*") if file.is_file()}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def shown(changed: object) -> list[tuple[str, str]]:
    assert isinstance(changed, list | tuple)
    return [(change.path, change.change) for change in changed]


# -- the identity


@settings(deadline=None, max_examples=40)
@given(WORKSPACES)
def test_any_tree_comes_back_as_it_was(entries: dict[bytes, Node]) -> None:
    with tempfile.TemporaryDirectory(dir=IN_MEMORY) as folder:
        place = Place(Path(folder))
        write(place.workspace, entries)
        before = read(place.workspace)
        taken = place.snapshots.take(place.workspace)
        assert taken.notes == () and taken.changed == []
        assert place.snapshots.take(place.workspace).digest == taken.digest  # what is remembered
        assert place.fresh().take(place.workspace).digest == taken.digest  # or not
        place.snapshots.restore(taken.digest, place.folder / "copy")
        assert read(place.folder / "copy") == before == read(place.workspace)
        assert place.fresh().take(place.folder / "copy").digest == taken.digest
        assert place.snapshots.verify(taken.digest) == []


@settings(deadline=None, max_examples=20)
@given(WORKSPACES, st.randoms())
def test_the_digest_does_not_depend_on_the_order_of_creation(entries: dict[bytes, Node], random: object) -> None:
    with tempfile.TemporaryDirectory(dir=IN_MEMORY) as folder:
        place = Place(Path(folder))
        other = place.folder / "other"
        other.mkdir()
        write(place.workspace, entries)
        write(other, dict(sorted(entries.items(), reverse=True)))
        assert place.take() == place.snapshots.take(other).digest


@settings(deadline=None, max_examples=25)
@given(WORKSPACES, WORKSPACES)
def test_a_snapshot_after_changes_is_what_a_first_one_would_be(old: dict[bytes, Node], new: dict[bytes, Node]) -> None:
    with tempfile.TemporaryDirectory(dir=IN_MEMORY) as folder:
        place = Place(Path(folder))
        write(place.workspace, old)
        first = place.take()
        shutil.rmtree(place.workspace)
        place.workspace.mkdir()
        write(place.workspace, new)
        taken = place.snapshots.take(place.workspace)
        assert taken.digest == place.fresh().take(place.workspace).digest
        assert taken.changed == place.snapshots.changes(first, taken.digest)


# -- what is unusual in a tree


def test_names_that_are_not_text_are_shown_and_found_again(place: Place) -> None:
    names = [b"new\nline", b"\xff\xfe", b"back\\slash", "ümläut".encode(), b"\x1b[31m", b"-rf", b" ", b"a" * 255]
    first = place.take()
    for number, name in enumerate(names):
        (place.workspace / os.fsdecode(name)).write_bytes(b"%d" % number)
    taken = place.snapshots.take(place.workspace)
    paths = [change.path for change in taken.changed]
    assert set(paths) >= {"new\\x0aline", "\\xff\\xfe", "back\\x5cslash", "ümläut", "\\x1b[31m", "-rf", " "}
    assert all(path.isprintable() and path.encode() for path in paths)
    contents = {place.snapshots.read_file(taken.digest, path) for path in paths}
    assert contents == {b"%d" % number for number in range(len(names))}
    assert place.snapshots.changes(first, taken.digest) == taken.changed


def test_a_deep_tree_needs_few_open_files(place: Place) -> None:
    depth, here = 1100, os.open(place.workspace, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(os.open("f", os.O_CREAT | os.O_WRONLY, dir_fd=here))
        os.mkdir("z", dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    code = """
import resource, sys
from pathlib import Path
from workbench.sandbox.snapshots import WorkspaceSnapshots
resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128))
store = WorkspaceSnapshots(Path("store"))
taken = store.take(Path("workspace"))
store.restore(taken.digest, Path("copy"))
again = store.take(Path("copy"))
print(taken.digest == again.digest, taken.notes, len(store.changes(None, taken.digest)), store.verify(taken.digest))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=place.folder, capture_output=True, text=True, check=False)
    for name in ("workspace", "copy"):
        subprocess.run(["rm", "-rf", name], cwd=place.folder, check=True)
    assert done.stdout == f"True () {2 * depth + 1} []\n", done.stderr  # files, empty folders, the innermost one


def test_folders_that_are_too_deep_are_left_out_with_a_note(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.sandbox.snapshots.scan.MAX_DEPTH", 3)
    place.put("1/2/3/4/5/file")
    place.put("1/2/3/file")
    taken = place.snapshots.take(place.workspace)
    assert taken.notes == ("1/2/3/4: not recorded: nested deeper than 3 folders",)
    assert shown(place.snapshots.changes(None, taken.digest)) == [("1/2/3/file", "added")]


def test_a_sparse_file_stays_sparse_and_costs_what_it_holds(place: Place) -> None:
    with (place.workspace / "sparse").open("wb") as file:
        file.write(b"start")
        file.seek(1 << 40)
        file.write(b"end")
    taken = place.snapshots.take(place.workspace)
    place.snapshots.restore(taken.digest, place.folder / "copy")
    status = (place.folder / "copy/sparse").stat()
    assert status.st_size == (1 << 40) + 3 and status.st_blocks * 512 < 4 * CHUNK
    assert place.fresh().take(place.folder / "copy").digest != ""
    with (place.folder / "copy/sparse").open("rb") as file:
        assert file.read(6) == b"start\0"
        file.seek(1 << 40)
        assert file.read() == b"end"
    assert len(place.objects()) == 4


def test_zeros_are_the_same_whether_they_are_holes_or_not(place: Place) -> None:
    place.put("zeros", bytes(3 * CHUNK + 7))
    os.utime(place.workspace / "zeros", ns=(0, 0))
    one = place.take()
    (place.workspace / "zeros").unlink()
    with (place.workspace / "zeros").open("wb") as file:
        file.truncate(3 * CHUNK + 7)
    os.utime(place.workspace / "zeros", ns=(0, 0))
    assert place.take() == one


@pytest.mark.parametrize("size", [CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 5])
def test_a_long_file_comes_back_and_a_small_change_in_it_stores_little(place: Place, size: int) -> None:
    content = bytearray(os.urandom(size))
    file = place.put("long", bytes(content))
    first = place.take()
    assert place.snapshots.read_file(first, "long") == content
    before = place.objects()
    content[-1] ^= 1
    file.write_bytes(content)
    second = place.take()
    assert place.snapshots.read_file(second, "long") == content
    new = [path for path in place.objects() - before if "/content/" in path]
    assert len(new) == 1 and Path(new[0]).stat().st_size <= CHUNK


def test_hard_links_become_files_that_are_stored_once(place: Place) -> None:
    place.put("one", b"same")
    os.link(place.workspace / "one", place.workspace / "two")
    digest = place.take()
    place.snapshots.restore(digest, place.folder / "copy")
    assert (place.folder / "copy/one").read_bytes() == (place.folder / "copy/two").read_bytes() == b"same"
    assert (place.folder / "copy/one").stat().st_nlink == 1
    assert len(place.objects()) == 2


def test_setuid_is_recorded_but_never_restored(place: Place) -> None:
    place.put("tool", b"#!").chmod(0o6755)
    (place.workspace / "shared").mkdir()
    (place.workspace / "shared").chmod(0o3775)
    digest = place.take()
    place.snapshots.restore(digest, place.folder / "copy")
    assert stat.S_IMODE((place.folder / "copy/tool").stat().st_mode) == 0o755
    assert stat.S_IMODE((place.folder / "copy/shared").stat().st_mode) == 0o3775
    (place.workspace / "tool").chmod(0o755)
    assert shown(place.snapshots.take(place.workspace).changed) == [("tool", "modified")]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_everything_restored_belongs_to_the_owner(place: Place) -> None:
    place.put("folder/file", b"x").chmod(0o4755)
    (place.workspace / "link").symlink_to("nowhere")
    place.snapshots.restore(place.take(), place.folder / "copy", (1234, 2345))
    for path in [place.folder / "copy", *(place.folder / "copy").rglob("*")]:
        status = path.lstat()
        assert (status.st_uid, status.st_gid) == (1234, 2345)
    assert stat.S_IMODE((place.folder / "copy/folder/file").stat().st_mode) == 0o755


# -- what changed


def test_changes_are_relative_to_the_snapshot_before(place: Place) -> None:
    place.put("kept", b"1")
    place.put("edited", b"1")
    place.put("gone/file", b"1")
    place.put("swapped", b"1")
    assert place.snapshots.take(place.workspace).changed == []
    place.put("edited", b"22")
    place.put("new/file", b"333")
    shutil.rmtree(place.workspace / "gone")
    (place.workspace / "swapped").unlink()
    place.put("swapped/inside", b"1")
    (place.workspace / "empty").mkdir()
    (place.workspace / "link").symlink_to("kept")
    assert place.snapshots.take(place.workspace).changed == [
        FileChange("edited", "modified", 2),
        FileChange("empty/", "added", 0),
        FileChange("gone/file", "deleted", None),
        FileChange("link", "added", 4),
        FileChange("new/file", "added", 3),
        FileChange("swapped", "deleted", None),
        FileChange("swapped/inside", "added", 1),
    ]
    (place.workspace / "empty").rmdir()
    (place.workspace / "new").chmod(0o700)
    (place.workspace / "kept").chmod(0o600)
    os.utime(place.workspace / "edited", ns=(5, 5))
    (place.workspace / "link").unlink()
    (place.workspace / "link").symlink_to("edited")
    assert shown(place.snapshots.take(place.workspace).changed) == [
        ("empty/", "deleted"),
        ("kept", "modified"),
        ("link", "modified"),
        ("new/", "modified"),
    ]
    assert place.snapshots.take(place.workspace).changed == []


def test_changes_may_be_asked_for_from_any_snapshot(place: Place) -> None:
    place.put("a", b"1")
    first = place.take()
    place.put("b", b"1")
    place.take()
    assert shown(place.snapshots.take(place.workspace, base=first).changed) == [("b", "added")]
    assert shown(place.snapshots.changes(None, first)) == [("a", "added")]
    assert shown(place.snapshots.changes(place.take(), first)) == [("b", "deleted")]


def test_a_restored_workspace_changes_from_what_it_was_restored_to(place: Place) -> None:
    place.put("a", b"1")
    digest = place.take()
    place.snapshots.restore(digest, place.folder / "copy")
    (place.folder / "copy/b").write_bytes(b"1")
    assert shown(place.snapshots.take(place.folder / "copy").changed) == [("b", "added")]


@settings(deadline=None, max_examples=40)
@given(WORKSPACES, WORKSPACES)
def test_changes_tell_exactly_the_files_that_differ(old: dict[bytes, Node], new: dict[bytes, Node]) -> None:
    def files(entries: Mapping[bytes, Node], prefix: bytes = b"") -> dict[bytes, object]:
        found: dict[bytes, object] = {}
        for name, node in entries.items():
            if isinstance(node, Folder):
                found |= files(node.entries, prefix + name + b"/")
            else:
                found[prefix + name] = (node.content, node.mode) if isinstance(node, File) else node.target
        return found

    with tempfile.TemporaryDirectory(dir=IN_MEMORY) as folder:
        place = Place(Path(folder))
        digests = []
        for number, entries in enumerate((old, new)):
            (place.folder / str(number)).mkdir()
            write(place.folder / str(number), entries)
            digests.append(place.snapshots.take(place.folder / str(number)).digest)
        changes = [change for change in place.snapshots.changes(*digests) if not change.path.endswith("/")]
        before, after = files(old), files(new)
        expected = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
        assert len(changes) == len(expected)
        kinds = sorted(change.change for change in changes)
        assert kinds == sorted(
            "added" if path not in before else "deleted" if path not in after else "modified" for path in expected
        )
        for change in changes:
            if change.change != "deleted":
                assert change.size is not None and change.size >= 0


def test_a_long_list_of_changes_is_cut_with_a_note(place: Place) -> None:
    first = place.take()
    for number in range(1100):
        place.put(f"f{number}")
    taken = place.snapshots.take(place.workspace)
    assert len(taken.changed) == 1000 and taken.notes == ("1100 files changed, the first 1000 are listed",)
    assert len(place.snapshots.changes(first, taken.digest)) == 1100


# -- what it costs


def test_an_unchanged_workspace_stores_nothing_and_one_change_stores_little(place: Place) -> None:
    for number in range(1000):
        place.put(f"wide/{number}", b"%d" % number)
    place.put("a/b/c/d/file", b"1")
    place.take()
    before = place.objects()
    assert place.take() == place.take()
    assert place.objects() == before
    place.put("wide/77", b"changed")
    place.put("a/b/c/d/file", b"another")
    place.take()
    new = place.objects() - before
    assert len(new) == 2 + 1 + 1 + 1 + 4  # two contents; the page and the list of wide/; the root; a, b, c and d
    assert sum(Path(path).stat().st_size for path in new) < 24 * 1024


def note_opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of all files that are opened from now on."""
    opened: list[str] = []
    real = os.open

    def noting(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        opened.append(str(path))
        return real(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", noting)
    return opened


def test_an_unchanged_file_is_not_read_again(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    place.put("file", b"content")
    place.take()
    time.sleep(0.03)  # until the file's times are older than a tick
    place.take()
    opened = note_opened(monkeypatch)
    place.take()
    assert "file" not in opened


def test_a_file_that_changed_within_a_tick_of_being_read_is_read_again(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where times advance in ticks, it might change once more and look the same."""
    file = place.put("file", b"content")
    monkeypatch.setattr("time.time_ns", lambda: file.stat().st_ctime_ns + 4_000_000)
    place.take()
    opened = note_opened(monkeypatch)
    place.take()
    assert "file" in opened


def test_many_changes_in_a_row_are_all_seen(place: Place) -> None:
    file = place.put("file", b"0" * 8)
    digests = set()
    for number in range(60):
        with file.open("r+b") as opened:
            opened.write(b"%08d" % number)
        os.utime(file, ns=(0, 0))
        digests.add(place.take())
    assert len(digests) == 60


def test_a_change_that_hides_its_time_is_seen(place: Place) -> None:
    import time

    file = place.put("file", b"one")
    os.utime(file, ns=(0, 0))
    first = place.take()
    time.sleep(0.03)
    place.take()
    with file.open("r+b") as opened:
        opened.write(b"two")
    os.utime(file, ns=(0, 0))
    assert place.take() != first


# -- limits


def test_too_many_files_end_in_a_note(tmp_path: Path) -> None:
    place = Place(tmp_path, SnapshotLimits(files=5))
    for number in range(9):
        place.put(f"f{number}", b"x")
    taken = place.snapshots.take(place.workspace)
    assert taken.notes == ("f5: not recorded: a snapshot holds 5 files",)
    assert len(place.snapshots.changes(None, taken.digest)) == 5


def test_too_many_bytes_end_in_a_note_and_the_rest_is_recorded(tmp_path: Path) -> None:
    place = Place(tmp_path, SnapshotLimits(bytes=1000))
    place.put("a", b"x" * 900)
    place.put("b", b"y" * 900)
    place.put("c", b"z" * 100)
    place.put("d", os.urandom(5 * CHUNK))
    taken = place.snapshots.take(place.workspace)
    assert taken.notes == ("2 files, b first: not recorded: a snapshot holds 1000 bytes",)
    assert place.snapshots.read_file(taken.digest, "c") == b"z" * 100
    with pytest.raises(SnapshotError, match=r"b has no content in the snapshot .* it is omitted"):
        place.snapshots.read_file(taken.digest, "b")
    assert place.fresh().take(place.workspace).digest == taken.digest == place.take()
    place.snapshots.restore(taken.digest, place.folder / "copy")
    assert sorted(path.name for path in (place.folder / "copy").iterdir()) == ["a", "c"]
    place.put("b", b"Y" * 900)
    assert shown(place.snapshots.take(place.workspace).changed) == [("b", "modified")]


# -- reading, and errors for people


def test_reading_a_file_that_is_none_says_why(place: Place) -> None:
    place.put("folder/file", b"content")
    (place.workspace / "link").symlink_to("folder/file")
    digest = place.take()
    assert place.snapshots.read_file(digest, "folder/file") == b"content"
    for path, words in {
        "missing": "missing is not in the snapshot",
        "folder/file/more": "is not in the snapshot",
        "link": "it is a link to folder/file",
        "link/file": "is not in the snapshot",
        "folder": "it is folder",
        "../workspace/folder/file": "is not in the snapshot",
        "": "is not in the snapshot",
    }.items():
        with pytest.raises(SnapshotError, match=words):
            place.snapshots.read_file(digest, path)
    with pytest.raises(SnapshotError, match="7 bytes long, more than 6"):
        place.snapshots.read_file(digest, "folder/file", most=6)


@pytest.mark.parametrize("digest", ["", "x", "../../etc/passwd", "0" * 64, "A" * 64, "0" * 63, "0" * 64 + "\n"])
def test_an_unknown_snapshot_is_a_clear_error(place: Place, digest: str) -> None:
    place.take()
    for call in (
        lambda: place.snapshots.restore(digest, place.folder / "copy"),
        lambda: place.snapshots.changes(None, digest),
        lambda: place.snapshots.read_file(digest, "a"),
    ):
        with pytest.raises(CorruptSnapshotError, match="there is no snapshot"):
            call()
    assert place.snapshots.verify(digest) != []


def test_a_folder_that_is_not_empty_or_not_there_is_a_clear_error(place: Place) -> None:
    digest = place.take()
    place.put("file")
    with pytest.raises(SnapshotError, match="it is not empty"):
        place.snapshots.restore(digest, place.workspace)
    assert (place.workspace / "file").exists()
    with pytest.raises(SnapshotError, match="cannot be opened: No such file"):
        place.snapshots.take(place.folder / "missing")


def test_several_processes_may_take_into_one_store_at_once(place: Place) -> None:
    for number in range(200):
        place.put(f"d{number % 7}/{number}", b"%d" % (number % 50))
    code = (
        "from pathlib import Path; from workbench.sandbox.snapshots import WorkspaceSnapshots as S;"
        "print(S(Path('store')).take(Path('workspace')).digest)"
    )
    command = [sys.executable, "-c", code]
    processes = [subprocess.Popen(command, cwd=place.folder, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    digests = {process.communicate()[0].strip() for process in processes}
    assert digests == {place.take()}
    assert place.snapshots.verify(digests.pop()) == []
    assert list((place.folder / "store/tmp").iterdir()) == []


def test_the_format_on_disk_is_the_documented_one(place: Place) -> None:
    import zlib

    place.put("a", b"1")
    os.utime(place.workspace / "a", ns=(7, 7))
    (place.workspace / "a").chmod(0o644)
    digest = place.take()
    raw = zlib.decompress((place.folder / "store/trees" / digest[:2] / digest[2:]).read_bytes())
    content = "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"
    assert json.loads(raw) == {"tree": 1, "entries": [["a", "file", 0o644, 1, 7, content]]}


def test_many_threads_put_at_once(tmp_path: Path) -> None:
    """Sandboxes of one sitting take their snapshots at the same time, through one store."""
    from concurrent.futures import ThreadPoolExecutor

    from workbench.sandbox.snapshots.objects import ObjectStore

    objects = ObjectStore(tmp_path / "content", compressed=False, max_bytes=1 << 20)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as threads:
            digests = list(threads.map(lambda number: objects.put(str(number).encode()), range(3_000)))
    finally:
        sys.setswitchinterval(before)
    assert len(set(digests)) == 3_000
