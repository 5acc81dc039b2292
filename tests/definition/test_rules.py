from __future__ import annotations

from pathlib import Path

import pytest

from workbench.definition.problems import Problem
from workbench.definition.rules import check_rules
from workbench.definition.yamlfile import parse_yaml


def check(text: str) -> list[Problem]:
    return check_rules(parse_yaml(Path("agent.yaml"), text.encode()))


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("mcp_servers: [{type: bash}, {type: bash}]", (1, 29), "line 1, is called 'bash' too"),
        ("mcp_servers: [{type: bash}, {type: mcp, url: x, name: bash}]", (1, 55), "is called 'bash' too"),
        ("mcp_servers: [{type: mcp, name: a}]", (1, 15), "needs url or command"),
        ("mcp_servers: [{type: mcp, url: x, command: [y]}]", (1, 35), "both url and command"),
        ("mcp_servers: [{type: mcp, command: [y], headers: {}}]", (1, 41), "headers needs url"),
        ("mcp_servers: [{type: mcp, url: x, env: {}}]", (1, 35), "env needs command"),
        (
            "mcp_servers: [{type: web_search, allowed_domains: [a], blocked_domains: [b]}]",
            (1, 56),
            "cannot both be given",
        ),
        ("container: {image: a, dockerfile: b}", (1, 23), "image and dockerfile"),
        ("model: {thinking: {type: adaptive, budget_tokens: 2000}}", (1, 36), "needs type: enabled"),
        ("model: {max_tokens: 2000, thinking: {type: enabled, budget_tokens: 2000}}", (1, 68), "not below max_tokens"),
        ("triggers:\n- {type: webhook, path: /a}\n- {type: webhook, path: /a}", (3, 25), "in line 2"),
        ("mcp_servers: [{type: http, headers: {x-key: a, X-Key: b}}]", (1, 48), "'x-key' is given already"),
    ],
)
def test_what_cannot_be_together_is_an_error(text: str, place: tuple[int, int], message: str) -> None:
    (problem,) = check(text)
    assert (problem.line, problem.column) == place
    assert message in problem.message
    assert problem.severity == "error"


@pytest.mark.parametrize(
    ("text", "message", "suggestion"),
    [
        ("model: claude-haiku-4.5", "no model 'claude-haiku-4.5'", "claude-haiku-4-5"),
        ("model: {id: opus-5-5}", "no model 'opus-5-5'", "claude-opus-5-5"),
        ("source: x\nmcp_servers: [{type: filesystem, path: /source/a}]", "read-only", None),
        ("mcp_servers: [{type: filesystem, path: /source, permissions: [read]}]", "nothing is mounted", None),
        ("network: {allow: [a.b], deny: [a.b]}", "deny wins", None),
        ("triggers: [{type: cron, schedule: '0 0 L * *'}]", "not on the hosted service", None),
    ],
)
def test_what_is_probably_not_meant_is_a_warning(text: str, message: str, suggestion: str | None) -> None:
    (problem,) = check(text)
    assert message in problem.message
    assert problem.suggestion == suggestion
    assert problem.severity == "warning"


@pytest.mark.parametrize(
    "text",
    [
        "5",
        "[]",
        "mcp_servers: 5\ntriggers: {a: b}\nnetwork: []\ncontainer: x\nmodel: [a]",
        "mcp_servers: [5, {type: 7, name: [a]}, {type: http, headers: 5}]\ntriggers: [x, {path: 5, schedule: 1}]",
        "network: {allow: x, deny: [y]}\nmodel: {max_tokens: x, thinking: {type: enabled, budget_tokens: y}}",
        "model: my-own/model\ntriggers: [{schedule: '0 0 L'}]",
        "mcp_servers: [{type: filesystem, path: /workspace}, {type: mcp, name: a, url: x, headers: {a: b}}]",
    ],
)
def test_nothing_is_made_of_what_is_wrong_in_another_way(text: str) -> None:
    assert check(text) == []
