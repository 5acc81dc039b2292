"""The text diff of one file between two snapshots."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.sandbox.snapshots import SnapshotError, WorkspaceSnapshots
from workbench.sandbox.snapshots.file_diff import unified_diff

LINES = st.lists(st.sampled_from(["a", "b", "c", "", "d\r", " ", "\u2028", "- x", "+ y", "@@ -1 +1 @@"]), max_size=40)
TEXTS = st.tuples(LINES, st.booleans()).map(lambda drawn: "\n".join(drawn[0]) + "\n" * drawn[1])


def applied(diff: str, old: str) -> str:
    """What `old` becomes by a unified diff, as patch(1) would do it."""
    lines = re.findall(r"[^\n]*\n|[^\n]+$", old)
    result: list[str] = []
    position = 0
    body = re.findall(r"[^\n]*\n", diff)[2:]
    index = 0
    while index < len(body):
        match = re.fullmatch(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@\n", body[index])
        assert match is not None, body[index]
        start, length = int(match[1]), int(match[2] or 1)
        start -= 1 if length else 0
        result += lines[position:start]
        position = start
        taken, added = 0, 0
        index += 1
        while index < len(body) and (taken < length or added < int(match[4] or 1) or body[index][0] == "\\"):
            sign, line = body[index][0], body[index][1:]
            index += 1
            if index < len(body) and body[index].startswith("\\ No newline"):
                line = line[:-1]
                index += 1
            if sign in " -":
                assert lines[position] == line
                position += 1
                taken += 1
            if sign in " +":
                result.append(line)
                added += 1
        assert (taken, added) == (length, int(match[4] or 1))
    return "".join(result + lines[position:])


@settings(deadline=None)
@given(TEXTS, TEXTS)
def test_a_diff_turns_the_old_text_into_the_new(old: str, new: str) -> None:
    diff = unified_diff("file", old.encode(), new.encode())
    assert applied(diff.text, old) == new
    assert (diff.text == "") == (old == new) and diff.note == ""


def test_a_diff_has_the_usual_form() -> None:
    old = "".join(f"line {number}\n" for number in range(1, 31))
    new = old.replace("line 3\n", "line three\n").replace("line 9\n", "").replace("line 30\n", "line 30")
    assert unified_diff("a.txt", old.encode(), new.encode()).text == (
        "--- a/a.txt\n+++ b/a.txt\n"
        "@@ -1,12 +1,11 @@\n line 1\n line 2\n-line 3\n+line three\n line 4\n line 5\n line 6\n line 7\n line 8\n"
        "-line 9\n line 10\n line 11\n line 12\n"
        "@@ -27,4 +26,4 @@\n line 27\n line 28\n line 29\n-line 30\n+line 30\n\\ No newline at end of file\n"
    )
    assert unified_diff("a", None, b"x\n").text == "--- /dev/null\n+++ b/a\n@@ -0,0 +1 @@\n+x\n"
    assert unified_diff("a", b"x\n", None).text == "--- a/a\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n"


def test_a_long_text_is_compared_quickly_and_cut() -> None:
    """Many equal lines in another order are the worst case of the search for what is equal."""
    old = "".join(f"{number % 97}\n" for number in range(100_000))
    new = "".join(f"{number % 89}\n" for number in range(100_000))
    diff = unified_diff("file", old.encode(), new.encode())
    assert len(diff.text) == 256 * 1024 and diff.note.startswith("the first 262144 characters of ")
    edited = old[:150_000] + "edited\n" + old[150_000:]
    assert len(unified_diff("file", old.encode(), edited.encode()).text) < 300


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "workspace").mkdir()
    return tmp_path


def test_what_is_no_text_is_described(folder: Path) -> None:
    snapshots, workspace = WorkspaceSnapshots(folder / "store"), folder / "workspace"
    contents: dict[str, tuple[bytes, bytes]] = {
        "text": (b"1\n", b"2\n"),
        "binary": (b"\0\1", b"\0\2\3"),
        "latin": (b"\xe4\n", b"\xf6\n"),
        "long": (b"x" * (1 << 20), b"x" * ((1 << 20) + 1)),
        "mode": (b"1\n", b"1\n"),
        "same": (b"1\n", b"1\n"),
        "link": (b"1\n", b""),
        "gone": (b"1\n", b""),
    }
    for name, (old, _) in contents.items():
        (workspace / name).write_bytes(old)
    first = snapshots.take(workspace).digest
    for name, (_, new) in contents.items():
        (workspace / name).write_bytes(new)
    (workspace / "mode").chmod(0o755)
    for name in ("link", "gone"):
        (workspace / name).unlink()
    (workspace / "link").symlink_to("text")
    second = snapshots.take(workspace).digest

    def diff(name: str) -> tuple[str, str]:
        found = snapshots.file_diff(first, second, name)
        return found.text, found.note

    assert diff("text") == ("--- a/text\n+++ b/text\n@@ -1 +1 @@\n-1\n+2\n", "")
    assert diff("binary") == ("", "binary file, 2 bytes before, 3 bytes after")
    assert diff("latin") == ("", "binary file, 2 bytes before, 2 bytes after")
    size = 1 << 20
    assert diff("long") == ("", f"too long to compare: before a file of {size} bytes, after a file of {size + 1} bytes")
    assert diff("mode") == ("", "mode 644 before, 755 after")
    assert diff("same") == ("", "")
    assert diff("link") == ("", "before a file of 2 bytes, after a link to text")
    assert diff("gone")[0].endswith("+++ /dev/null\n@@ -1 +0,0 @@\n-1\n")
    assert snapshots.file_diff(None, second, "text").text.startswith("--- /dev/null\n+++ b/text\n")
    with pytest.raises(SnapshotError, match="in neither snapshot"):
        diff("missing")
