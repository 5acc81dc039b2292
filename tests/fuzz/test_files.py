"""agent.yaml and offline.yaml, whatever is in them: problems with places, never a crash, never a hang."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from tests.fuzz.time_box import fuzz, spoilt
from workbench.definition.loader import check_agent
from workbench.definition.problems import DefinitionError, format_problem
from workbench.model.offline_loader import load_offline
from workbench.model.offline_script import FILE_NAME

SAMPLES = Path(__file__).parents[2] / "sample_agents"
AGENTS = tuple(path.read_bytes() for path in sorted(SAMPLES.glob("*/agent.yaml")))
SCRIPTS = tuple(path.read_bytes() for path in sorted(SAMPLES.glob("*/offline.yaml")))
AGENT_WORDS = (
    *(
        b"name",
        b"model",
        b"system_prompt",
        b"mcp_servers",
        b"network",
        b"container",
        b"source",
        b"storage",
        b"triggers",
        b"timeout",
    ),
    *(
        b"budget: {usd: 1}",
        b"type: http",
        b"type: mcp",
        b"url",
        b"headers",
        b"command",
        b"schedule",
        b"path",
        b"allow",
        b"env",
        b"memory: 9z",
    ),
)
SCRIPT_WORDS = (
    *(
        b"version: 1",
        b"rules",
        b"when",
        b"reply",
        b"calls",
        b"tool",
        b"arguments",
        b"choices",
        b"http",
        b"request: GET /x",
        b"for_each",
    ),
    *(
        b"{{ result.read.text }}",
        b"{{ a ?? b }}",
        b"matches: '('",
        b"step: -1",
        b"pace",
        b"values",
        b"score",
        b"any_of",
        b"(?P<x>",
    ),
)


def tree(keys: tuple[bytes, ...]) -> st.SearchStrategy[Any]:
    """Values with the right keys in wrong places."""
    names = st.one_of(st.sampled_from([key.decode().split(":")[0] for key in keys]), st.text(max_size=5))
    leaves = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), names)
    return st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=5), max_leaves=20
    )


def told(problems: Any) -> None:
    """The problems can be shown: printable, with a place in the file."""
    for problem in problems:
        assert problem.line >= 1 and problem.column >= 1
        shown = format_problem(problem)
        assert all(character.isprintable() or character == "\n" for character in shown), repr(shown)
        assert len(shown) < 20_000


def test_agent_yaml(tmp_path: Path) -> None:
    (tmp_path / "prompt.md").write_text("Do.\n")
    file = tmp_path / "agent.yaml"

    def check(content: bytes) -> None:
        file.write_bytes(content)
        report = check_agent(tmp_path, {"HOME": "/x"})
        told(report.problems)
        assert report.agent is not None or any(problem.severity == "error" for problem in report.problems)

    generated = tree(AGENT_WORDS).map(lambda value: json.dumps(value).encode())
    fuzz(check, spoilt(*AGENTS, dictionary=AGENT_WORDS) | generated | st.binary(max_size=300))


def test_offline_yaml(tmp_path: Path) -> None:
    file = tmp_path / FILE_NAME

    def check(content: bytes) -> None:
        file.write_bytes(content)
        try:
            load_offline(tmp_path)
        except DefinitionError as error:
            assert error.problems
            told(error.problems)

    generated = tree(SCRIPT_WORDS).map(lambda value: json.dumps(value).encode())
    fuzz(check, spoilt(*SCRIPTS, dictionary=SCRIPT_WORDS) | generated | st.binary(max_size=300))
