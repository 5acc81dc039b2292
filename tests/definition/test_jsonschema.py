from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from workbench.definition.jsonschema import agent_schema
from workbench.definition.loader import check_agent
from workbench.definition.yamlfile import parse_yaml

WriteAgent = Callable[[str], Path]

SCHEMA: Any = agent_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
SAMPLES = sorted((Path(__file__).parents[2] / "sample_agents").glob("*/agent.yaml"))


def fits(text: str) -> bool:
    return bool(VALIDATOR.is_valid(parse_yaml(Path("agent.yaml"), text.encode()).value))


def test_it_is_a_schema_of_its_dialect_and_plain_json() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA


def properties() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for name, part in {"agent.yaml": SCHEMA, **SCHEMA["$defs"]}.items():
        for key, value in part["properties"].items():
            yield name, key, value


def test_every_key_has_a_title_and_says_what_it_is() -> None:
    keys = list(properties())
    assert len(keys) > 60
    for name, key, value in keys:
        assert value.get("title"), (name, key)
        assert len(value.get("description", "")) > 5, (name, key)


def test_every_key_that_may_be_left_out_has_a_default() -> None:
    for name, part in {"agent.yaml": SCHEMA, **SCHEMA["$defs"]}.items():
        for key, value in part["properties"].items():
            assert ("default" in value) != (key in part.get("required", [])), (name, key)


def test_every_example_and_default_fits() -> None:
    examples = 0
    for name, key, value in properties():
        reader = jsonschema.Draft202012Validator({**value, "$defs": SCHEMA["$defs"]})
        for example in [*value.get("examples", []), *([value["default"]] if "default" in value else [])]:
            examples += 1
            assert reader.is_valid(example), (name, key, example)
    assert examples > 60


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.parent.name)
def test_the_sample_agents_fit(path: Path) -> None:
    assert fits(path.read_text(encoding="utf-8"))


def test_a_file_with_everything_and_one_with_little_fit(full: str, minimal: str) -> None:
    assert fits(full)
    assert fits(minimal)


ADDED = [
    ("timeout: 5", True),
    ("timeout:", True),
    ("timeout: 0", False),
    ("timeout: soon", False),
    ("timout: 5", False),
    ("mcp_servers:", True),
    ("mcp_servers: [{type: bash}]", True),
    ("mcp_servers: [{type: bsh}]", False),
    ("mcp_servers: [{type: bash, path: /workspace}]", False),
    ("mcp_servers: [{type: filesystem, path: /workspace/sub, permissions: [read]}]", True),
    ("mcp_servers: [{type: filesystem, path: /etc}]", False),
    ("mcp_servers: [{type: mcp, name: a, url: 'https://a.b'}]", True),
    ("mcp_servers: [{type: mcp, name: a, url: 'https://a.b', command: }]", True),
    ("mcp_servers: [{type: mcp, name: a, command: [x]}]", True),
    ("mcp_servers: [{type: mcp, name: a}]", False),
    ("mcp_servers: [{type: mcp, name: a, url: 'https://a.b', command: [x]}]", False),
    ("mcp_servers: [{type: http, name: a, url: 'https://a.b', methods: [GET]}]", True),
    ("mcp_servers: [{type: http, name: a, url: 'https://a.b', methods: [get]}]", False),
    ("mcp_servers: [{type: http, url: 'https://a.b'}]", False),
    ("network: {allow: [a.b, '*.c.d']}", True),
    ("network: {allow: ['https://a.b']}", False),
    ("container: {memory: 512m, disk: 1000000000}", True),
    ("container: {memory: much}", False),
    ("container: {packages: {pip: [httpx]}, env: {A: b}}", True),
    ("container: {packages: {pip: httpx}}", False),
    ("budget: {usd: 0.5}", True),
    ("budget: {usd: 0}", False),
    ("budget: 0.5", False),
    ("triggers: [{type: webhook, path: /a}]", True),
    ("triggers: [{type: webhook, path: a}]", False),
    ("triggers: [{type: cron, schedule: '0 0 * * *', input: go}]", True),
    ("triggers: [{type: cron, schedule: '0 0 * *', input: go}]", False),
    ("storage: {persistent: true}", True),
    ("storage: {persistent: yes}", False),
    ("observability: {log_level: info}", True),
    ("observability: {log_level: loud}", False),
]


@pytest.mark.parametrize(("added", "good"), ADDED)
def test_schema_and_loader_agree(write_agent: WriteAgent, minimal: str, added: str, good: bool) -> None:
    text = f"{minimal}{added}\n"
    assert fits(text) is good
    assert (not check_agent(write_agent(text), {}).errors) is good


@pytest.mark.parametrize(
    ("model", "good"),
    [
        ("claude-haiku-4-5", True),
        ("{id: x, thinking: adaptive}", True),
        ("{id: x, thinking: true, effort: high}", True),
        ("{id: x, thinking: {type: enabled, budget_tokens: 2000}}", True),
        ("{id: x, thinking: maybe}", False),
        ("{id: x, thinking: {type: enabled, budget_tokens: 10}}", False),
        ("{effort: high}", False),
        ("5", False),
    ],
)
def test_schema_and_loader_agree_on_models(write_agent: WriteAgent, minimal: str, model: str, good: bool) -> None:
    text = minimal.replace("claude-haiku-4-5", model)
    assert fits(text) is good
    assert (not check_agent(write_agent(text), {}).errors) is good
