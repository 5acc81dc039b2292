"""The built-in REST tool: an MCP server in this process with one tool, which calls the API that the agent declared."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import httpx2
import mcp_types as types
from mcp.server import Server
from mcp.server.context import ServerRequestContext

from workbench.definition.agent import HttpServer
from workbench.jsontypes import JsonObject
from workbench.tools.failures import explain
from workbench.tools.host_http import Resolved
from workbench.tools.http_answer import RestAnswer, read
from workbench.tools.http_policy import Confinement, RefusedError
from workbench.tools.http_request import RestRequest, description, input_schema, plan
from workbench.tools.text import one_line

MAX_REDIRECTS = 5
"""Redirects that are followed for one call."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class RestApi:
    """One declared REST API. The client carries the headers of the agent's definition; nothing here shows them."""

    def __init__(self, server: HttpServer, resolved: Resolved, client: httpx2.AsyncClient) -> None:
        self._methods = tuple(method.upper() for method in server.methods)
        self._timeout = server.timeout
        self._resolved = resolved
        self._client = client
        self._confinement = Confinement(
            resolved.url.copy_with(fragment=None), frozenset(name.lower() for name in resolved.headers)
        )

    async def __aenter__(self) -> RestApi:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._client.aclose()

    async def call(self, arguments: JsonObject) -> RestAnswer:
        """Send the request that `arguments` ask for. Whatever goes wrong is an answer that says so."""
        try:
            async with asyncio.timeout(self._timeout):
                return await self._send(plan(arguments, self._methods, self._confinement))
        except RefusedError as error:
            return self._failed(str(error))
        except TimeoutError:
            return self._failed(f"no complete answer within {self._timeout:g} s; the request was given up")
        except (httpx2.HTTPError, httpx2.StreamError, httpx2.InvalidURL, OSError, ValueError) as error:
            return self._failed(f"the request failed: {explain(error)}")

    async def _send(self, request: RestRequest) -> RestAnswer:
        steps: list[str] = []
        while True:
            response = await self._client.send(
                self._client.build_request(
                    request.method, request.url, headers=dict(request.headers), content=request.body
                ),
                stream=True,
                follow_redirects=False,
            )
            async with aclosing(response):
                location = response.headers.get("location")
                if response.status_code not in _REDIRECTS or location is None:
                    return await read(response, steps)
                url = self._confinement.redirect(request.url, location)
            if len(steps) == MAX_REDIRECTS:
                raise RefusedError(f"the server redirected more than {MAX_REDIRECTS} times")
            request = request.redirected(response.status_code, url)
            if request.method not in self._methods:
                raise RefusedError(f"the server redirects to a {request.method} request, which is not allowed")
            steps.append(url.raw_path.decode("ascii").partition("?")[0])

    def _failed(self, reason: str) -> RestAnswer:
        return RestAnswer(one_line(self._resolved.conceal(reason), 1000), is_error=True)


def rest_server(server: HttpServer, api: RestApi) -> Server[object]:
    """The MCP server of a declared REST API; its one tool has the server's name."""
    methods = [method.upper() for method in server.methods]
    tool = types.Tool(name=server.name, description=description(server), input_schema=dict(input_schema(methods)))

    async def list_tools(
        _context: ServerRequestContext[object], _params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[tool])

    async def call_tool(
        _context: ServerRequestContext[object], params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        answer = await api.call(params.arguments or {})
        return types.CallToolResult(
            content=[types.TextContent(text=answer.text)],
            is_error=answer.is_error,
            _meta={"workbench/truncated": answer.truncated},
        )

    @asynccontextmanager
    async def lifespan(_server: Server[object]) -> AsyncIterator[object]:
        async with api:
            yield None

    return Server(server.name, lifespan=lifespan, on_list_tools=list_tools, on_call_tool=call_tool)
