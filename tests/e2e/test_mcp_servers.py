"""Other people's MCP servers, started over stdio inside the sandbox."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import workbench

pytestmark = pytest.mark.docker

OFFICIAL = """
  - {type: mcp, name: files, command: [mcp-server-filesystem, /workspace]}
  - {type: mcp, name: everything, command: [mcp-server-everything]}
container:
  packages:
    npm: ["@modelcontextprotocol/server-filesystem@2026.8.31", "@modelcontextprotocol/server-everything"]
"""


def test_the_official_servers_answer_in_the_sandbox(scripted: Callable[..., Path]) -> None:
    calls = [
        {"tool": "bash", "arguments": {"command": "echo seen > /workspace/note.txt"}},
        {"tool": "read_text_file", "arguments": {"path": "/workspace/note.txt"}},
        {"tool": "read_text_file", "arguments": {"path": "/etc/passwd"}},
        {"tool": "echo", "arguments": {"message": "hello"}},
        {"tool": "get-sum", "arguments": {"a": 19, "b": 23}},
        {"tool": "get-tiny-image", "arguments": {}},
    ]
    folder = scripted(calls, extra=OFFICIAL.lstrip("\n"))
    ran = workbench("run", folder, "--offline", "--input", "go", "--json", timeout=400)
    results = [event["data"] for event in ran.events if event["type"] == "tool_result"]
    assert len(results) == 6, ran.out[-3000:] + ran.err
    assert [result["server"] for result in results] == [
        "bash",
        "files",
        "files",
        "everything",
        "everything",
        "everything",
    ]
    assert "seen" in str(results[1]["content"])
    assert results[2]["is_error"]
    assert "hello" in str(results[3]["content"])
    assert "42" in str(results[4]["content"])
    assert any(block["type"] == "image" for block in results[5]["content"])
