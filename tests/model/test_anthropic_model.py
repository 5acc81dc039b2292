"""Asking a server in memory through the real SDK."""

from __future__ import annotations

import asyncio
import json
import traceback
from collections.abc import AsyncIterator, Callable
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.cost.usage import Usage
from workbench.definition.agent import Thinking
from workbench.model.conversation import Delta, Retry

if TYPE_CHECKING:
    from tests.model.conftest import Kit

SIGNATURE = "EqQBCkYIAxgCKkAf+/="
REPLY: list[dict[str, Any]] = [
    {
        "type": "message_start",
        "message": {
            "id": "msg_7",
            "model": "claude-haiku-4-5-20251001",
            "content": [],
            "usage": {
                "input_tokens": 10,
                "output_tokens": 1,
                "cache_creation_input_tokens": 30,
                "cache_creation": {"ephemeral_5m_input_tokens": 30, "ephemeral_1h_input_tokens": 0},
                "cache_read_input_tokens": 20,
            },
        },
    },
    {"type": "ping"},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": "", "signature": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "Größe? "}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "Ja 😀"}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": SIGNATURE}},
    {"type": "content_block_stop", "index": 0},
    {"type": "content_block_start", "index": 1, "content_block": {"type": "redacted_thinking", "data": "Emw="}},
    {"type": "content_block_stop", "index": 1},
    {"type": "content_block_start", "index": 2, "content_block": {"type": "text", "text": "", "citations": None}},
    {"type": "content_block_delta", "index": 2, "delta": {"type": "text_delta", "text": "I look.\r\n\u2028"}},
    {"type": "content_block_stop", "index": 2},
    {
        "type": "content_block_start",
        "index": 3,
        "content_block": {"type": "tool_use", "id": "toolu_1", "name": "read", "input": {}, "caller": None},
    },
    {"type": "content_block_delta", "index": 3, "delta": {"type": "input_json_delta", "partial_json": ""}},
    {"type": "content_block_delta", "index": 3, "delta": {"type": "input_json_delta", "partial_json": '{"path": "ä'}},
    {"type": "content_block_delta", "index": 3, "delta": {"type": "input_json_delta", "partial_json": '.txt"}'}},
    {"type": "content_block_stop", "index": 3},
    {
        "type": "message_delta",
        "delta": {"stop_reason": "tool_use", "stop_sequence": None, "stop_details": None},
        "usage": {"output_tokens": 50, "input_tokens": 11, "output_tokens_details": {"thinking_tokens": 9}},
    },
    {"type": "message_stop"},
]
CONTENT = [
    {"type": "thinking", "thinking": "Größe? Ja 😀", "signature": SIGNATURE},
    {"type": "redacted_thinking", "data": "Emw="},
    {"type": "text", "text": "I look.\r\n\u2028"},
    {"type": "tool_use", "id": "toolu_1", "name": "read", "input": {"path": "ä.txt"}},
]
USAGE = Usage(11, 50, 20, 30, 0, 9, 0)


async def test_a_whole_reply(kit: Kit) -> None:
    server = kit.serve(kit.stream(kit.encode(*REPLY)))
    asked = await kit.ask(server.model, kit.request(tools=["read"]))
    reply = asked.answer
    assert reply.content == CONTENT
    assert reply.usage == USAGE
    assert (reply.model, reply.message_id, reply.request_id) == ("claude-haiku-4-5-20251001", "msg_7", "req_1")
    assert (reply.stop_reason, reply.stop_details, reply.origin) == ("tool_use", None, "live")
    assert 0 <= (reply.time_to_first_token or -1) <= reply.duration
    assert 0 <= (reply.thinking_duration or -1) <= reply.duration
    assert asked.streamed("reasoning") == "Größe? Ja 😀"
    assert asked.streamed("text") == "I look.\r\n\u2028"
    assert json.loads(asked.streamed("tool_input")) == {"path": "ä.txt"}
    assert asked.retries == []


async def test_a_reply_goes_back_as_it_came(kit: Kit) -> None:
    server = kit.serve(kit.stream(kit.encode(*REPLY)), kit.stream(kit.encode(*kit.text_reply())))
    request = kit.request(tools=["read"])
    reply = (await kit.ask(server.model, request)).answer
    await kit.ask(server.model, kit.went_on(request, reply, "contents"))
    sent = server.bodies[1]["messages"]
    assert sent[1] == {"role": "assistant", "content": CONTENT}
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


async def test_a_setting_that_the_model_refuses_is_refused_before_anything_is_sent(kit: Kit) -> None:
    server = kit.serve(kit.failed(500))
    asked = await kit.ask(server.model, kit.request(effort="high"))
    assert asked.failure.kind == "unsupported_setting"
    assert server.requests == []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), newline=st.sampled_from([b"\n", b"\r\n"]))
def test_however_the_bytes_are_split_the_reply_is_the_same(kit: Kit, data: st.DataObject, newline: bytes) -> None:
    stream = kit.encode(*REPLY).replace(b"\n", newline)
    cuts = sorted(data.draw(st.sets(st.integers(1, len(stream) - 1), max_size=40)))
    edges = [0, *cuts, len(stream)]
    chunks = [stream[begin:end] for begin, end in pairwise(edges)]
    asked = asyncio.run(kit.ask(kit.serve(kit.stream(*chunks), max_retries=0).model, kit.request()))
    assert asked.answer.content == CONTENT
    assert asked.answer.usage == USAGE
    assert asked.retries == []


async def test_every_byte_by_itself(kit: Kit) -> None:
    stream = kit.encode(*REPLY)
    chunks = [stream[at : at + 1] for at in range(len(stream))]
    assert (await kit.ask(kit.serve(kit.stream(*chunks)).model, kit.request())).answer.content == CONTENT


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


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (400, "invalid_request_error", "refused the request (400): no"),
        (401, "authentication_error", "refused the credentials (401): no Check the value of ANTHROPIC_API_KEY."),
        (402, "billing_error", "wants payment first (402)"),
        (403, "permission_error", "may lack access to claude-haiku-4-5"),
        (404, "not_found_error", "no Messages API at /v1/messages"),
        (413, "request_too_large", "Make tools return less"),
        (422, "invalid_request_error", "refused the request (422): no"),
        (429, "rate_limit_error", "The rate limit was reached (429): no Wait 7 s, or run fewer agents at once."),
        (500, "api_error", "failed (500): no Try again in a minute."),
        (503, "api_error", "failed (503)"),
        (529, "overloaded_error", "is overloaded and refused (529)"),
    ],
)
async def test_errors_tell_what_to_do(kit: Kit, status: int, kind: str, words: str) -> None:
    server = kit.serve(kit.failed(status, kind=kind, retry_after="7"), max_retries=0)
    failure = (await kit.ask(server.model, kit.request())).failure
    assert (failure.status, failure.kind, failure.request_id) == (status, kind, "req_9")
    assert words in str(failure)
    assert isinstance(failure.details, dict)
    assert failure.details["message"] == "no"
    assert failure.details["retry_after"] == "7"


async def test_an_unknown_model_is_told_with_the_nearest_name(kit: Kit) -> None:
    server = kit.serve(kit.failed(404, "model: claude-haiku-4.5", "not_found_error"), api=True)
    failure = (await kit.ask(server.model, kit.request(model="claude-haiku-4.5"))).failure
    assert "There is no model claude-haiku-4.5" in str(failure)
    assert "Did you mean claude-haiku-4-5?" in str(failure)


async def test_a_conversation_that_is_too_long_has_its_own_kind(kit: Kit) -> None:
    server = kit.serve(kit.failed(400, "prompt is too long: 210000 tokens > 200000 maximum", "invalid_request_error"))
    assert (await kit.ask(server.model, kit.request())).failure.kind == "context_window_exceeded"


@pytest.mark.parametrize("body", [b"", b"<html><h1>Bad gateway</h1></html>", b'{"detail": "odd"}', b'"text"', b"[1]"])
async def test_errors_that_are_not_the_apis_are_told_too(kit: Kit, body: bytes) -> None:
    server = kit.serve(httpx2.Response(502, content=body), max_retries=0)
    failure = (await kit.ask(server.model, kit.request())).failure
    assert (failure.kind, failure.status) == ("api_error", 502)
    assert "<" not in str(failure)


async def test_retries_of_the_sdk_are_told(kit: Kit) -> None:
    server = kit.serve(
        kit.failed(529, retry_after="0.01"),
        kit.failed(429, retry_after_ms="20"),
        kit.stream(kit.encode(*kit.text_reply())),
    )
    asked = await kit.ask(server.model, kit.request())
    assert asked.text == "hi"
    assert asked.retries == [Retry(1, "overloaded (529)", 0.01), Retry(2, "rate limited (429)", 0.02)]
    assert asked.deltas == [Delta("text", "hi")]


async def test_the_last_failure_is_no_retry(kit: Kit) -> None:
    server = kit.serve(kit.failed(500, retry_after="0.01"), max_retries=1)
    asked = await kit.ask(server.model, kit.request())
    assert [retry.attempt for retry in asked.retries] == [1]
    assert "failed 2 times (500)" in str(asked.failure)


async def test_no_connection(kit: Kit) -> None:
    server = kit.serve(httpx2.ConnectError("refused"), max_retries=1)
    asked = await kit.ask(server.model, kit.request())
    assert asked.failure.kind == "connection"
    assert f"{kit.endpoint} could not be reached after 2 tries (ConnectError: refused)" in str(asked.failure)
    assert asked.retries == [Retry(1, "no connection (ConnectError)", 0.5)]


@pytest.mark.parametrize(
    ("error", "kind"), [(httpx2.ReadTimeout("slow"), "timeout"), (httpx2.ConnectTimeout("slow"), "connection")]
)
async def test_no_answer_in_time(kit: Kit, error: Exception, kind: str) -> None:
    failure = (await kit.ask(kit.serve(error, max_retries=0).model, kit.request())).failure
    assert failure.kind == kind
    assert failure.status is None


HALF = 5
BREAKS: list[tuple[str, list[dict[str, Any]], Exception | None, str]] = [
    (
        "lost",
        [],
        httpx2.RemoteProtocolError("peer closed"),
        "the connection was lost (RemoteProtocolError: peer closed)",
    ),
    ("reset", [], httpx2.ReadError("reset"), "the connection was lost (ReadError: reset)"),
    ("silent", [], httpx2.ReadTimeout(""), "the connection was lost (ReadTimeout)"),
    ("truncated", [], None, "it ended before the reply did"),
    (
        "overloaded",
        [{"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}],
        None,
        "overloaded_error: Overloaded",
    ),
]


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.model.anthropic_model._PAUSE_AFTER_ERROR", 0.01)


@pytest.mark.usefixtures("no_pause")
@pytest.mark.parametrize(("name", "events", "error", "reason"), BREAKS, ids=[name for name, *_ in BREAKS])
async def test_a_reply_that_breaks_off_is_asked_for_once_more(
    kit: Kit, name: str, events: list[dict[str, Any]], error: Exception | None, reason: str
) -> None:
    half: list[bytes | Exception] = [kit.encode(*REPLY[:HALF], *events), *([error] if error else [])]
    server = kit.serve(kit.stream(*half), kit.stream(kit.encode(*REPLY)))
    asked = await kit.ask(server.model, kit.request())
    assert asked.answer.content == CONTENT
    assert asked.answer.usage == USAGE
    assert asked.deltas.count(Delta("reset")) == 1
    assert asked.streamed("reasoning") == "Größe? Ja 😀"
    assert [retry.reason for retry in asked.retries] == [f"the reply broke off: {reason}"]
    assert server.bodies[0] == server.bodies[1]

    server = kit.serve(*(kit.stream(*half) for _ in range(2)))
    asked = await kit.ask(server.model, kit.request())
    assert (asked.failure.kind, asked.failure.status, asked.failure.request_id) == ("stream", None, "req_1")
    assert f"broke off its reply twice: {reason}" in str(asked.failure)
    assert len(server.requests) == 2


async def test_an_error_event_that_would_come_again_is_not_repeated(kit: Kit) -> None:
    event = {"type": "error", "error": {"type": "invalid_request_error", "message": "too odd"}}
    server = kit.serve(kit.stream(kit.encode(*REPLY[:HALF], event)))
    failure = (await kit.ask(server.model, kit.request())).failure
    assert failure.kind == "invalid_request_error"
    assert "too odd" in str(failure)
    assert len(server.requests) == 1


@pytest.mark.parametrize("junk", [b"", b"<html></html>", b"data: {}\n\n", b"event: message_start\ndata: {oops\n\n"])
async def test_what_is_no_stream_is_told(kit: Kit, junk: bytes) -> None:
    answers = [httpx2.Response(200, headers={"content-type": "text/html"}, content=junk) for _ in range(2)]
    failure = (await kit.ask(kit.serve(*answers).model, kit.request())).failure
    assert failure.kind == "stream"
    assert "text/html" in str(failure) or "not JSON" in str(failure)


async def test_the_connection_is_closed_when_the_reply_is_broken(kit: Kit) -> None:
    response = kit.stream(kit.encode({"type": "content_block_start", "content_block": {"type": ""}}), b"more")
    await kit.ask(kit.serve(response, kit.stream(kit.encode(*REPLY))).model, kit.request())
    assert response.is_closed


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


class Endless(httpx2.AsyncByteStream):
    """The beginning of a reply, and then nothing."""

    def __init__(self, beginning: bytes) -> None:
        self.beginning = beginning
        self.closed = asyncio.Event()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self.beginning
        await asyncio.Event().wait()

    async def aclose(self) -> None:
        self.closed.set()


async def test_cancelling_closes_the_stream_at_once(kit: Kit) -> None:
    stream = Endless(kit.encode(*REPLY[:HALF]))
    server = kit.serve(httpx2.Response(200, headers={"content-type": "text/event-stream"}, stream=stream))
    heard = asyncio.Event()
    task = asyncio.create_task(server.model.respond(kit.request(), lambda _: heard.set(), lambda _: None))
    await heard.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert stream.closed.is_set()
    assert len(server.requests) == 1


async def test_cancelling_between_attempts_sends_nothing_more(kit: Kit) -> None:
    server = kit.serve(kit.failed(529, retry_after="600"))
    told = asyncio.Event()
    task = asyncio.create_task(server.model.respond(kit.request(), lambda _: None, lambda _: told.set()))
    await told.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(server.requests) == 1


async def test_a_server_that_does_not_end_its_stream_is_not_waited_for(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.model.anthropic_model._LINGER", 0.01)
    stream = Endless(kit.encode(*REPLY))
    server = kit.serve(httpx2.Response(200, headers={"content-type": "text/event-stream"}, stream=stream))
    assert (await kit.ask(server.model, kit.request())).answer.content == CONTENT
    assert stream.closed.is_set()


def everything_about(error: BaseException) -> str:
    """All that a log or a debugger could show of an error and what hangs on it."""
    seen: list[BaseException] = []
    texts: list[str] = []
    todo: list[BaseException | None] = [error]
    while todo:
        current = todo.pop()
        if current is None or current in seen:
            continue
        seen.append(current)
        texts += [repr(current), str(current.args), repr(vars(current))]
        texts += [str(dict(value.headers)) for value in vars(current).values() if isinstance(value, httpx2.Request)]
        todo += [current.__cause__, current.__context__]
    return "\n".join([*texts, *traceback.format_exception(error)])


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 529])
async def test_no_error_holds_a_secret(kit: Kit, status: int) -> None:
    words = f"the key {kit.secret} (Bearer {kit.secret}, other sk-proj-12345678901) is wrong"
    server = kit.serve(kit.failed(status, words, retry_after="0.01"), max_retries=1)
    asked = await kit.ask(server.model, kit.request())
    told = everything_about(asked.failure) + repr(asked.retries) + repr(server.model)
    assert kit.secret not in told
    assert "sk-proj-12345678901" not in told
    assert "the key [hidden]" in str(asked.failure)


@pytest.mark.usefixtures("no_pause")
async def test_no_broken_stream_holds_a_secret(kit: Kit) -> None:
    event = {"type": "error", "error": {"type": "api_error", "message": f"key {kit.secret}"}}
    lost = [kit.stream(kit.encode(*REPLY[:HALF]), httpx2.ReadError(f"Bearer {kit.secret}")) for _ in range(2)]
    errors = [kit.stream(kit.encode(event)) for _ in range(2)]
    for answers in (lost, errors):
        asked = await kit.ask(kit.serve(*answers).model, kit.request())
        assert asked.failure.kind == "stream"
        assert kit.secret not in everything_about(asked.failure) + repr(asked.retries)


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
