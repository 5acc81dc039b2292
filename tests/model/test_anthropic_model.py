"""Asking a server in memory through the real SDK."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.definition.agent import Thinking

if TYPE_CHECKING:
    from tests.model.conftest import Kit


async def test_a_whole_reply(kit: Kit) -> None:
    server = kit.serve(kit.stream(kit.encode(*kit.reply)))
    asked = await kit.ask(server.model, kit.request(tools=["read"]))
    reply = asked.answer
    assert reply.content == list(kit.content)
    assert reply.usage == kit.usage
    assert (reply.model, reply.message_id, reply.request_id) == ("claude-haiku-4-5-20251001", "msg_7", "req_1")
    assert (reply.stop_reason, reply.stop_details, reply.origin) == ("tool_use", None, "live")
    assert 0 <= (reply.time_to_first_token or -1) <= reply.duration
    assert 0 <= (reply.thinking_duration or -1) <= reply.duration
    assert asked.streamed("reasoning") == "Größe? Ja 😀"
    assert asked.streamed("text") == "I look.\r\n\u2028"
    assert json.loads(asked.streamed("tool_input")) == {"path": "ä.txt"}
    assert asked.retries == []


async def test_a_reply_goes_back_as_it_came(kit: Kit) -> None:
    server = kit.serve(kit.stream(kit.encode(*kit.reply)), kit.stream(kit.encode(*kit.text_reply())))
    request = kit.request(tools=["read"])
    reply = (await kit.ask(server.model, request)).answer
    await kit.ask(server.model, kit.went_on(request, reply, "contents"))
    sent = server.bodies[1]["messages"]
    assert sent[1] == {"role": "assistant", "content": list(kit.content)}
    assert sent[2]["content"][0]["tool_use_id"] == "toolu_1"


def nulls(value: Any) -> bool:
    if isinstance(value, dict):
        return any(nulls(item) for item in value.values())
    return any(nulls(item) for item in value) if isinstance(value, list) else value is None


async def test_what_is_sent(kit: Kit) -> None:
    server = kit.serve(kit.stream(kit.encode(*kit.text_reply())), api=True)
    request = kit.request(
        system="You are brief.", tools=["a", "b"], thinking=Thinking("enabled", 1024), max_tokens=2000
    )
    await kit.ask(server.model, request)
    (body,) = server.bodies
    assert body == {
        "model": "claude-haiku-4-5",
        "max_tokens": 2000,
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "system": [{"type": "text", "text": "You are brief.", "cache_control": {"type": "ephemeral"}}],
        "messages": [
            {
                "role": "user",
                "content": [{"type": "text", "text": "hello", "cache_control": {"type": "ephemeral"}}],
            }
        ],
        "tools": [kit.tool("a"), kit.tool("b")],
        "stream": True,
    }
    assert not nulls(body)
    headers = server.requests[0].headers
    assert str(server.requests[0].url) == "https://api.anthropic.com/v1/messages"
    assert headers["authorization"] == f"Bearer {kit.secret}"
    assert "anthropic-beta" not in headers
    expected = {name: value for name, value in body.items() if name in ("max_tokens", "thinking", "output_config")}
    assert server.model.parameters(request) == expected


async def test_an_empty_system_prompt_and_no_tools_are_not_sent(kit: Kit) -> None:
    server = kit.serve(kit.stream(kit.encode(*kit.text_reply())))
    await kit.ask(server.model, kit.request())
    assert set(server.bodies[0]) == {"model", "max_tokens", "messages", "stream"}


async def test_half_a_character_and_other_mappings_are_sent_as_json(kit: Kit) -> None:
    server = kit.serve(kit.stream(kit.encode(*kit.text_reply())))
    block = MappingProxyType({"type": "text", "text": "half \ud83d"})
    await kit.ask(server.model, kit.request([{"role": "user", "content": (block,)}]))
    assert server.bodies[0]["messages"][0]["content"][0]["text"] == "half ?"


async def test_a_setting_that_the_model_refuses_is_refused_before_anything_is_sent(kit: Kit) -> None:
    server = kit.serve(kit.failed(500))
    asked = await kit.ask(server.model, kit.request(effort="high"))
    assert asked.failure.kind == "unsupported_setting"
    assert server.requests == []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), newline=st.sampled_from([b"\n", b"\r\n"]))
def test_however_the_bytes_are_split_the_reply_is_the_same(kit: Kit, data: st.DataObject, newline: bytes) -> None:
    stream = kit.encode(*kit.reply).replace(b"\n", newline)
    cuts = sorted(data.draw(st.sets(st.integers(1, len(stream) - 1), max_size=40)))
    edges = [0, *cuts, len(stream)]
    chunks = [stream[begin:end] for begin, end in pairwise(edges)]
    asked = asyncio.run(kit.ask(kit.serve(kit.stream(*chunks), max_retries=0).model, kit.request()))
    assert asked.answer.content == list(kit.content)
    assert asked.answer.usage == kit.usage
    assert asked.retries == []


async def test_every_byte_by_itself(kit: Kit) -> None:
    stream = kit.encode(*kit.reply)
    chunks = [stream[at : at + 1] for at in range(len(stream))]
    assert (await kit.ask(kit.serve(kit.stream(*chunks)).model, kit.request())).answer.content == list(kit.content)


def no_indexes(events: list[dict[str, Any]]) -> None:
    for event in events:
        event.pop("index", None)


def null_usage(events: list[dict[str, Any]]) -> None:
    events[0]["message"]["usage"] = events[4]["usage"] = None


def text_in_the_start(events: list[dict[str, Any]]) -> None:
    events[1]["content_block"]["text"] = "hi"
    del events[2]


CHANGES: dict[str, Callable[[list[dict[str, Any]]], object]] = {
    "no usage at the start": lambda events: events[0]["message"].pop("usage"),
    "no usage at the end": lambda events: events[4].pop("usage"),
    "usage is null": null_usage,
    "no id": lambda events: events[0]["message"].pop("id"),
    "no model": lambda events: events[0]["message"].pop("model"),
    "no content list": lambda events: events[0]["message"].pop("content"),
    "no message start": lambda events: events.pop(0),
    "no block start": lambda events: events.pop(1),
    "no block stop": lambda events: events.pop(3),
    "no indexes": no_indexes,
    "no final event": lambda events: events.pop(5),
    "no stop reason": lambda events: events.pop(4),
    "text in the start": text_in_the_start,
    "an event of its own": lambda events: events.insert(2, {"type": "progress", "percent": 3}),
}
"""What less careful servers do to a plain reply."""


@pytest.mark.parametrize("change", CHANGES)
async def test_less_careful_servers_are_understood(kit: Kit, change: str) -> None:
    events = kit.text_reply()
    CHANGES[change](events)
    server = kit.serve(kit.stream(kit.encode(*events)))
    asked = await kit.ask(server.model, kit.request())
    assert asked.text == "hi"
    assert asked.retries == []
    assert asked.answer.stop_reason == (None if change == "no stop reason" else "end_turn")
    assert asked.answer.model == "claude-haiku-4-5"


async def test_a_call_without_an_id_can_be_answered(kit: Kit) -> None:
    block = {"type": "tool_use", "name": "read", "input": {"path": "x"}}
    start: dict[str, Any] = {"type": "content_block_start", "index": 0, "content_block": block}
    events = [start, {"type": "message_stop"}]
    server = kit.serve(*(kit.stream(kit.encode(*events)) for _ in range(2)))
    request = kit.request(tools=["read"])
    first = (await kit.ask(server.model, request)).answer
    second = (await kit.ask(server.model, kit.went_on(request, first, "r"))).answer
    ids = [reply.content[0]["id"] for reply in (first, second)]
    assert len(set(ids)) == 2
    assert all(ids)


async def test_an_endpoint_that_takes_no_breakpoints_is_asked_without_them_from_then_on(kit: Kit) -> None:
    refused = kit.failed(400, "messages.0.content.0.cache_control: Extra inputs are not permitted")
    server = kit.serve(refused, *(kit.stream(kit.encode(*kit.text_reply())) for _ in range(2)))
    asked = await kit.ask(server.model, kit.request(system="s"))
    assert asked.text == "hi"
    assert [retry.reason for retry in asked.retries] == [
        "the endpoint does not take cache_control; sent again without it"
    ]
    assert "hi" in (await kit.ask(server.model, kit.request(system="s"))).text
    marked = ["cache_control" in request.content.decode() for request in server.requests]
    assert marked == [True, False, False]


async def test_requests_at_once_to_an_endpoint_that_takes_no_breakpoints(kit: Kit) -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        if b"cache_control" in request.content:
            return kit.failed(422, "cache_control: extra fields not permitted")
        return kit.stream(kit.encode(*kit.text_reply()))

    server = kit.serve(answer)
    asked = await asyncio.gather(*(kit.ask(server.model, kit.request(str(number))) for number in range(4)))
    assert [one.text for one in asked] == ["hi"] * 4


async def test_source_and_endpoint(kit: Kit) -> None:
    assert (kit.serve(kit.failed(500)).model.source, kit.serve(kit.failed(500)).model.endpoint) == (
        "endpoint",
        kit.endpoint,
    )
    assert (kit.serve(kit.failed(500), api=True).model.source, kit.serve(kit.failed(500), api=True).model.endpoint) == (
        "api",
        None,
    )


async def test_many_requests_at_once_hear_their_own_replies(kit: Kit) -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        text = json.loads(request.content)["messages"][0]["content"][0]["text"]
        if request.headers["x-stainless-retry-count"] == "0" and text in ("1", "3"):
            return kit.failed(529, retry_after="0.01")
        return kit.stream(kit.encode(*kit.text_reply(f"re {text}")))

    server = kit.serve(answer)
    asked = await asyncio.gather(*(kit.ask(server.model, kit.request(str(number))) for number in range(5)))
    assert [one.text for one in asked] == [f"re {number}" for number in range(5)]
    assert [len(one.retries) for one in asked] == [0, 1, 0, 1, 0]
    await server.model.close()
