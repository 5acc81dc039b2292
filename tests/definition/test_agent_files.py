from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.definition.agent_files import MAX_PROMPT
from workbench.definition.loader import check_agent, load_agent
from workbench.definition.problems import Problem

WriteAgent = Callable[[str], Path]


def only(folder: Path) -> Problem:
    problems = check_agent(folder, {}).problems
    assert len(problems) == 1, problems
    return problems[0]


@pytest.mark.parametrize(
    ("line", "where", "message", "suggestion"),
    [
        ("system_prompt: ./promt.md", "system_prompt", "no file './promt.md'", "./prompt.md"),
        ("system_prompt: nowhere/prompt.md", "system_prompt", "no file", None),
        ("system_prompt: fixtures", "system_prompt", "is no file", None),
        ("system_prompt: ../prompt.md", "system_prompt", "leads out of", None),
        ("system_prompt: fixtures/../../x.md", "system_prompt", "leads out of", None),
        ("system_prompt: link.md", "system_prompt", "leads out of", None),
        ("system_prompt: loop", "system_prompt", "cannot be followed", None),
        ("system_prompt: pipe", "system_prompt", "is no file", None),
        ('system_prompt: "a\\0b"', "system_prompt", "cannot be followed", None),
        (f"system_prompt: {'x' * 300}", "system_prompt", "cannot be followed", None),
        ("system_prompt: prompt.md\nsource: fixture", "source", "no folder 'fixture'", "fixtures"),
        ("system_prompt: prompt.md\nsource: prompt.md", "source", "is no folder", None),
        ("system_prompt: prompt.md\nsource: ..", "source", "leads out of", None),
        ("system_prompt: prompt.md\nsource: /no/such/folder", "source", "no folder", None),
        (
            "system_prompt: prompt.md\ncontainer: {dockerfile: Dockerfil}",
            "container.dockerfile",
            "no file",
            "Dockerfile",
        ),
    ],
)
def test_what_is_not_there_or_elsewhere_is_told(
    write_agent: WriteAgent, line: str, where: str, message: str, suggestion: str | None
) -> None:
    folder = write_agent(f"name: a\nmodel: b\n{line}\n")
    (folder.parent / "secret.md").write_text("Not yours.")
    (folder / "link.md").symlink_to(folder.parent / "secret.md")
    (folder / "loop").symlink_to("loop")
    os.mkfifo(folder / "pipe")
    problem = only(folder)
    assert problem.where == where
    assert message in problem.message
    assert problem.suggestion == suggestion


def test_an_absolute_path_is_taken_as_it_is(write_agent: WriteAgent, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "prompt.md").write_text("From outside.")
    folder = write_agent(f"name: a\nmodel: b\nsystem_prompt: {outside}/prompt.md\nsource: {outside}\n")
    agent = load_agent(folder, {}).definition
    assert agent.system_prompt == "From outside."
    assert agent.source == outside.resolve()
    assert agent.files[1] == (outside / "prompt.md").resolve()


def test_a_link_inside_of_the_folder_is_followed(write_agent: WriteAgent, minimal: str) -> None:
    folder = write_agent(minimal.replace("prompt.md", "link.md"))
    (folder / "link.md").symlink_to("prompt.md")
    assert load_agent(folder, {}).definition.files[1] == folder.resolve() / "prompt.md"


@pytest.mark.parametrize("content", [b"", b" \n\t\r\n", b"\xef\xbb\xbf\n"])
def test_an_empty_prompt_is_a_problem_of_the_prompt(write_agent: WriteAgent, minimal: str, content: bytes) -> None:
    folder = write_agent(minimal)
    (folder / "prompt.md").write_bytes(content)
    problem = only(folder)
    assert problem.file == folder.resolve() / "prompt.md"
    assert problem.message == "the prompt is empty"


def test_a_prompt_that_is_not_utf_8_is_told_with_its_place(write_agent: WriteAgent, minimal: str) -> None:
    folder = write_agent(minimal)
    (folder / "prompt.md").write_bytes("fine\nÄ".encode() + b"\xe4 latin")
    problem = only(folder)
    assert (problem.line, problem.column) == (2, 2)
    assert "0xe4 is not UTF-8" in problem.message


def test_a_prompt_is_taken_as_it_is_but_for_a_byte_order_mark(write_agent: WriteAgent, minimal: str) -> None:
    folder = write_agent(minimal)
    (folder / "prompt.md").write_bytes(b"\xef\xbb\xbf ${NOT_A_REFERENCE}\r\nend")
    assert load_agent(folder, {}).definition.system_prompt == " ${NOT_A_REFERENCE}\r\nend"


def test_a_huge_prompt_is_refused_and_a_large_one_warned_of(write_agent: WriteAgent, minimal: str) -> None:
    folder = write_agent(minimal)
    (folder / "prompt.md").write_text("x" * (MAX_PROMPT + 1))
    assert "too large" in only(folder).message
    (folder / "prompt.md").write_text("x" * 100_001)
    assert only(folder).severity == "warning"
    assert load_agent(folder, {}).definition.system_prompt == "x" * 100_001
