from __future__ import annotations

import contextlib
import os
import tarfile
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.sandbox import dockerfile as module
from workbench.sandbox.base_recipe import LATEST
from workbench.sandbox.builder import BuildError
from workbench.sandbox.daemon import connect
from workbench.sandbox.dockerfile import (
    base_references,
    built_image,
    context_digest,
    instructions,
    packed,
    read_context,
)
from workbench.sandbox.runtimes import run_in_container
from workbench.sandbox.sandbox import SandboxError

TEXT = """\
# syntax=docker/dockerfile:1

ARG VERSION=1
FROM agent-workbench/base:latest AS one
# a remark
RUN echo a && \\
    # a remark inside

    echo b
  COPY x \\
  /y
from --platform=linux/amd64 agent-workbench/base:latest
FROM one
"""


def test_instructions_know_the_line_on_which_they_begin() -> None:
    found = [(instruction.line, instruction.text) for instruction in instructions(TEXT)]
    assert found == [
        (3, "ARG VERSION=1"),
        (4, "FROM agent-workbench/base:latest AS one"),
        (6, "RUN echo a && echo b"),
        (10, "COPY x /y"),
        (12, "from --platform=linux/amd64 agent-workbench/base:latest"),
        (13, "FROM one"),
    ]


def test_another_escape_character_and_an_unfinished_line() -> None:
    assert [i.line for i in instructions("# escape=`\nFROM x\nRUN a `\n b\\\nRUN c `")] == [2, 3, 5]


@given(st.lists(st.from_regex(r"[A-Z]{3} [a-z]{0,5}( \\\n [a-z]{1,3}){0,2}", fullmatch=True), max_size=6))
def test_each_instruction_is_found_at_its_place(parts: list[str]) -> None:
    text = "\n".join(parts)
    lines = text.split("\n")
    found = instructions(text)
    assert len(found) == len(parts)
    assert all(lines[i.line - 1].startswith(i.text[:3]) for i in found)


def test_our_own_images_among_the_bases() -> None:
    assert base_references(TEXT) == [LATEST, LATEST]
    assert base_references("FROM python:3.12\n") == []


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    (tmp_path / ".dockerignore").write_text("# not these\n*.log\nsecret\n!keep.log\n")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/file").write_text("x")
    (tmp_path / "a.log").write_text("x")
    (tmp_path / "keep.log").write_text("x")
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret/key").write_text("x")
    return tmp_path


def test_the_context_is_the_folder_without_what_is_ignored(folder: Path) -> None:
    context = read_context(folder / "Dockerfile")
    assert set(context.files) == {".dockerignore", "Dockerfile", "keep.log", "sub", "sub/file"}
    with packed(context) as file, tarfile.open(fileobj=file) as tar:
        assert set(tar.getnames()) == set(context.files)


def test_the_digest_is_of_content_mode_and_parents_not_of_time(folder: Path) -> None:
    def digest() -> str:
        return context_digest(read_context(folder / "Dockerfile"), ["parent"])

    first = digest()
    os.utime(folder / "sub/file", (1, 1))
    (folder / "a.log").write_text("another")
    assert digest() == first
    seen = {first, context_digest(read_context(folder / "Dockerfile"), ["other"])}
    (folder / "sub/file").chmod(0o755)
    seen.add(digest())
    (folder / "sub/file").write_text("y")
    seen.add(digest())
    (folder / "link").symlink_to("sub")
    seen.add(digest())
    assert len(seen) == 5


def test_a_folder_that_is_too_big_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CONTEXT_BYTES", 10)
    with pytest.raises(SandboxError, match=r"at most 0 MiB in 50000 files.*\.dockerignore"):
        read_context(folder / "Dockerfile")


def test_a_dockerfile_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="there is no file"):
        read_context(tmp_path / "Dockerfile")


@pytest.mark.docker
def test_an_image_is_built_once_and_again_when_a_file_changes(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(f"FROM {LATEST}\nCOPY data /data\nRUN cat /data > /made\n")
    (tmp_path / "data").write_text(uuid4().hex)
    lines: list[str] = []
    names = []
    with contextlib.closing(connect(180)) as client:
        try:
            name, identity = built_image(tmp_path / "Dockerfile", lines.append)
            names.append(name)
            assert run_in_container(client, identity, ["cat", "/made"]) == (tmp_path / "data").read_text()
            assert any(line.startswith("Step 3/") for line in lines)
            lines.clear()
            assert built_image(tmp_path / "Dockerfile", lines.append) == (name, identity)
            assert lines == []
            (tmp_path / "data").write_text("changed")
            names.append(built_image(tmp_path / "Dockerfile", lines.append)[0])
            assert names[0] != names[1]
        finally:
            for made in names:
                client.images.remove(made)


@pytest.mark.docker
@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        (
            f"FROM {LATEST}\n\nRUN echo x && \\\n  echo alas >&2 && exit 7\n",
            3,
            ["non-zero code: 7", "alas"],
        ),
        (f"FROM {LATEST}\nRUNN x\n", 2, ["unknown instruction: RUNN"]),
        (f"FROM {LATEST}\nCOPY no-such-file /\n", 2, ["no-such-file"]),
        ("FROM no-such-registry.invalid/x:1\n", 1, ["no-such-registry.invalid"]),
    ],
)
def test_a_failing_build_names_the_line(tmp_path: Path, text: str, place: int, said: list[str]) -> None:
    (tmp_path / "Dockerfile").write_text(text)
    with pytest.raises(BuildError) as failed:
        built_image(tmp_path / "Dockerfile", lambda line: None)
    message = str(failed.value)
    assert message.startswith(f"{tmp_path}/Dockerfile:{place}: ")
    assert all(part in message for part in said)
