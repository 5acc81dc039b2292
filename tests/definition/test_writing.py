"""Saving a file that the user edits."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.definition.writing import ChangedOnDiskError, read_text, save_text


def test_a_save_keeps_the_mode(tmp_path: Path) -> None:
    file = tmp_path / "prompt.md"
    file.write_text("old")
    file.chmod(0o640)
    save_text(file, "new", expected="old")
    assert file.read_text() == "new"
    assert file.stat().st_mode & 0o777 == 0o640


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    target, link = tmp_path / "shared.md", tmp_path / "prompt.md"
    target.write_text("old")
    link.symlink_to(target)
    save_text(link, "new", expected="old")
    assert link.is_symlink()
    assert target.read_text() == "new"


def test_another_programs_change_is_never_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "prompt.md"
    file.write_text("theirs")
    with pytest.raises(ChangedOnDiskError) as told:
        save_text(file, "mine", expected="old")
    assert told.value.text == "theirs"
    assert file.read_text() == "theirs"
    assert [path.name for path in tmp_path.iterdir()] == ["prompt.md"]


def test_a_file_that_has_gone_is_a_change_too(tmp_path: Path) -> None:
    with pytest.raises(ChangedOnDiskError):
        save_text(tmp_path / "prompt.md", "mine", expected="old")
    save_text(tmp_path / "prompt.md", "mine", expected=None)
    assert (tmp_path / "prompt.md").read_text() == "mine"


def test_line_ends_stay_as_they_are(tmp_path: Path) -> None:
    file = tmp_path / "prompt.md"
    file.write_bytes(b"one\r\ntwo\r\n")
    text = read_text(file)
    save_text(file, text.replace("two", "three"), expected=text)
    assert file.read_bytes() == b"one\r\nthree\r\n"


def test_nothing_is_left_beside_a_file_that_cannot_be_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "prompt.md"
    folder.mkdir()
    with pytest.raises(OSError):
        save_text(folder, "text", expected=None)
    assert [path.name for path in tmp_path.iterdir()] == ["prompt.md"]
