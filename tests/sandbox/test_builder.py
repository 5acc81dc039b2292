from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from workbench.sandbox.builder import BuildError, cache_folder, clean_lines, only_one


def test_output_is_stripped_of_colours_control_characters_and_passwords() -> None:
    text = "\x1b[31mred\x1b[0m  \n\n10%\r100%\nGET https://a:b@host/x\x07\n"
    assert clean_lines(text) == ["red", "10%", "100%", "GET https://***@host/x"]


def test_an_error_shows_its_tail() -> None:
    assert str(BuildError("no", 3, ["one", "two"])) == "no\n  one\n  two"


def test_the_cache_is_where_the_user_wants_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "agent-workbench"


def test_an_image_is_made_by_one_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    inside: list[str] = []

    def make(who: str) -> None:
        with only_one("agent-workbench/x:1"):
            inside.append(f"{who} begins")
            time.sleep(0.05)
            inside.append(f"{who} ends")

    makers = [threading.Thread(target=make, args=(who,)) for who in "ab"]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    assert [line.split()[1] for line in inside] == ["begins", "ends"] * 2
