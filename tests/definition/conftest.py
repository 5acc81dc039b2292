"""Agents to load, written into temporary folders."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

FULL = """\
# every key that there is
name: support-triage
description: Classifies and routes incoming tickets.
model:
  id: claude-haiku-4-5
  effort: low
  max_tokens: 8000
  thinking:
    type: enabled
    budget_tokens: 2048
system_prompt: ./prompt.md
mcp_servers:
  - type: filesystem
    name: files
    path: /workspace
    permissions: [read, write]
  - {type: bash}
  - type: web_search
    allowed_domains: [example.com]
    max_uses: 5
  - type: http
    name: zendesk
    url: https://api.zendesk.com
    headers:
      Authorization: "Bearer ${ZENDESK_TOKEN}"
    description: The helpdesk.
    methods: [GET, PUT]
    timeout: 10
  - type: mcp
    name: docs
    url: "https://mcp.example.com/mcp"
    timeout: 20
  - type: mcp
    name: tickets
    command: [node, server.js]
    env:
      LEVEL: "1"
network:
  allow: [api.zendesk.com, "*.example.org"]
  deny: [files.example.org]
container:
  dockerfile: ./Dockerfile
  packages:
    pip: [httpx==0.28]
    npm: [typescript]
    apt: [jq]
  memory: 512m
  cpus: 1.5
  pids: 128
  disk: 2g
  env:
    PASSED: "${PASSED}"
source: ./fixtures
storage:
  persistent: true
triggers:
  - type: webhook
    path: /new-ticket
  - type: cron
    schedule: "*/15 * * * *"
    timezone: Europe/Berlin
    input: Review open tickets
timeout: 300
max_iterations: 12
budget:
  usd: 0.10
observability:
  log_level: debug
  capture_tool_calls: false
  capture_reasoning: true
"""

MINIMAL = "name: small\nmodel: claude-haiku-4-5\nsystem_prompt: prompt.md\n"


@pytest.fixture
def full() -> str:
    """An agent.yaml with every key."""
    return FULL


@pytest.fixture
def minimal() -> str:
    """An agent.yaml with the keys that it must have, to which a test adds one."""
    return MINIMAL


@pytest.fixture
def environment() -> dict[str, str]:
    """What the references of `full` stand for."""
    return {"ZENDESK_TOKEN": "zendesk-token-1234567890", "PASSED": "passed-on-purpose"}


@pytest.fixture
def write_agent(tmp_path: Path) -> Callable[[str], Path]:
    """Writes an agent.yaml into a folder with a prompt, a Dockerfile and fixtures; gives the folder."""

    def write(text: str) -> Path:
        folder = tmp_path / "agent"
        (folder / "fixtures").mkdir(parents=True, exist_ok=True)
        (folder / "prompt.md").write_text("You triage tickets.\n", encoding="utf-8")
        (folder / "Dockerfile").write_text("FROM scratch\n", encoding="utf-8")
        (folder / "agent.yaml").write_bytes(text.encode("utf-8"))
        return folder

    return write
