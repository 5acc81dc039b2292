"""The REST tool against real servers on this machine, called as the model calls it."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from workbench.definition.agent import HttpServer
from workbench.definition.references import Template
from workbench.jsontypes import JsonObject
from workbench.tools.http_answer import BODY_BYTES
from workbench.tools.toolbox import Outcome, Toolbox, ToolboxError
from workbench.trace.events import Notice

SECRET = "Bearer hunter2-very-secret"
Serve = Callable[[ASGIApp], Awaitable[str]]
OpenAgent = Callable[..., AbstractAsyncContextManager[Toolbox]]
Say = Callable[[Outcome], str]


async def echo(request: Request) -> Response:
    body = await request.body()
    return Response(
        json.dumps(
            {
                "method": request.method,
                "path": request.url.path,
                "query": request.url.query,
                "headers": dict(request.headers),
                "body": body.decode(),
            }
        ),
        media_type="application/json",
        headers={"set-cookie": "a=b", "etag": '"1"', "x-ratelimit-remaining": "7", "x-powered-by": "tests"},
    )


async def go(request: Request) -> Response:
    return RedirectResponse(request.query_params["to"], status_code=int(request.query_params.get("status", "302")))


async def loop(request: Request) -> Response:
    return RedirectResponse("/api/loop")


async def slow(request: Request) -> Response:
    await asyncio.sleep(30)
    return PlainTextResponse("late")


async def drip(request: Request) -> Response:
    async def body() -> object:
        while True:
            yield b"."
            await asyncio.sleep(0.05)

    return StreamingResponse(body())  # type: ignore[arg-type]


async def flood(request: Request) -> Response:
    async def body() -> object:
        while True:
            yield b"x" * 65536
            await asyncio.sleep(0)

    return StreamingResponse(body(), media_type="text/plain")  # type: ignore[arg-type]


async def bomb(request: Request) -> Response:
    return Response(gzip.compress(bytes(200_000_000), 9), headers={"content-encoding": "gzip"}, media_type="text/plain")


async def give(request: Request) -> Response:
    query = request.query_params
    headers = {"content-encoding": query["encoding"]} if "encoding" in query else {}
    return Response(
        bytes.fromhex(query["hex"]),
        int(query.get("status", "200")),
        headers,
        media_type=query.get("type", "text/plain"),
    )


APP = Starlette(
    routes=[
        Route("/api/go", go, methods=["GET", "POST", "PUT", "HEAD"]),
        Route("/api/loop", loop),
        Route("/api/slow", slow),
        Route("/api/drip", drip),
        Route("/api/flood", flood),
        Route("/api/bomb", bomb),
        Route("/api/give", give),
        Route("/{path:path}", echo, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
    ]
)


@pytest.fixture
async def base(serve: Serve) -> str:
    return await serve(APP)


def declared(base: str, **changes: object) -> HttpServer:
    server = HttpServer(
        name="desk", url=Template(f"{base}/api"), headers={"Authorization": Template("${TOKEN}")}, timeout=5
    )
    return replace(server, **changes)  # type: ignore[arg-type]


async def ask(open_agent: OpenAgent, server: HttpServer, arguments: JsonObject) -> Outcome:
    async with open_agent(server, environment={"TOKEN": SECRET, "HOST": "127.0.0.1"}) as toolbox:
        return await toolbox.call("desk", arguments)


def body_of(text: str) -> dict[str, object]:
    found = json.loads(text.partition("\n\n")[2])
    assert isinstance(found, dict)
    return found


async def test_the_model_sees_one_tool_without_secrets(base: str, open_agent: OpenAgent) -> None:
    server = declared(base, description="Tickets.", methods=("GET", "POST"))
    async with open_agent(server, environment={"TOKEN": SECRET}) as toolbox:
        (tool,) = toolbox.tools
        (parameter,) = toolbox.parameters
        assert toolbox.in_sandbox == frozenset()
    assert (tool.name, tool.server) == ("desk", "desk")
    assert tool.description.startswith(f"Tickets.\n\nSends one request to the REST API at {base}/api and gives")
    assert tool.input_schema["properties"]["method"] == {"type": "string", "enum": ["GET", "POST"]}  # type: ignore[index, call-overload]
    assert "hunter2" not in json.dumps(parameter)


async def test_a_url_is_shown_as_it_was_written(base: str, open_agent: OpenAgent) -> None:
    url = Template(base.replace("127.0.0.1", "me:${TOKEN}@${HOST}") + "/api?key=${TOKEN}")
    async with open_agent(
        declared(base, url=url, headers={}), environment={"TOKEN": "s3cret", "HOST": "127.0.0.1"}
    ) as toolbox:
        description = toolbox.tools[0].description
    assert f"at {base.replace('127.0.0.1', '${HOST}')}/api and" in description


async def test_a_request_carries_what_was_asked_and_what_was_declared(
    base: str, open_agent: OpenAgent, text_of: Say
) -> None:
    outcome = await ask(
        open_agent,
        declared(base),
        {
            "method": "post",
            "path": "/tickets",
            "query": {"dry": True, "id": [1, 2]},
            "json": {"title": "ü"},
            "headers": {"If-Match": '"7"'},
        },
    )
    said = text_of(outcome)
    seen = body_of(said)
    headers = seen["headers"]
    assert isinstance(headers, dict)
    assert not outcome.is_error
    assert outcome.exit_code is None
    assert (seen["method"], seen["path"], seen["query"]) == ("POST", "/api/tickets", "dry=true&id=1&id=2")
    assert seen["body"] == '{"title":"ü"}'
    assert headers["authorization"] == SECRET
    assert headers["content-type"] == "application/json"
    assert headers["if-match"] == '"7"'
    assert said.startswith("HTTP 200 OK\n")
    assert 'etag: "1"' in said
    assert "x-ratelimit-remaining: 7" in said
    assert "set-cookie" not in said
    assert "x-powered-by" not in said


async def test_text_bodies_and_no_bodies(base: str, open_agent: OpenAgent, text_of: Say) -> None:
    async with open_agent(declared(base), environment={"TOKEN": SECRET}) as toolbox:
        put = body_of(text_of(await toolbox.call("desk", {"method": "PUT", "path": "/a", "body": "a,b"})))
        get = body_of(text_of(await toolbox.call("desk", {"method": "GET", "path": "/a"})))
        null = body_of(text_of(await toolbox.call("desk", {"method": "POST", "path": "/a", "json": None})))
    assert put["body"] == "a,b"
    assert put["headers"]["content-type"] == "text/plain; charset=utf-8"  # type: ignore[index]
    assert get["body"] == ""
    assert "content-type" not in get["headers"]  # type: ignore[operator]
    assert null["body"] == "null"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"method": "TRACE", "path": "/a"}, "method must be one of GET, POST"),
        ({"path": "/a"}, "method must be one of"),
        ({"method": "GET"}, "path must be text"),
        ({"method": "GET", "path": "/../x"}, "may not hold '.' or '..'"),
        ({"method": "GET", "path": "//evil.com/"}, "the host cannot be chosen"),
        ({"method": "GET", "path": "/a", "url": "http://evil.com"}, "unknown parameter 'url'"),
        ({"method": "GET", "path": "/a", "query": "x=1"}, "query must be an object"),
        ({"method": "POST", "path": "/a", "json": {}, "body": "x"}, "either json or body"),
        ({"method": "POST", "path": "/a", "body": {"a": 1}}, "body must be text"),
        ({"method": "GET", "path": "/a", "headers": {"authorization": "x"}}, "set by the agent's definition"),
        ({"method": "GET", "path": "/a", "headers": {"Host": "evil.com"}}, "cannot be set"),
        ({"method": "POST", "path": "/a", "body": "x" * 5_000_000}, "at most 4194304 are sent"),
    ],
)
async def test_what_is_not_allowed_is_not_sent(
    arguments: JsonObject, reason: str, open_agent: OpenAgent, text_of: Say
) -> None:
    def never(request: httpx2.Request) -> httpx2.Response:
        raise AssertionError("something was sent")

    server = declared("https://desk.invalid")
    transports = {"desk": httpx2.MockTransport(never)}
    async with open_agent(server, environment={"TOKEN": SECRET}, transports=transports) as toolbox:
        outcome = await toolbox.call("desk", arguments)
    assert outcome.is_error
    assert reason in text_of(outcome)


async def test_errors_of_the_api_are_errors_with_their_body(base: str, open_agent: OpenAgent, text_of: Say) -> None:
    query: JsonObject = {"hex": b'{"error":"no such ticket"}'.hex(), "status": 404, "type": "application/json"}
    outcome = await ask(open_agent, declared(base), {"method": "GET", "path": "/give", "query": query})
    assert outcome.is_error
    assert text_of(outcome) == 'HTTP 404 Not Found\ncontent-type: application/json\n\n{\n "error": "no such ticket"\n}'


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_within_are_followed(status: int, base: str, open_agent: OpenAgent, text_of: Say) -> None:
    asked: JsonObject = {
        "method": "POST",
        "path": "/go",
        "query": {"to": "/api/there", "status": status},
        "json": {"a": 1},
    }
    said = text_of(await ask(open_agent, declared(base), asked))
    seen = body_of(said)
    assert "(redirected to /api/there)" in said
    assert seen["path"] == "/api/there"
    assert seen["headers"]["authorization"] == SECRET  # type: ignore[index]
    keeps = status in (307, 308)
    assert (seen["method"], seen["body"]) == (("POST", '{"a":1}') if keeps else ("GET", ""))
    assert ("content-type" in seen["headers"]) is keeps  # type: ignore[operator]


async def test_a_redirect_to_a_method_that_is_not_allowed_is_refused(
    base: str, open_agent: OpenAgent, text_of: Say
) -> None:
    asked: JsonObject = {"method": "POST", "path": "/go", "query": {"to": "/api/there", "status": 303}}
    outcome = await ask(open_agent, declared(base, methods=("POST",)), asked)
    assert outcome.is_error
    assert "redirects to a GET request" in text_of(outcome)


async def test_redirects_elsewhere_carry_no_secret(
    base: str, serve: Serve, open_agent: OpenAgent, text_of: Say
) -> None:
    asked: list[str] = []

    async def other(scope: object, receive: object, send: Callable[[JsonObject], Awaitable[None]]) -> None:
        asked.append(str(scope))

    elsewhere = await serve(other)  # type: ignore[arg-type]
    asked.clear()
    for target, reason in [(f"{elsewhere}/api/x", "another origin"), ("/private", "would leave 127.0.0.1/api")]:
        outcome = await ask(open_agent, declared(base), {"method": "GET", "path": "/go", "query": {"to": target}})
        assert outcome.is_error
        assert reason in text_of(outcome)
    assert not asked


async def test_endless_redirects_end(base: str, open_agent: OpenAgent, text_of: Say) -> None:
    outcome = await ask(open_agent, declared(base), {"method": "GET", "path": "/loop"})
    assert outcome.is_error
    assert text_of(outcome) == "the server redirected more than 5 times"


@pytest.mark.parametrize("path", ["/slow", "/drip"])
async def test_slow_answers_are_given_up(path: str, base: str, open_agent: OpenAgent, text_of: Say) -> None:
    outcome = await ask(open_agent, declared(base, timeout=0.3), {"method": "GET", "path": path})
    assert outcome.is_error
    assert text_of(outcome) == "no complete answer within 0.3 s; the request was given up"


@pytest.mark.parametrize("path", ["/flood", "/bomb"])
async def test_endless_and_exploding_bodies_are_cut(path: str, base: str, open_agent: OpenAgent, text_of: Say) -> None:
    outcome = await ask(open_agent, declared(base), {"method": "GET", "path": path})
    assert outcome.truncated
    said = text_of(outcome)
    assert len(said.encode()) < 4 * BODY_BYTES
    assert "[truncated: " in said


@pytest.mark.parametrize(
    ("body", "media_type", "shown"),
    [
        (b"\x89PNG\r\n\x1a\n", "image/png", "[binary body: image/png, 8 bytes]"),
        (b"\xff\xfe\0", "application/octet-stream", "[binary body: application/octet-stream, 3 bytes]"),
        (b"plain", "application/octet-stream", "plain"),
        ("größe".encode("latin-1"), "text/plain; charset=latin-1", "größe"),
        (b"a\xff\0b", "text/plain; charset=nonsense", "a\ufffd\ufffdb"),
        (b'{"n":1.10,"n2":1e400}', "application/json", '{"n":1.10,"n2":1e400}'),
        (b'{"a":1,"a":2}', "application/json", '{"a":1,"a":2}'),
        (b'{"a":[1,"\xc3\xbc"]}', "application/vnd.api+json", '{\n "a": [\n  1,\n  "ü"\n ]\n}'),
        (b"not json", "application/json", "not json"),
    ],
)
async def test_bodies_lose_nothing(
    body: bytes, media_type: str, shown: str, base: str, open_agent: OpenAgent, text_of: Say
) -> None:
    asked: JsonObject = {"method": "GET", "path": "/give", "query": {"hex": body.hex(), "type": media_type}}
    said = text_of(await ask(open_agent, declared(base), asked))
    assert said.partition("\n\n")[2] == shown


async def test_several_gzip_members_are_one_body_and_other_codings_are_not_read(
    base: str, open_agent: OpenAgent, text_of: Say
) -> None:
    async with open_agent(declared(base), environment={"TOKEN": SECRET}) as toolbox:

        async def give(body: bytes, encoding: str) -> str:
            query: JsonObject = {"hex": body.hex(), "encoding": encoding}
            return text_of(await toolbox.call("desk", {"method": "GET", "path": "/give", "query": query}))

        assert (await give(gzip.compress(b"one ") + gzip.compress(b"two"), "gzip")).endswith("\n\none two")
        assert "[binary body: text/plain, 3 bytes]" in await give(b"xyz", "br")
        assert "compressed wrongly" in await give(b"xyz", "gzip")


async def test_cookies_are_not_kept(base: str, open_agent: OpenAgent, text_of: Say) -> None:
    async with open_agent(declared(base), environment={"TOKEN": SECRET}) as toolbox:
        await toolbox.call("desk", {"method": "GET", "path": "/a"})
        second = body_of(text_of(await toolbox.call("desk", {"method": "GET", "path": "/a"})))
    assert "cookie" not in second["headers"]  # type: ignore[operator]


async def test_an_unreachable_server_is_an_outcome_without_secrets(
    open_agent: OpenAgent, text_of: Say, notices: list[Notice], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    outcome = await ask(open_agent, declared("http://127.0.0.1:1"), {"method": "GET", "path": "/a"})
    assert outcome.is_error
    assert "the request failed: " in text_of(outcome)
    assert "ConnectError" in text_of(outcome)
    assert "hunter2" not in text_of(outcome) + caplog.text + str(notices)


async def test_an_error_that_repeats_the_secret_is_concealed(open_agent: OpenAgent, text_of: Say) -> None:
    def fail(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ReadError(f"bad things about {request.headers['authorization']}")

    transports = {"desk": httpx2.MockTransport(fail)}
    async with open_agent(
        declared("https://desk.invalid"), environment={"TOKEN": SECRET}, transports=transports
    ) as toolbox:
        said = text_of(await toolbox.call("desk", {"method": "GET", "path": "/a"}))
    assert said == "the request failed: bad things about ${TOKEN} (ReadError)"


@pytest.mark.parametrize(
    ("changes", "environment", "reason"),
    [
        ({}, {}, "the environment variable TOKEN is unset or empty"),
        ({}, {"TOKEN": "hunter2\r\nHost: evil"}, r"header Authorization: \$\{TOKEN\} holds characters"),
        ({}, {"TOKEN": "hunter2ü"}, r"header Authorization: \$\{TOKEN\} holds characters"),
        ({"url": Template("ftp://${TOKEN}/x")}, {"TOKEN": "hunter2"}, "is not an http or https URL"),
        ({"url": Template("https://[${TOKEN}/x")}, {"TOKEN": "hunter2"}, "is not a URL with a host"),
        ({"url": Template("${TOKEN}")}, {"TOKEN": "hunter2"}, "is not a URL with a host"),
    ],
)
async def test_a_definition_that_cannot_work_is_refused_without_secrets(
    changes: dict[str, object], environment: dict[str, str], reason: str, open_agent: OpenAgent
) -> None:
    with pytest.raises(ToolboxError, match=reason) as caught:
        async with open_agent(declared("https://desk.invalid", **changes), environment=environment):
            pass
    assert caught.value.server == "desk"
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


async def test_cancelling_the_call_ends_the_request(base: str, open_agent: OpenAgent) -> None:
    async with open_agent(declared(base), environment={"TOKEN": SECRET}) as toolbox:
        call = asyncio.create_task(toolbox.call("desk", {"method": "GET", "path": "/slow"}))
        await asyncio.sleep(0.2)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert not (await toolbox.call("desk", {"method": "GET", "path": "/a"})).is_error
