"""What goes wrong between us and a server, through the real SDK: told, repeated, and never with a secret."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from workbench.model.conversation import Delta, Retry

if TYPE_CHECKING:
    from tests.model.conftest import Kit


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
    half: list[bytes | Exception] = [kit.encode(*kit.reply[:HALF], *events), *([error] if error else [])]
    server = kit.serve(kit.stream(*half), kit.stream(kit.encode(*kit.reply)))
    asked = await kit.ask(server.model, kit.request())
    assert asked.answer.content == list(kit.content)
    assert asked.answer.usage == kit.usage
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
    server = kit.serve(kit.stream(kit.encode(*kit.reply[:HALF], event)))
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
    await kit.ask(kit.serve(response, kit.stream(kit.encode(*kit.reply))).model, kit.request())
    assert response.is_closed


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
    stream = Endless(kit.encode(*kit.reply[:HALF]))
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
    stream = Endless(kit.encode(*kit.reply))
    server = kit.serve(httpx2.Response(200, headers={"content-type": "text/event-stream"}, stream=stream))
    assert (await kit.ask(server.model, kit.request())).answer.content == list(kit.content)
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
    lost = [kit.stream(kit.encode(*kit.reply[:HALF]), httpx2.ReadError(f"Bearer {kit.secret}")) for _ in range(2)]
    errors = [kit.stream(kit.encode(event)) for _ in range(2)]
    for answers in (lost, errors):
        asked = await kit.ask(kit.serve(*answers).model, kit.request())
        assert asked.failure.kind == "stream"
        assert kit.secret not in everything_about(asked.failure) + repr(asked.retries)
