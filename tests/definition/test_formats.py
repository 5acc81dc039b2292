from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.definition.loader import check_agent, load_agent

WriteAgent = Callable[[str], Path]


@pytest.mark.parametrize(
    ("added", "message", "suggestion"),
    [
        ("network: {allow: ['https://api.example.com/v2']}", "an address, not a host", "api.example.com"),
        ("network: {allow: ['api.example.com:443']}", "an address, not a host", "api.example.com"),
        ("network: {deny: ['me@api.example.com']}", "an address, not a host", "api.example.com"),
        ("network: {allow: ['*']}", "every host", None),
        ("network: {allow: ['*.*.com']}", "this is no host", None),
        ("network: {allow: ['api.*.com']}", "this is no host", None),
        ("network: {allow: ['.example.com']}", "this is no host", "example.com"),
        ("network: {allow: ['bücher.example']}", "this is no host", "xn--bcher-kva.example"),
        ("network: {allow: ['']}", "this is no host", None),
        ("mcp_servers: [{type: web_search, allowed_domains: ['https://a.b/']}]", "no scheme", "a.b"),
        ("mcp_servers: [{type: web_search, blocked_domains: ['*.a.b']}]", "this is no domain", None),
        ("mcp_servers: [{type: filesystem, path: /etc}]", "no folder that the file tools have", None),
        ("mcp_servers: [{type: filesystem, path: /workspace/../etc}]", "no folder that", None),
        ("mcp_servers: [{type: filesystem, path: workspace}]", "no folder that", None),
        ("mcp_servers: [{type: filesystem, path: /workspaces}]", "no folder that", None),
        ("mcp_servers: [{type: filesystem, permissions: []}]", "at least 1 value", None),
        ("mcp_servers: [{type: bash, name: 'my shell!'}]", "this name cannot be used", "my-shell"),
        ("mcp_servers: [{type: mcp, name: a, command: node server.js}]", "there is no shell", "[node, server.js]"),
        ("mcp_servers: [{type: mcp, name: a, command: []}]", "at least 1 value", None),
        ("mcp_servers: [{type: mcp, name: a, command: [x], env: {1A: b}}]", "no name of a variable", None),
        ("mcp_servers: [{type: http, name: a, url: 'https://a.b', headers: {a b: c}}]", "no name of a header", None),
        ('mcp_servers: [{type: http, name: a, url: "https://a.b", headers: {a: "b\\nc"}}]', "line break", None),
        ("mcp_servers: [{type: http, name: a, url: 'https://a.b', timeout: 0}]", "more than 0", None),
        ("triggers: [{type: webhook, path: new}]", "this is no path", "/new"),
        ("triggers: [{type: webhook, path: '/new?x=1'}]", "this is no path", None),
        ("triggers: [{type: cron, schedule: '@daily', input: go}]", "nicknames", "0 0 * * *"),
        ("triggers: [{type: cron, schedule: '0 0 * * *', input: ' '}]", "this text is empty", None),
        ("triggers: [{type: cron, schedule: '0 0 * * *', input: go, timezone: Berlin}]", "time zone", "Europe/Berlin"),
        ("container: {memory: 1q}", "this is no size", None),
        ("container: {memory: 1k}", "out of range", None),
        ("container: {disk: 1.5}", "this is no size", None),
        ("container: {cpus: 0}", "at least 0.01", None),
        ("container: {pids: 1}", "at least 16", None),
        ("container: {image: 'two words'}", "this is no image", None),
        ("container: {packages: {pip: ['--index-url=x']}}", "this is no package", None),
        ("budget: {usd: $0.50}", "this is no amount", "0.50"),
        ("budget: {usd: -1}", "out of range", None),
        ("budget: {usd: true}", "this is no amount", None),
        ("timeout: 86401", "at most 86,400", None),
        ("timeout: 0.5", "at least 1", None),
        ("max_iterations: 0", "at least 1", None),
        ("max_iterations: 2.0", "expected a whole number", None),
        ("storage: {persistent: on}", "expected true or false", "true"),
    ],
)
def test_what_is_not_right_is_told(
    write_agent: WriteAgent, minimal: str, added: str, message: str, suggestion: str | None
) -> None:
    (problem,) = check_agent(write_agent(f"{minimal}{added}\n"), {}).problems
    assert problem.severity == "error"
    assert problem.line == 4
    assert message in problem.message
    assert problem.suggestion == suggestion


@pytest.mark.parametrize("name", ["", "a b", "x" * 65, "ä", "a/b", "../a"])
def test_names_that_cannot_be_used(write_agent: WriteAgent, minimal: str, name: str) -> None:
    (problem,) = check_agent(write_agent(minimal.replace("small", f"'{name}'")), {}).problems
    assert problem.where == "name"


@pytest.mark.parametrize("model", ["''", "'a b'", "' a'", "5"])
def test_model_ids_that_are_none(write_agent: WriteAgent, minimal: str, model: str) -> None:
    (problem,) = check_agent(write_agent(minimal.replace("claude-haiku-4-5", model)), {}).problems
    assert problem.where == "model"


def test_what_is_right_in_an_odd_way_is_put_straight(write_agent: WriteAgent, minimal: str) -> None:
    folder = write_agent(
        minimal + "network: {allow: [API.Example.COM, '*.example.org', '127.0.0.1']}\n"
        "mcp_servers: [{type: filesystem, path: //workspace//a/}]\n"
        "triggers: [{type: cron, schedule: ' 0  0 * *   1 ', input: go}]\n"
    )
    agent = load_agent(folder, {}).definition
    assert agent.network.allow == ("api.example.com", "*.example.org", "127.0.0.1")
    assert [getattr(server, "path", None) for server in agent.servers] == ["/workspace/a"]
    assert [getattr(trigger, "schedule", None) for trigger in agent.triggers] == ["0 0 * * 1"]
