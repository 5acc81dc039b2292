"""Everything that an offline script can let go wrong, through the real SDK."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from workbench.model.conversation import Delta, Retry
from workbench.model.offline_transport import OfflineTransport

if TYPE_CHECKING:
    from tests.model.conftest import Kit


def case(*lines: str) -> str:
    return "rules:\n" + "".join(f"  {line}\n" for line in lines)


HELLO = "pace: {first_token: 0, tokens_per_second: 0}\nrules: [{reply: {text: hello}}]"


def body(**changes: Any) -> dict[str, Any]:
    plain = {"model": "claude-haiku-4-5", "max_tokens": 10, "messages": [{"role": "user", "content": "hi"}]}
    return {name: value for name, value in {**plain, **changes}.items() if value is not ...}


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (529, "overloaded_error"),
    ],
)
async def test_http_errors(kit: Kit, status: int, kind: str) -> None:
    model = kit.offline(f"rules: [{{error: {{status: {status}, message: as scripted}}}}]", max_retries=0)
    failure = (await kit.ask(model, kit.request())).failure
    assert (failure.status, failure.kind) == (status, kind)
    assert "as scripted" in str(failure)
    assert (failure.request_id or "").startswith("req_offline_")


async def test_errors_come_one_after_the_other_and_again_in_the_next_run(kit: Kit) -> None:
    model = kit.offline(
        case(
            "- error:",
            "    - {status: 529, times: 1, retry_after: 0.01}",
            "    - {status: 429, times: 1, retry_after: 0.02}",
            "    - {cut: true, after: 3, times: 1}",
            "  reply: {text: finally}",
        )
    )
    for _ in range(2):
        asked = await kit.ask(model, kit.request())
        assert asked.text == "finally"
        assert asked.retries[:2] == [Retry(1, "overloaded (529)", 0.01), Retry(2, "rate limited (429)", 0.02)]
        assert [delta.text for delta in asked.deltas if delta.kind == "text"] == ["fin", "finally"]
        assert asked.deltas.count(Delta("reset")) == 1


async def test_an_error_without_a_reply_gives_way_to_the_next_rule(kit: Kit) -> None:
    model = kit.offline(case("- error: {status: 500, times: 1, retry_after: 0.01}", "- reply: {text: next}"))
    assert (await kit.ask(model, kit.request())).text == "next"


async def test_attempts_are_counted_for_each_request(kit: Kit) -> None:
    model = kit.offline(case("- error: {status: 500, times: 1}", "  reply: {text: ok}"), max_retries=0)
    assert (await kit.ask(model, kit.request("a"))).error
    assert (await kit.ask(model, kit.request("b"))).error
    assert (await kit.ask(model, kit.request("a"))).text == "ok"


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.model.anthropic_model._PAUSE_AFTER_ERROR", 0.01)


@pytest.mark.usefixtures("no_pause")
@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("{cut: true, after: 4}", "the connection was lost"),
        ("{cut: true}", "the connection was lost"),
        ("{cut: true, after: 1000}", "the connection was lost"),
        ("{stream: overloaded_error, after: 4}", "overloaded_error: Overloaded"),
        ("{stream: api_error, message: odd}", "api_error: odd"),
    ],
)
async def test_a_reply_is_broken_off(kit: Kit, error: str, words: str) -> None:
    asked = await kit.ask(kit.offline(f"rules: [{{error: {error}, reply: {{text: abcdefgh}}}}]"), kit.request())
    assert asked.failure.kind == "stream"
    assert words in str(asked.failure)
    assert asked.streamed("text") == ("abcdefgh" if "1000" in error else "abcd")


async def test_no_connection(kit: Kit) -> None:
    model = kit.offline("rules: [{error: {unreachable: true}}]", max_retries=0)
    assert (await kit.ask(model, kit.request())).failure.kind == "connection"


@pytest.mark.parametrize("error", ["{hang: true}", "{hang: true, after: 2}"])
async def test_a_hanging_model_can_be_cancelled(kit: Kit, error: str) -> None:
    model = kit.offline(f"rules: [{{error: {error}, reply: {{text: abcd}}}}]")
    heard: list[Delta] = []
    task = asyncio.create_task(model.respond(kit.request(), heard.append, lambda _: None))
    done, _ = await asyncio.wait([task], timeout=0.1)
    assert not done
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert "".join(delta.text for delta in heard) == ("ab" if "after" in error else "")


async def test_a_hanging_model_meets_the_clients_patience(kit: Kit) -> None:
    transport = OfflineTransport(kit.script("rules: [{error: {hang: true}}]"))
    async with httpx2.AsyncClient(transport=transport, timeout=0.02) as client:
        with pytest.raises(httpx2.ReadTimeout):
            await client.post("http://offline.invalid/v1/messages", json=body())
