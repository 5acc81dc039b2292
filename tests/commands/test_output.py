"""Commands whose output goes nowhere: to a closed stream, a reader that has gone, a full disk."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.trace.conftest import story
from workbench.cli import main
from workbench.commands.money import seconds
from workbench.commands.problems import print_error
from workbench.trace.places import state_folder
from workbench.trace.store import Store

WORKBENCH = f"{sys.executable} -m workbench.cli"


def shell(line: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)


def test_a_closed_standard_output_is_no_error() -> None:
    done = shell(f"{WORKBENCH} schema >&-")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_reader_that_has_gone_is_no_error_to_tell() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [*WORKBENCH.split(), "schema"]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no disk that is always full")
def test_a_full_disk_is_told_without_a_traceback() -> None:
    done = shell(f"{WORKBENCH} schema >/dev/full")
    assert done.returncode == 2
    assert done.stderr == "workbench: No space left on device; the output is not complete\n"


def test_an_error_of_the_system_is_told_with_its_file_and_without_its_number(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_error(FileNotFoundError(2, "No such file or directory", "prompts/new.md"))
    assert capsys.readouterr().err == "workbench: prompts/new.md: No such file or directory\n"
    with pytest.raises(BrokenPipeError):
        print_error(BrokenPipeError(32, "Broken pipe"))


@pytest.mark.parametrize(
    ("duration", "said"),
    [(0.0471, "47 ms"), (0.9996, "1.00 s"), (119.99, "119.99 s"), (119.996, "2 min 0 s"), (179.7, "3 min 0 s")],
)
def test_durations_are_rounded_before_they_are_taken_apart(duration: float, said: str) -> None:
    assert seconds(duration) == said


def test_a_store_that_cannot_be_read_does_not_hide_the_runs_of_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Store.open(folder_of(tmp_path, "whole")) as store:
        store.append_many(story())
    (state_folder(folder_of(tmp_path, "damaged")) / "workbench.db").write_text("no database at all")
    assert main(["runs", str(tmp_path)]) == 2
    said = capsys.readouterr()
    assert story()[0].run_id in said.out
    assert "damaged/.workbench/workbench.db is not a run store" in said.err


def folder_of(path: Path, name: str) -> Path:
    folder = path / name
    folder.mkdir()
    return folder
