"""Each condition on its own: what holds, what does not, and why not."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from workbench.model.offline_conditions import MismatchError, in_count, met
from workbench.model.offline_facts import facts_of
from workbench.model.offline_schema import WhenPart
from workbench.model.offline_scope import Scope, scope_of


def call(name: str, tool: str, **arguments: object) -> dict[str, Any]:
    return {"type": "tool_use", "id": name, "name": tool, "input": arguments}


def result(name: str, text: str, *, is_error: bool = False) -> dict[str, Any]:
    return {
        "type": "tool_result",
        "tool_use_id": name,
        "content": [{"type": "text", "text": text}],
        "is_error": is_error,
    }


BODY: dict[str, Any] = {
    "model": "claude-opus-4-6",
    "system": [{"type": "text", "text": "You triage tickets.\nMark refunds\n  as URGENT."}],
    "tools": [{"name": "read"}, {"name": "bash"}],
    "messages": [
        {"role": "user", "content": "Ticket 42 of Ann"},
        {"role": "assistant", "content": [{"type": "text", "text": "I read."}, call("1", "read", path="a", n=3)]},
        {"role": "user", "content": [result("1", '{"status": "open", "tags": ["vip", 7]}')]},
        {"role": "assistant", "content": [{"type": "text", "text": "Again."}, call("2", "read", path="b/c.txt")]},
        {"role": "user", "content": [result("2", "no such file: b/c.txt", is_error=True)]},
    ],
}


def check(condition: str, body: dict[str, Any] | None = None) -> Scope:
    when = WhenPart.model_validate(yaml.safe_load(condition))
    return met(when, scope_of(facts_of(body or BODY), {"limit": 3}, {}))


@pytest.mark.parametrize(
    "condition",
    [
        "{}",
        "step: 3",
        "step: 2+",
        "step: 1-3",
        "paused: false",
        "model: claude-opus-4-6",
        "model: [x, 'claude-opus-*']",
        "system: mark refunds as urgent",
        "system: [triage, urgent]",
        "system: {contains: triage, not: escalate}",
        "input: {any_of: [nope, ann]}",
        "input: {matches: '^Ticket \\d+'}",
        "input: {matches: '(?i)ANN'}",
        "said: again",
        "tools: read",
        "tools: [read, bash]",
        "no_tools: [write]",
        "called: {read: 2, bash: 0, write: '0'}",
        "called: {read: 1+}",
        "results: {tool: read}",
        "results: {tool: read, is_error: true, contains: no such file}",
        "results: {tool: read, which: first, is_error: false}",
        "results: {tool: read, which: 1, json: {status: open, 'tags[0]': vip, 'tags[1]': 7}}",
        "results: {tool: read, which: any, contains: open}",
        "results: {tool: read, which: all, not: secret}",
        "results: {tool: read, arguments: {path: c.txt}}",
        "results: {tool: read, which: any, arguments: {n: {matches: '^3$'}}}",
        "equals: {step: 3, result.read.is_error: true, values.limit: 3}",
        "any: [{step: 9}, {input: ann}]",
        "not: {step: 1}",
        "not: {any: [{step: 1}, {step: 2}]}",
    ],
)
def test_what_holds(condition: str) -> None:
    check(condition)


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        ("step: 2", "the step is 3, not 2"),
        ("step: 4+", "the step is 3, not 4+"),
        ("paused: true", "no paused reply is continued"),
        ("model: 'claude-haiku-*'", "the model is claude-opus-4-6, not claude-haiku-*"),
        ("system: escalate", "the system prompt does not contain 'escalate'"),
        ("system: {contains: triage, not: urgent}", "the system prompt is what it must not be"),
        ("input: {any_of: [a1, b1]}", "the input contains none of 'a1', 'b1'"),
        ("input: {matches: ticket}", "the input does not match /ticket/"),
        ("said: i read", "what the model said last does not contain 'i read'"),
        ("tools: [read, write]", "the agent does not have the tool write"),
        ("no_tools: bash", "the agent has the tool bash"),
        ("called: {read: 1}", "read has 2 results, not 1"),
        ("results: {tool: bash}", "there is no result of bash"),
        ("results: {tool: read, is_error: false}", "the last result of read is an error"),
        ("results: {tool: read, which: first, is_error: true}", "the first result of read is no error"),
        ("results: {tool: read, which: 3}", "read has 2 results, not 3"),
        ("results: {tool: read, contains: open}", "the last result of read does not contain 'open'"),
        ("results: {tool: read, which: all, contains: open}", "a result of read does not contain 'open'"),
        ("results: {tool: read, json: {status: open}}", "the last result of read: result.read.text is not JSON"),
        (
            "results: {tool: read, which: 1, json: {status: closed}}",
            'status of a result of read is "open", not "closed"',
        ),
        ("results: {tool: read, which: 1, json: {state: open}}", "its JSON has no 'state' (it has status, tags)"),
        ("results: {tool: read, arguments: {path: d.txt}}", "path in the call of the last result of read does not"),
        ("results: {tool: read, arguments: {file: x}}", "its call has no 'file' (it has path)"),
        ("equals: {step: 4}", "step is 3, not 4"),
        ("equals: {result.bash.text: x}", "there is no result of 'bash' yet (there are results of: read)"),
        (
            "any: [{step: 9}, {input: bob}]",
            "none of 'any' holds (the step is 3, not 9; the input does not contain 'bob')",
        ),
        ("not: {input: ann}", "the condition under 'not' holds"),
    ],
)
def test_what_does_not_hold_and_why(condition: str, reason: str) -> None:
    with pytest.raises(MismatchError) as caught:
        check(condition)
    assert reason in str(caught.value)


def test_patterns_capture() -> None:
    scope = check(
        "{input: {matches: 'Ticket (?P<id>\\d+)( by (?P<by>\\w+))?'}, "
        'results: {tool: read, which: first, matches: \'"status": "(?P<state>\\w+)"\'}}'
    )
    assert scope.lookup(("input", "id")) == "42"
    assert scope.lookup(("result", "read", "state")) == "open"
    assert scope.lookup(("result", "read", "json", "tags", 0)) == "vip"
    with pytest.raises(Exception, match="input has no 'by' \\(it has text, lines, json, id\\)"):
        scope.lookup(("input", "by"))


def test_a_paused_reply_is_part_of_its_step() -> None:
    paused = {**BODY, "messages": BODY["messages"][:2]}
    assert facts_of(paused).paused
    assert facts_of(paused).step == 1
    check("{paused: true, step: 1}", paused)


@pytest.mark.parametrize(
    ("count", "inside", "outside"), [("2", [2], [1, 3]), ("2+", [2, 9], [1]), ("2-4", [2, 4], [1, 5])]
)
def test_counts(count: str, inside: list[int], outside: list[int]) -> None:
    assert all(in_count(count, number) for number in inside)
    assert not any(in_count(count, number) for number in outside)


def test_an_odd_request_is_looked_at_without_a_fault() -> None:
    facts = facts_of(
        {"messages": [{"role": "user"}, {"content": 3}, {"role": "user", "content": [{"type": "tool_result"}]}]}
    )
    assert facts.input.text == ""
    assert facts.results[0].tool == ""
