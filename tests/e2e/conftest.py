"""The program as a user starts it: a process, its output, its exit code."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

SAMPLES = Path(__file__).parents[2] / "sample_agents"


@dataclass(frozen=True)
class Finished:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events that `--json` printed; fails if a line is not JSON."""
        return [json.loads(line) for line in self.out.splitlines()]


def clean_environment(**more: str) -> dict[str, str]:
    """This environment without anything that reaches a model."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANTHROPIC_")}
    return {**kept, **more}


def command(*arguments: str | Path) -> list[str]:
    """The command line of the program."""
    return [sys.executable, "-m", "workbench.cli", *map(str, arguments)]


def workbench(*arguments: str | Path, timeout: float = 120, **environment: str) -> Finished:
    """Run the program to its end."""
    done = subprocess.run(
        command(*arguments),
        capture_output=True,
        text=True,
        timeout=timeout,
        env=clean_environment(**environment),
        check=False,
    )
    return Finished(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def sample(tmp_path: Path) -> Callable[[str], Path]:
    """Copies a sample agent, so that its runs stay out of the checkout."""

    def copy(name: str) -> Path:
        ignored = shutil.ignore_patterns(".workbench")
        return Path(shutil.copytree(SAMPLES / name, tmp_path / name, ignore=ignored))

    return copy


@pytest.fixture
def scripted(tmp_path: Path) -> Callable[..., Path]:
    """Writes an agent with bash and files whose script makes the given calls one after the other, then says done."""

    def write(calls: list[Mapping[str, Any]], extra: str = "", name: str = "scripted") -> Path:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "prompt.md").write_text("Do as the script says.\n")
        (folder / "agent.yaml").write_text(
            dedent(
                f"""
                name: {name}
                model: claude-haiku-4-5
                system_prompt: ./prompt.md
                mcp_servers:
                  - {{type: filesystem}}
                  - {{type: bash}}
                """
            )
            + extra
        )
        rules: list[dict[str, Any]] = [
            {"when": {"step": index}, "reply": {"calls": [call]}} for index, call in enumerate(calls, start=1)
        ]
        rules.append({"reply": {"text": "done"}})
        script = {"version": 1, "pace": {"first_token": 0, "tokens_per_second": 0}, "rules": rules}
        (folder / "offline.yaml").write_text(json.dumps(script))
        return folder

    return write
