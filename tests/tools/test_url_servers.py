"""MCP servers over streamable HTTP, served on this machine."""

from __future__ import annotations

import asyncio
import gzip
import logging
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx2
import pytest
from mcp.server.mcpserver import Context, MCPServer
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from workbench.definition.agent import McpHttpServer
from workbench.definition.references import Template
from workbench.tools.endpoints import MAX_MESSAGE
from workbench.tools.toolbox import Outcome, Toolbox, ToolboxError
from workbench.trace.events import Notice

SECRET = "hunter2-very-secret"
Serve = Callable[[ASGIApp], Awaitable[str]]
OpenAgent = Callable[..., AbstractAsyncContextManager[Toolbox]]
Say = Callable[[Outcome], str]


class Guarded:
    """Lets in who has the secret; the next answers can be spoilt by `spoil`."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.spoil: ASGIApp | None = None
        self.cancelled = 0
        self.finished = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = dict(scope["headers"])
            if headers.get(b"authorization") != SECRET.encode():
                return await PlainTextResponse("who are you?", 401)(scope, receive, send)
            if self.spoil is not None:
                return await self.spoil(scope, receive, send)
        return await self.app(scope, receive, send)


def build(*, json_response: bool, stateless: bool) -> Guarded:
    server = MCPServer("weather")

    @server.tool()
    def add(a: int, b: int) -> int:
        return a + b

    @server.tool()
    async def wait(seconds: float) -> str:
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            guarded.cancelled += 1
            raise
        guarded.finished += 1
        return "waited"

    @server.tool()
    async def grow(context: Context[Any, Any]) -> str:
        await context.session.send_tool_list_changed()
        return "grown"

    @server.tool()
    def flood() -> str:
        return "x" * (MAX_MESSAGE + 1)

    guarded = Guarded(server.streamable_http_app(json_response=json_response, stateless_http=stateless))
    return guarded


async def start(serve: Serve, guarded: Guarded) -> str:
    base = await serve(guarded)
    return base + "/mcp"


def declared(url: str, **changes: Any) -> McpHttpServer:
    headers = {"Authorization": Template("${TOKEN}")}
    return McpHttpServer("weather", Template(url), headers, **{"timeout": 5, **changes})


ENVIRONMENT = {"TOKEN": SECRET}


@pytest.mark.parametrize("json_response", [False, True])
@pytest.mark.parametrize("stateless", [False, True])
async def test_a_server_is_listed_and_called(
    json_response: bool, stateless: bool, serve: Serve, open_agent: OpenAgent, text_of: Say
) -> None:
    url = await start(serve, build(json_response=json_response, stateless=stateless))
    async with open_agent(declared(url), environment=ENVIRONMENT) as toolbox:
        assert [tool.name for tool in toolbox.tools] == ["add", "flood", "grow", "wait"]
        assert toolbox.in_sandbox == frozenset()
        outcomes = await asyncio.gather(*[toolbox.call("add", {"a": n, "b": 1}) for n in range(5)])
        wrong = await toolbox.call("add", {"a": "x"})
    assert [text_of(outcome) for outcome in outcomes] == ["1", "2", "3", "4", "5"]
    assert wrong.is_error


async def test_a_change_of_tools_is_told_and_ignored(
    serve: Serve, open_agent: OpenAgent, notices: list[Notice]
) -> None:
    url = await start(serve, build(json_response=False, stateless=False))
    async with open_agent(declared(url), environment=ENVIRONMENT) as toolbox:
        await toolbox.call("grow", {})
        while not notices:
            await asyncio.sleep(0.01)
    assert [notice.text for notice in notices] == [
        "the MCP server weather changed its tools; a run keeps those that it began with"
    ]


async def test_a_slow_call_is_given_up_and_others_go_on(serve: Serve, open_agent: OpenAgent, text_of: Say) -> None:
    guarded = build(json_response=False, stateless=False)
    url = await start(serve, guarded)
    async with open_agent(declared(url, timeout=0.7), environment=ENVIRONMENT) as toolbox:
        slow, quick = await asyncio.gather(toolbox.call("wait", {"seconds": 30}), toolbox.call("add", {"a": 1, "b": 1}))
        assert text_of(await toolbox.call("add", {"a": 2, "b": 2})) == "4"
        while not guarded.cancelled:
            await asyncio.sleep(0.01)
    assert text_of(slow) == "wait of weather gave no result within 0.7 s; the call was cancelled"
    assert slow.is_error
    assert not quick.is_error


async def test_an_answer_that_is_too_large_is_an_error(serve: Serve, open_agent: OpenAgent, text_of: Say) -> None:
    url = await start(serve, build(json_response=True, stateless=True))
    async with open_agent(declared(url), environment=ENVIRONMENT) as toolbox:
        outcome = await toolbox.call("flood", {})
        assert not (await toolbox.call("add", {"a": 1, "b": 1})).is_error
    assert outcome.is_error
    assert f"the answer is larger than {MAX_MESSAGE} bytes" in text_of(outcome)


async def bomb(scope: Scope, receive: Receive, send: Send) -> None:
    body = gzip.compress(bytes(100_000_000), 9)
    headers = {"content-encoding": "gzip", "content-type": "application/json"}
    await Response(body, headers=headers)(scope, receive, send)


async def html(scope: Scope, receive: Receive, send: Send) -> None:
    await Response("<html>maintenance</html>", media_type="text/html")(scope, receive, send)


async def broken(scope: Scope, receive: Receive, send: Send) -> None:
    await Response(f"boom {SECRET}", 500)(scope, receive, send)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [(bomb, "the answer is larger than"), (html, "Unexpected content type: text/html"), (broken, "error response")],
)
async def test_spoilt_answers_are_errors(
    spoil: ASGIApp, reason: str, serve: Serve, open_agent: OpenAgent, text_of: Say
) -> None:
    guarded = build(json_response=True, stateless=True)
    url = await start(serve, guarded)
    async with open_agent(declared(url), environment=ENVIRONMENT) as toolbox:
        guarded.spoil = spoil
        outcome = await toolbox.call("add", {"a": 1, "b": 1})
        guarded.spoil = None
        assert not (await toolbox.call("add", {"a": 1, "b": 1})).is_error
    assert outcome.is_error
    assert reason in text_of(outcome)
    assert SECRET not in text_of(outcome)


async def test_a_lost_connection_is_an_error_and_the_next_call_connects_again(
    serve: Serve, open_agent: OpenAgent, text_of: Say, notices: list[Notice]
) -> None:
    guarded = build(json_response=False, stateless=False)
    url = await start(serve, guarded)
    down = False

    class Cable(httpx2.AsyncHTTPTransport):
        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            if down:
                raise httpx2.ConnectError(f"cut: {request.headers['authorization']}")
            return await super().handle_async_request(request)

    async with open_agent(declared(url), environment=ENVIRONMENT, transports={"weather": Cable()}) as toolbox:
        down = True
        lost = await toolbox.call("add", {"a": 1, "b": 1})
        still = await toolbox.call("add", {"a": 1, "b": 1})
        down = False
        again = await toolbox.call("add", {"a": 1, "b": 1})
    assert "the MCP server weather ended during the call of add: cut: ${TOKEN} (ConnectError)" in text_of(lost)
    assert "could not be started again: cut: ${TOKEN} (ConnectError)" in text_of(still)
    assert text_of(again) == "2"
    assert SECRET not in str(notices)
    assert "the MCP server weather is started again (2 of 3)" in [notice.text for notice in notices]


async def test_a_wrong_secret_is_told_without_it(
    serve: Serve, open_agent: OpenAgent, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    url = await start(serve, build(json_response=False, stateless=False))
    with pytest.raises(ToolboxError) as caught:
        async with open_agent(declared(url), environment={"TOKEN": "a-wrong-secret"}):
            pass
    message = str(caught.value)
    assert message.startswith("The MCP server weather could not be reached: ")
    assert "HTTP 401 Unauthorized" in message
    assert f"Check its url in agent.yaml, {url}, its headers" in message
    assert "a-wrong-secret" not in message + caplog.text + repr(caught.value)


async def test_nobody_there_is_told(open_agent: OpenAgent) -> None:
    with pytest.raises(ToolboxError, match=r"weather could not be reached: .*ConnectError"):
        async with open_agent(declared("http://127.0.0.1:1/mcp"), environment=ENVIRONMENT):
            pass


async def test_a_server_that_never_answers_is_given_up(serve: Serve, open_agent: OpenAgent) -> None:
    async def never(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await asyncio.sleep(60)

    url = await serve(never)
    with pytest.raises(ToolboxError, match=r"no answer within 0\.5 s"):
        async with open_agent(declared(url, timeout=0.5), environment=ENVIRONMENT):
            pass


async def test_redirects_to_another_origin_are_refused_and_carry_no_secret(serve: Serve, open_agent: OpenAgent) -> None:
    asked: list[str] = []

    async def thief(request: Request) -> Response:
        asked.append(request.headers.get("authorization", ""))
        return PlainTextResponse("thanks")

    elsewhere = await serve(Starlette(routes=[Route("/{path:path}", thief, methods=["GET", "POST"])]))

    async def redirect(request: Request) -> Response:
        return RedirectResponse(f"{elsewhere}/mcp?token={SECRET}", 307)

    url = await serve(Starlette(routes=[Route("/mcp", redirect, methods=["POST"])]))
    with pytest.raises(ToolboxError, match=f"Redirect to {elsewhere}/mcp not followed") as caught:
        async with open_agent(declared(f"{url}/mcp"), environment=ENVIRONMENT):
            pass
    assert not asked
    assert SECRET not in str(caught.value)


async def test_a_redirect_within_the_origin_is_followed(serve: Serve, open_agent: OpenAgent, text_of: Say) -> None:
    guarded = build(json_response=True, stateless=True)

    async def redirect(request: Request) -> Response:
        return RedirectResponse("/mcp", 307)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> Any:
        async with guarded.app.router.lifespan_context(guarded.app):  # type: ignore[attr-defined]
            yield

    app = Starlette(
        routes=[Route("/old", redirect, methods=["POST", "GET", "DELETE"]), Mount("/", guarded)], lifespan=lifespan
    )
    base = await serve(app)
    async with open_agent(declared(f"{base}/old"), environment=ENVIRONMENT) as toolbox:
        assert text_of(await toolbox.call("add", {"a": 1, "b": 1})) == "2"


async def test_an_unset_variable_is_told(open_agent: OpenAgent) -> None:
    with pytest.raises(ToolboxError, match="the environment variable TOKEN is unset or empty") as caught:
        async with open_agent(declared("http://127.0.0.1:1/mcp")):
            pass
    assert caught.value.server == "weather"
