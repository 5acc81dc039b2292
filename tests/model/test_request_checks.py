from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from workbench.model.offline_content import signature
from workbench.model.request_checks import fault_in
from workbench.model.token_estimate import prompt_tokens, segments

if TYPE_CHECKING:
    from tests.model.conftest import Kit

USER = {"role": "user", "content": "hi"}
THOUGHT = {"type": "thinking", "thinking": "t", "signature": signature("t")}


def fault(request: dict[str, Any]) -> str | None:
    return fault_in(request, prompt_tokens(segments(request)))


def call(name: str) -> dict[str, Any]:
    return {"type": "tool_use", "id": name, "name": "read", "input": {}}


def result(name: str) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": name, "content": "r"}


def body(*messages: Any, **changes: Any) -> dict[str, Any]:
    return {"model": "claude-haiku-4-5", "max_tokens": 10, "messages": list(messages) or [USER], **changes}


def said(*content: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": list(content)}


def gave(*content: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(content)}


@pytest.mark.parametrize(
    "good",
    [
        body(),
        body(USER, said(THOUGHT, call("1"), call("2")), gave(result("2"), result("1"))),
        body(USER, said({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}})),
        body(tools=[{"type": "web_search_20250305", "name": "web_search"}], stream=True, system="s"),
        body(tools=[{"name": "read", "input_schema": {"type": "object"}}]),
    ],
)
def test_what_the_api_takes(good: dict[str, Any]) -> None:
    assert fault(good) is None


MARKED = {"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (body(thread={"type": "create"}), "thread: Extra inputs are not permitted"),
        (body(temperature=1), "temperature: Extra inputs"),
        (body(system=None), "system: Input should not be null"),
        (body(max_tokens=0), "max_tokens"),
        (body(max_tokens=True), "max_tokens"),
        (body(model=""), "model: Field required"),
        (body() | {"messages": []}, "at least one message is required"),
        (body(said({"type": "text", "text": "a"})), "first message must use the user role"),
        (body({"role": "system", "content": "x"}), "role"),
        (body(gave()), "non-empty content"),
        (body(gave({"type": "text", "text": " \n"})), "messages.0.content.0.text: text content blocks must contain"),
        (body(gave({"text": "a"})), "messages.0.content.0.type: Field required"),
        (
            body(USER, said({**call("1"), "caller": None}), gave(result("1"))),
            "tool_use.caller: Input should not be null",
        ),
        (body(USER, said({**call("1"), "input": "x"}), gave(result("1"))), "valid dictionary"),
        (
            body(USER, said({**THOUGHT, "thinking": "other"})),
            "`thinking` blocks in an assistant message cannot be modified",
        ),
        (body(USER, said({**THOUGHT, "cache_control": {}})), "thinking.cache_control"),
        (body(USER, said(call("1")), USER), "messages.1: `tool_use` ids were found without `tool_result` blocks"),
        (body(USER, said(call("1"))), "`tool_use` ids were found without `tool_result` blocks: 1"),
        (body(gave(result("1"))), "unexpected `tool_use_id` found in `tool_result` blocks: 1"),
        (body(USER, said(call("1"), call("1")), gave(result("1"))), "`tool_use` ids must be unique"),
        (body(gave(*[MARKED] * 5)), "A maximum of 4 blocks with cache_control may be provided. Found 5."),
        (body(tools=[{"name": "a b", "input_schema": {"type": "object"}}]), "tools.0.name"),
        (body(tools=[{"name": "a"}]), "tools.0.input_schema.type"),
        (body(tools=[{"name": "a", "input_schema": {"type": "object"}}] * 2), "Tool names must be unique, a is not."),
        (body({"role": "user", "content": "x" * 800_000}), "prompt is too long"),
    ],
)
def test_what_the_api_refuses(bad: dict[str, Any], words: str) -> None:
    assert words in (fault(bad) or "")


async def test_a_run_meets_the_refusal(kit: Kit) -> None:
    model = kit.offline("rules: [{reply: {text: a}}]")
    failure = (await kit.ask(model, kit.request("x" * 800_000))).failure
    assert failure.kind == "context_window_exceeded"
    failure = (await kit.ask(model, kit.request([*kit.request().messages, said(call("1"))]))).failure
    assert "refused the request (400): messages.1: `tool_use` ids" in str(failure)
