"""Which command a command line means."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.cli import build_parser, with_command

COMMANDS = build_parser()[1]


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ([], ["open"]),
        (["--offline"], ["open", "--offline"]),
        (["some/agent"], ["open", "some/agent"]),
        (["./run"], ["open", "./run"]),
        (["here"], ["open", "here"]),
        (["here", "--fuse", "2"], ["open", "here", "--fuse", "2"]),
        (["run"], ["run"]),
        (["run", "here"], ["run", "here"]),
        (["rnu"], ["rnu"]),
        (["--help"], ["--help"]),
        (["--version"], ["--version"]),
    ],
)
def test_without_a_command_the_screen_is_meant(
    given: list[str], meant: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    (tmp_path / "run").mkdir()
    assert list(with_command(given, COMMANDS)) == meant
