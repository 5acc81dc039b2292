"""What the screen remembers, and the user's settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.tui.chosen_input import ChosenInput
from workbench.tui.on_save import MODES, mode_of, next_mode
from workbench.tui.remembered import Remembered, state_home
from workbench.tui.settings import read_settings, settings_file


def test_what_was_set_is_there_the_next_time(tmp_path: Path) -> None:
    first = Remembered(tmp_path / "deep" / "screen.json")
    first.set("width", 40)
    first.set("theme", "light")
    first.forget("theme")
    first.save()
    second = Remembered(tmp_path / "deep" / "screen.json")
    assert second.get("width", 1) == 40
    assert second.get("theme", "dark") == "dark"
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["screen.json"]


@pytest.mark.parametrize("content", ["", "[1]", '{"width": "wide"}', '{"width": true}', "{"])
def test_what_cannot_be_read_counts_as_nothing(tmp_path: Path, content: str) -> None:
    (tmp_path / "screen.json").write_text(content)
    assert Remembered(tmp_path / "screen.json").get("width", 7) == 7


def test_a_state_folder_that_cannot_be_written_is_no_reason_to_fail(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    remembered = Remembered(tmp_path / "file" / "screen.json")
    remembered.set("width", 40)
    remembered.save()


def test_agents_are_kept_apart_and_never_in_the_project(tmp_path: Path) -> None:
    for name in ("one", "two"):
        remembered = Remembered.of_agent(tmp_path / name)
        remembered.set("run", name)
        remembered.save()
    assert Remembered.of_agent(tmp_path / "one").get("run", "") == "one"
    assert len(list((state_home() / "agents").iterdir())) == 2
    assert not (tmp_path / "one").exists()


def test_the_chosen_input_is_kept_and_read_anew(tmp_path: Path) -> None:
    (tmp_path / "inputs").mkdir()
    for name in ("a.txt", "b.txt"):
        (tmp_path / "inputs" / name).write_text(name)
    remembered = Remembered(tmp_path / "agent.json")
    chosen = ChosenInput(tmp_path, remembered)
    assert chosen.text() == "a.txt"
    chosen.choose(tmp_path / "inputs" / "b.txt")
    (tmp_path / "inputs" / "b.txt").write_text("changed")
    assert chosen.text() == "changed"
    again = ChosenInput(tmp_path, remembered)
    assert again.file == tmp_path / "inputs" / "b.txt"
    again.choose("my own")
    assert ChosenInput(tmp_path, remembered).text() == "my own"


def test_settings_are_read_and_what_cannot_be_used_is_told(tmp_path: Path) -> None:
    path = tmp_path / "screen.yaml"
    path.write_text("theme: [x]\nkeys: {main.run: f9, main.stop: 3}\nthme: y\n")
    settings = read_settings(path)
    assert settings.keys == {"main.run": "f9"}
    assert settings.theme is None
    assert [problem.partition(": ")[2] for problem in settings.problems] == [
        "unknown key 'thme'",
        "theme must be a name",
        "keys.main.stop must be keys such as f9 or ctrl+n",
    ]


@pytest.mark.parametrize("content", ["{", "- a", "\x00"])
def test_settings_that_are_no_mapping_are_told(tmp_path: Path, content: str) -> None:
    path = tmp_path / "screen.yaml"
    path.write_text(content)
    assert len(read_settings(path).problems) == 1


def test_without_a_file_there_is_nothing_to_tell(tmp_path: Path) -> None:
    assert read_settings(tmp_path / "none.yaml").problems == ()
    assert settings_file({"XDG_CONFIG_HOME": "/c"}) == Path("/c/agent-workbench/screen.yaml")


def test_the_modes_go_round() -> None:
    seen = [mode_of("nonsense")]
    for _ in MODES:
        seen.append(next_mode(seen[-1]))
    assert seen[0] == seen[-1] == "show"
    assert set(seen) == set(MODES)
