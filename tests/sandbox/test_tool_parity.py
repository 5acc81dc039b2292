"""The guest's tools give what the vendor's own implementation gives, word for word."""

from __future__ import annotations

import logging
import os
import shutil
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import mcp
import mcp_types
import pytest
import pytest_asyncio
from anthropic.lib.tools import ToolError
from anthropic.lib.tools._tool_dispatch import tool_error_content, tool_result_content
from anthropic.lib.tools.agent_toolset import AgentToolContext, beta_agent_toolset_20260401

from tests.sandbox.cases import Case, Fifo, Link, Mode, Node, Results, Sparse
from tests.sandbox.cases_of_bash import bash_cases
from tests.sandbox.cases_of_difference import different_cases
from tests.sandbox.cases_of_files import reading_cases, writing_cases
from tests.sandbox.cases_of_search import argument_cases, glob_cases, grep_cases
from tests.sandbox.guests import (
    FOLDERS,
    TOOL_GID,
    TOOL_UID,
    RunningGuest,
    acting_as_tool_user,
    folders_for_tools,
    make_folder,
    running_guest,
    server_of,
)
from workbench.sandbox.guest.toolset import SERVERS

CASES = [*reading_cases(), *writing_cases(), *glob_cases(), *argument_cases(), *bash_cases(), *different_cases()]
in_one_loop = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def path_without_ripgrep() -> Iterator[str]:
    """A PATH without `rg`."""
    with folders_for_tools() as root:
        yield str(root)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def guest() -> AsyncIterator[RunningGuest]:
    with folders_for_tools() as root:
        async with running_guest(root) as started:
            yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def guest_without_source() -> AsyncIterator[RunningGuest]:
    with folders_for_tools() as root:
        (root / "source").rmdir()
        async with running_guest(root) as started:
            yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def guest_without_ripgrep(path_without_ripgrep: str) -> AsyncIterator[RunningGuest]:
    with folders_for_tools() as root:
        async with running_guest(root, path=path_without_ripgrep) as started:
            yield started


def test_the_tools_are_declared_alike() -> None:
    theirs = [tool.to_dict() for tool in beta_agent_toolset_20260401(AgentToolContext())]
    ours = [
        {"name": tool["name"], "description": tool["description"], "input_schema": tool["inputSchema"]}
        for server in SERVERS.values()
        for tool in server
    ]
    assert ours == theirs


@in_one_loop
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_same_result(case: Case, guest: RunningGuest, guest_without_source: RunningGuest) -> None:
    used = guest_without_source if case.without_source else guest
    theirs, ours = await reference_results(case, used), await guest_results(case, used)
    if case.difference is None:
        assert case.normal(ours) == case.normal(theirs)
    else:
        assert case.difference.theirs(theirs), f"the reference now gives {theirs}: is there still a difference?"
        assert case.difference.ours(ours), ours


@pytest.mark.skipif(shutil.which("rg") is None, reason="ripgrep is not installed")
@in_one_loop
@pytest.mark.parametrize("case", grep_cases(), ids=lambda case: case.name)
async def test_same_result_with_ripgrep(case: Case, guest: RunningGuest) -> None:
    theirs, ours = await reference_results(case, guest), await guest_results(case, guest)
    assert case.normal(ours) == case.normal(theirs)


@in_one_loop
@pytest.mark.parametrize("case", grep_cases(), ids=lambda case: case.name)
async def test_same_result_without_ripgrep(
    case: Case, guest_without_ripgrep: RunningGuest, path_without_ripgrep: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", path_without_ripgrep)
    theirs, ours = (
        await reference_results(case, guest_without_ripgrep),
        await guest_results(case, guest_without_ripgrep),
    )
    assert case.normal(ours) == case.normal(theirs)


async def test_ripgrep_in_the_workspace_is_not_run(path_without_ripgrep: str) -> None:
    """Neither a program that a tool could have written, nor a link that leads to one."""
    with folders_for_tools() as root:
        fake = root / "workspace" / "rg"
        fake.write_text("#!/bin/sh\necho fake\n")
        fake.chmod(0o755)
        (root / "outside" / "rg").symlink_to(fake)
        async with running_guest(root, path=f"{root}/workspace:{root}/outside:{path_without_ripgrep}") as guest:
            assert "fake" not in str(await guest.call("grep", {"pattern": "x"}))


async def test_ripgrep_failing_is_an_error(path_without_ripgrep: str) -> None:
    with folders_for_tools() as root:
        fake = Path(path_without_ripgrep) / "rg"
        fake.write_text("#!/bin/sh\necho found\necho broken >&2\nexit 2\n")
        fake.chmod(0o755)
        try:
            async with running_guest(root, path=path_without_ripgrep) as guest:
                result = await guest.call("grep", {"pattern": "x"})
        finally:
            fake.unlink()
        assert result.is_error
        assert str(result.content[0]).count("grep: rg failed: broken")


async def reference_results(case: Case, guest: RunningGuest) -> Results:
    """What the vendor's implementation gives, on the guest's own folders, with the guest's variables."""
    build(case, guest.root)
    roots = [] if case.without_source else [guest.root / "source"]
    context = AgentToolContext(
        workdir=guest.workspace, env=guest.env, allowed_roots=list(roots), read_only_roots=list(roots)
    )
    tools = {tool.name: tool for tool in beta_agent_toolset_20260401(context)}
    results = []
    logging.getLogger("anthropic").setLevel(logging.CRITICAL)
    try:
        for name, arguments in filled(case, guest.root):
            with nullcontext() if name == "bash" else acting_as_tool_user():
                try:
                    results.append((tool_result_content(await tools[name].call(arguments)), False))
                except (ToolError, Exception) as error:
                    results.append((tool_error_content(error), True))
    finally:
        opened = tools["bash"]._context_manager
        if opened is not None:
            await opened.__aexit__(None, None, None)  # type: ignore[attr-defined]
    return [(generic(content, guest.root), failed) for content, failed in results]


async def guest_results(case: Case, guest: RunningGuest) -> Results:
    """What the guest gives on an equal tree."""
    build(case, guest.root)
    if any(tool == "bash" for tool, _ in case.calls):
        await guest.call("bash", {"restart": True})
    results: list[tuple[Any, bool]] = []
    async with mcp.Client(guest.link.builtin("bash")) as bash, mcp.Client(guest.link.builtin("filesystem")) as files:
        for name, arguments in filled(case, guest.root):
            client = bash if server_of(name) == "bash" else files
            result = await client.call_tool(name, arguments)
            results.append((generic([messages_block(block) for block in result.content], guest.root), result.is_error))
    return results


def messages_block(block: mcp_types.ContentBlock) -> dict[str, Any]:
    """An MCP content block as the block of the Messages API that a client makes of it."""
    if isinstance(block, mcp_types.TextContent):
        return {"type": "text", "text": block.text}
    if isinstance(block, mcp_types.ImageContent):
        return {"type": "image", "source": {"type": "base64", "media_type": block.mime_type, "data": block.data}}
    assert isinstance(block, mcp_types.EmbeddedResource)
    assert isinstance(block.resource, mcp_types.BlobResourceContents)
    source = {"type": "base64", "media_type": block.resource.mime_type, "data": block.resource.blob}
    return {"type": "document", "source": source}


def generic(content: Any, root: Path) -> Any:
    """A lone text block is its text, and the root is called `{root}`."""
    blocks = list(content) if not isinstance(content, str) else [{"type": "text", "text": content}]
    if len(blocks) == 1 and blocks[0]["type"] == "text":
        return blocks[0]["text"].replace(str(root), "{root}")
    return blocks


def filled(case: Case, root: Path) -> list[tuple[str, dict[str, Any]]]:
    def fill(value: Any) -> Any:
        return value.replace("{root}", str(root)) if isinstance(value, str) else value

    return [(name, {key: fill(value) for key, value in arguments.items()}) for name, arguments in case.calls]


def build(case: Case, root: Path) -> None:
    """Make the tree of a case anew. Each file is a second younger than the one before it."""
    for name in FOLDERS:
        folder = root / name
        if folder.exists():
            for path in folder.rglob("*"):
                if path.is_dir() and not path.is_symlink():
                    path.chmod(0o755)
            for child in folder.iterdir():
                shutil.rmtree(child) if child.is_dir() and not child.is_symlink() else child.unlink()
        elif not case.without_source:
            make_folder(folder)
    made = [create(root, root / path, node) for path, node in case.tree.items() if (root / path.split("/")[0]).exists()]
    for number, path in enumerate(made):
        os.utime(path, (1_700_000_000 + number,) * 2, follow_symlinks=False)
    for folder in sorted({path.parent for path in made}):
        if folder.name not in FOLDERS:
            os.utime(folder, (1_600_000_000 + len(str(folder)),) * 2)


def create(root: Path, path: Path, node: Node) -> Path:
    missing = [parent for parent in reversed(path.parents) if not parent.exists()]
    for parent in missing:
        make_folder(parent)
    if isinstance(node, Link):
        path.symlink_to(node.target.replace("{root}", str(root)))
    elif isinstance(node, Sparse):
        path.touch()
        os.truncate(path, node.size)
    elif isinstance(node, Fifo):
        os.mkfifo(path)
    elif node is None or (isinstance(node, Mode) and node.content is None):
        path.mkdir()
    else:
        content = node.content if isinstance(node, Mode) else node
        path.write_bytes(content if isinstance(content, bytes) else str(content).encode())
    if os.getuid() == 0:
        os.chown(path, TOOL_UID, TOOL_GID, follow_symlinks=False)
    if isinstance(node, Mode):
        path.chmod(stat.S_IMODE(node.mode))
    return path
