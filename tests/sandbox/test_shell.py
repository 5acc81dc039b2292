from __future__ import annotations

import stat
import sys
import time
from pathlib import Path

import pytest

from workbench.sandbox.shell import CommandError, Shell, find_program, find_shell, shown_command, telling_lines


def test_a_program_gives_both_streams_line_by_line(tmp_path: Path) -> None:
    heard: list[str] = []
    shell = Shell(log=tmp_path / "deep/log")
    output = shell.run(
        ["sh", "-c", "echo one; echo two >&2; echo $WHO"], progress=heard.append, environment={"WHO": "me"}
    )
    assert output.splitlines() == heard == ["one", "two", "me"]
    assert "two" in (tmp_path / "deep/log").read_text()


def test_a_failure_tells_command_ending_and_last_lines() -> None:
    with pytest.raises(CommandError) as failed:
        Shell().run(["sh", "-c", "echo 'E: no such package'; seq 30; exit 7"])
    text = str(failed.value)
    assert "sh -c" in text and "exit code 7" in text
    assert text.splitlines()[-1].strip() == "30"
    assert "E: no such package" in text, "an error further up is shown too"
    assert "\n  10\n" not in text


def test_a_missing_program_is_an_error_and_no_traceback() -> None:
    with pytest.raises(CommandError, match=r"no-such-program-xyz.*could not be started: No such file"):
        Shell().run(["no-such-program-xyz"])


def test_a_program_that_takes_too_long_is_killed_with_its_children(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    with pytest.raises(CommandError, match=r"was stopped after 0\.3 s"):
        Shell().run(["sh", "-c", f"(sleep 1; touch {mark}) & sleep 30"], timeout=0.3)
    time.sleep(1.2)
    assert not mark.exists()


def test_a_signal_is_told() -> None:
    with pytest.raises(CommandError, match="killed by signal 15"):
        Shell().run(["sh", "-c", "kill -TERM $$"])


def test_input_is_never_waited_for() -> None:
    assert Shell().run(["cat"], timeout=10) == ""


def test_without_root_and_sudo_the_command_is_told_not_run(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="needs root"):
        Shell(sudo=None).run(["touch", str(tmp_path / "x")], as_root=True)
    assert not (tmp_path / "x").exists()


@pytest.fixture
def fake_sudo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    sudo = tmp_path / "sudo"
    sudo.write_text('#!/bin/sh\nshift\nif [ "$1" = true ]; then exec true; fi\necho "as root: $*"\nexec env -i "$@"\n')
    sudo.chmod(sudo.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return sudo


def test_sudo_gets_the_environment_and_a_time_limit(fake_sudo: Path) -> None:
    shell = find_shell(root=False)
    assert shell.sudo == (str(fake_sudo), "-n")
    output = shell.run(["sh", "-c", "echo got $LC"], as_root=True, environment={"LC": "C"}, timeout=9)
    assert "got C" in output
    assert "timeout --kill-after=5 9" in output


def test_a_sudo_that_asks_for_a_password_is_none(fake_sudo: Path) -> None:
    fake_sudo.write_text("#!/bin/sh\nexit 1\n")
    assert not find_shell(root=False).can_be_root
    assert find_shell(root=True).sudo == ()


def test_passwords_reach_neither_log_nor_error(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with pytest.raises(CommandError) as failed:
        Shell(log=log).run(["sh", "-c", "echo https://joe:hunter2@mirror.example/x; exit 1"])
    assert "hunter2" not in str(failed.value) + log.read_text()
    assert "mirror.example" in str(failed.value)


def test_a_long_command_is_cut() -> None:
    assert len(shown_command(["x" * 1000])) < 300


def test_lines_that_speak_of_errors_come_first() -> None:
    lines = ["fine", "dpkg: error processing x", *map(str, range(50))]
    assert telling_lines(lines)[0] == "dpkg: error processing x"


def test_programs_of_the_administrator_are_found() -> None:
    assert find_program(Path(sys.executable).name)
    assert find_program("no-such-program-xyz") is None
