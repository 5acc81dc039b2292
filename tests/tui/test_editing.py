"""Files that are edited here and elsewhere at once, and the user's own editor."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from workbench.definition.watcher import FileChange
from workbench.tui.edited_file import EditedFile
from workbench.tui.external_editor import NoEditorError, editor_command
from workbench.tui.file_diff import diff


@pytest.fixture
def file(tmp_path: Path) -> EditedFile:
    (tmp_path / "prompt.md").write_text("one\n\ntwo\n")
    return EditedFile.open(tmp_path / "prompt.md")


def test_what_is_saved_is_no_conflict(file: EditedFile) -> None:
    assert file.dirty("mine")
    assert file.save("mine")
    assert not file.dirty("mine")
    assert not file.conflict
    assert file.look("mine") is None


def test_a_change_on_disk_is_taken_when_nothing_was_typed(file: EditedFile) -> None:
    file.path.write_text("theirs\n")
    assert file.look("one\n\ntwo\n") == "theirs\n"
    assert not file.conflict


def test_a_change_on_disk_is_a_conflict_when_something_was_typed(file: EditedFile) -> None:
    file.path.write_text("theirs\n")
    assert file.look("mine\n") is None
    assert file.conflict
    assert not file.save("mine\n")
    assert file.path.read_text() == "theirs\n"


def test_a_change_that_was_not_noticed_is_not_overwritten_either(file: EditedFile) -> None:
    file.path.write_text("theirs\n")
    assert not file.save("mine\n")
    assert file.conflict


@pytest.mark.parametrize(
    ("way", "text"), [("disk", "theirs\n\ntwo\n"), ("mine", "one\n\nmine\n"), ("merge", "theirs\n\nmine\n")]
)
def test_a_conflict_is_settled_in_three_ways(file: EditedFile, way: str, text: str) -> None:
    file.path.write_text("theirs\n\ntwo\n")
    file.look("one\n\nmine\n")
    merged = file.settle(way, "one\n\nmine\n")  # type: ignore[arg-type]
    assert (merged.text, merged.conflicts) == (text, 0)
    assert file.save(merged.text)
    assert file.path.read_text() == text


def test_both_made_the_same_change(file: EditedFile) -> None:
    file.path.write_text("same\n")
    assert file.look("same\n") == "same\n"
    assert not file.conflict


def test_a_file_that_vanished_is_a_conflict(file: EditedFile) -> None:
    file.path.unlink()
    file.look("mine\n")
    assert file.conflict
    file.settle("mine", "mine\n")
    assert file.save("mine\n")


def test_gui_editors_are_told_to_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    path = tmp_path / "prompt.md"
    assert editor_command(path, {"EDITOR": "code"}) == ["code", "--wait", str(path)]
    assert editor_command(path, {"EDITOR": "code --wait"}) == ["code", "--wait", str(path)]
    assert editor_command(path, {"EDITOR": "subl -w"}) == ["subl", "-w", str(path)]
    assert editor_command(path, {"EDITOR": "vim", "VISUAL": "nvim -u none"}, 7) == [
        "nvim",
        "-u",
        "none",
        "+7",
        str(path),
    ]


@pytest.mark.parametrize("editor", ["no-such-editor", "'unclosed"])
def test_an_editor_that_cannot_be_started_is_told(editor: str, tmp_path: Path) -> None:
    with pytest.raises(NoEditorError, match="EDITOR"):
        editor_command(tmp_path, {"EDITOR": editor})


def test_a_difference_marks_the_words_that_changed() -> None:
    shown = diff(FileChange(Path("prompt.md"), "Be kind.\nBye.\n", "Be very kind.\nBye.\n"), "prompt.md")
    assert (shown.added, shown.removed) == (1, 1)
    added = next(line for line in shown.lines if line.sign == "+")
    assert [text for text, changed in added.parts if changed] == [" very"]


def test_a_difference_hides_what_may_be_secret_and_what_a_terminal_obeys() -> None:
    before = "headers:\n  Authorization: Bearer abcdef123456\n"
    change = FileChange(Path("agent.yaml"), before, before.replace("abcdef", "zzzzzz") + "name: \x1b[31m\n")
    text = "\n".join(map(str, diff(change, "agent.yaml").lines))
    assert "123456" not in text
    assert "\x1b" not in text


def test_a_deleted_file_is_told() -> None:
    assert "deleted" in str(diff(FileChange(Path("prompt.md"), "one\n", None), "prompt.md").lines[0])
