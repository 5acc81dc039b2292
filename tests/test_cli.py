"""Which command a command line means."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from workbench.cli import build_parser, with_command
from workbench.commands.examples import EXAMPLES

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


@pytest.mark.parametrize("line", [line for lines in EXAMPLES.values() for line in lines])
def test_an_example_of_the_help_is_a_command(line: str) -> None:
    (name,) = (name for name, lines in EXAMPLES.items() if line in lines)
    program, *arguments = shlex.split(line.rsplit("|", maxsplit=1)[-1])
    assert program == "workbench"
    assert build_parser()[0].parse_args(arguments).command == name


@pytest.mark.parametrize("line", ["runs --limit 0", "test --concurrency=-1", "compare --concurrency x"])
def test_a_count_is_above_0(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        build_parser()[0].parse_args(line.split())
    assert ended.value.code == 2
    assert "a whole number above 0 is needed" in capsys.readouterr().err
