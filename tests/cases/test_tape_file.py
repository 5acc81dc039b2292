"""A tape's file that is damaged anywhere is told by file and line, or is harmless; it is never changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.engine.scripted_world import Stage, Turn
from workbench.cases.tape_file import lines_digest, read_tape
from workbench.definition.problems import DefinitionError, Problem
from workbench.trace.codec import event_to_json, json_line

CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
LINES = [
    json_line(event_to_json(event))
    for event in Stage([Turn(calls=[("write", "a"), ("read", "b")], thinks=True), Turn("done")]).run().events
]


def written(folder: Path, lines: list[str], end: str = "\n") -> Path:
    path = folder / "one.tape.jsonl"
    path.write_bytes(end.join([*lines, ""]).encode("utf-8"))
    return path


def refused(path: Path, sha256: str | None = None) -> Problem:
    """The one problem that the file has; it is as it was."""
    before = path.read_bytes()
    with pytest.raises(DefinitionError) as caught:
        read_tape(path, sha256)
    assert path.read_bytes() == before
    (problem,) = caught.value.problems
    assert problem.file == path
    assert "keep the run again" in problem.expected
    return problem


def test_a_whole_tape_is_read_however_its_lines_end(tmp_path: Path) -> None:
    digest = lines_digest(LINES)
    for end in ("\n", "\r\n"):
        kept = read_tape(written(tmp_path, LINES, end), digest)
        assert len(kept.events) == len(LINES)
        assert kept.tape.end is not None


@pytest.mark.parametrize("keep", range(len(LINES)))
def test_a_tape_that_is_cut_off_between_two_lines_is_refused(tmp_path: Path, keep: int) -> None:
    problem = refused(written(tmp_path, LINES[:keep]))
    assert problem.line == max(keep, 1)


@CALM
@given(st.integers(1, len("".join(LINES)) + len(LINES) - 2))
def test_a_tape_that_is_cut_off_anywhere_is_refused_at_the_place(tmp_path: Path, length: int) -> None:
    whole = "\n".join(LINES)
    path = tmp_path / "one.tape.jsonl"
    path.write_text(whole[:length])
    problem = refused(path)
    assert problem.line == whole[:length].rstrip("\n").count("\n") + 1


@CALM
@given(st.integers(0, 10**9), st.binary(min_size=1, max_size=30))
def test_what_is_overwritten_is_noticed(tmp_path: Path, place: int, junk: bytes) -> None:
    spoiled = bytearray("\n".join([*LINES, ""]).encode())
    begin = place % len(spoiled)
    whole = bytes(spoiled)
    spoiled[begin : begin + len(junk)] = junk
    path = tmp_path / "one.tape.jsonl"
    path.write_bytes(spoiled)
    if bytes(spoiled).rstrip(b"\r\n") == whole.rstrip(b"\n"):
        return
    assert refused(path, lines_digest(LINES)).line >= 1


def changed(line: str, **fields: object) -> str:
    return json.dumps({**json.loads(line), **fields})


@pytest.mark.parametrize(
    ("spoil", "line", "message"),
    [
        (lambda lines: [lines[0], changed(lines[1], type="dream"), *lines[2:]], 2, "unknown event type 'dream'"),
        (lambda lines: [lines[0], changed(lines[1], data={}), *lines[2:]], 2, "field required"),
        (lambda lines: [*lines[:3], *lines[4:]], 4, "does not follow"),
        (lambda lines: [*lines, lines[-1]], len(LINES) + 1, "has ended"),
        (lambda lines: [*lines, *(changed(line, run_id="other") for line in lines)], len(LINES) + 1, "a second run"),
        (lambda lines: lines[1:], 1, "begins with event 2"),
        (lambda lines: ["\ufeff" + lines[0], *lines[1:]], 1, "not json"),
        (lambda lines: [*lines[:2], "[" * 100_000, *lines[3:]], 3, "nested too deeply"),
        (lambda lines: [""], 1, "no event"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(
    tmp_path: Path, spoil: Callable[[list[str]], list[str]], line: int, message: str
) -> None:
    problem = refused(written(tmp_path, spoil(list(LINES))))
    assert problem.line == line
    assert message in problem.message.lower()


def test_a_tape_of_later_events_says_that_the_workbench_may_be_too_old(tmp_path: Path) -> None:
    problem = refused(written(tmp_path, [LINES[0], changed(LINES[1], type="dream"), *LINES[2:]]))
    assert "a later version of the workbench" in problem.expected


def test_bytes_that_are_no_text_are_told_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / "one.tape.jsonl"
    path.write_bytes(LINES[0].encode() + b"\n\xff\xfe")
    assert (refused(path).line, refused(path).message) == (2, "the byte 0xff is not UTF-8")


def test_a_tape_that_is_not_there_or_no_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="no such file"):
        read_tape(tmp_path / "none.jsonl")
    with pytest.raises(DefinitionError, match="cannot be read"):
        read_tape(tmp_path)
