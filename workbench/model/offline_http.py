"""The REST APIs of an agent, answered from its offline script: what its `http` servers get to see without a network.

Answers are looked up by method, path, query and body. Bodies that a route remembers are merged (as in RFC 7396) into
the answers that recall them, so that what an agent changes it finds changed; each transport starts with nothing
remembered.
"""

from __future__ import annotations

import json
import mimetypes
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import httpx2

from workbench.jsontypes import JsonObject, JsonValue
from workbench.model.offline_matching import text_mismatch
from workbench.model.offline_paths import JsonPath, MissingValueError, equal, parse_path, shown, walk
from workbench.model.offline_schema import RoutePart
from workbench.model.offline_script import FILE_NAME, OfflineScript, Route
from workbench.model.offline_templates import render, render_text

_UNSAFE = re.compile(r"[/\\\x00]|^\.{1,2}$")
_MAX_FILE = 16 << 20


def offline_http_transport(script: OfflineScript, server_name: str) -> httpx2.AsyncBaseTransport | None:
    """What answers for the agent's http server of that name; None if the script does not answer for it."""
    routes = script.routes.get(server_name)
    return None if routes is None else ScriptedApi(script.folder, server_name, routes)


def answered_servers(script: OfflineScript) -> frozenset[str]:
    """Names of the agent's http servers that the script answers for."""
    return frozenset(script.routes)


class ScriptedApi(httpx2.AsyncBaseTransport):
    """A REST API that answers from routes.

    Args:
        folder: The agent's folder, which files of answers lie in.
        server: The name of the http server, for messages.
        routes: The routes, tried in order.
    """

    def __init__(self, folder: Path, server: str, routes: Sequence[Route]) -> None:
        self._folder = folder
        self._server = server
        self._routes = routes
        self._remembered: dict[str, list[JsonValue]] = {}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer one request."""
        asked = _Asked.of(request.method, request.url, await request.aread())
        reasons: list[str] = []
        for route in self._routes:
            parameters = asked.why_not(route)
            if isinstance(parameters, str):
                reasons.append(f"{FILE_NAME}:{route.line} {route.part.request}: {parameters}")
                continue
            try:
                return self._answer(route, asked, parameters)
            except MissingValueError as error:
                return _explained(f"{FILE_NAME}:{route.line} {route.part.request}: {error}")
        tried = "; ".join(reasons)
        return _explained(
            f"{FILE_NAME} has no answer of {self._server} for {asked.method} {asked.path}. Tried: {tried}"
        )

    def _answer(self, route: Route, asked: _Asked, parameters: Mapping[str, str]) -> httpx2.Response:
        part = route.part
        if part.remember is not None:
            self._remembered.setdefault(_filled(part.remember, parameters), []).append(asked.json)
        body = self._body(part, asked.lookup_with(parameters), parameters)
        if body is None:
            return _json(404, {"error": "not found"})
        content, kind = body
        if part.recall is not None:
            content = self._recalled(content, _filled(part.recall, parameters))
        headers = {name.lower(): value for name, value in part.headers.items()}
        if kind:
            headers.setdefault("content-type", kind)
        return _streamed(part.status, headers, content)

    def _body(self, part: RoutePart, lookup: _Lookup, parameters: Mapping[str, str]) -> tuple[bytes, str] | None:
        """The body of an answer and its type; None if it is a file that is not there."""
        if part.file is not None:
            return self._file(part.file, parameters)
        if part.text is not None:
            return render_text(part.text, lookup).encode("utf-8", "replace"), "text/plain; charset=utf-8"
        if "json_body" in part.model_fields_set or part.recall is not None:
            return _dumped(render(part.json_body, lookup)), "application/json"
        return b"", ""

    def _file(self, pattern: str, parameters: Mapping[str, str]) -> tuple[bytes, str] | None:
        """A file's content and type; None if there is none, or if it would lie outside the agent's folder."""
        if any(_UNSAFE.search(parameters[name]) for name in parameters if f"{{{name}}}" in pattern):
            return None
        root = self._folder.resolve()
        path = (root / _filled(pattern, parameters)).resolve()
        try:
            if not path.is_relative_to(root) or not path.is_file() or path.stat().st_size > _MAX_FILE:
                return None
            return path.read_bytes(), mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        except (OSError, ValueError):
            return None

    def _recalled(self, content: bytes, name: str) -> bytes:
        """A JSON body with what is remembered under a name merged into it."""
        if name not in self._remembered:
            return content
        try:
            body: JsonValue = json.loads(content)
        except ValueError:
            raise MissingValueError("only a JSON answer can recall what was remembered") from None
        for change in self._remembered[name]:
            body = merged(body, change)
        return _dumped(body)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request to a REST API. `json` is None if its body is none."""

    method: str
    path: str
    query: Mapping[str, str]
    json: JsonValue

    @classmethod
    def of(cls, method: str, url: httpx2.URL, content: bytes) -> _Asked:
        try:
            body: JsonValue = json.loads(content) if content else None
        except (ValueError, RecursionError):
            body = None
        path = url.raw_path.decode("ascii").partition("?")[0]
        return cls(method.upper(), path, dict(url.params.multi_items()), body)

    def why_not(self, route: Route) -> str | dict[str, str]:
        """The parameters of the path, or why the route does not answer."""
        if route.method != self.method:
            return "the method is another"
        match = _path_pattern(route.path).fullmatch(self.path)
        if match is None:
            return "the path is another"
        for name, wanted in route.part.query.items():
            if mismatch := text_mismatch(wanted, self.query.get(name, ""), f"{name} of the query", {}):
                return mismatch
        for path, value in route.part.body.items():
            try:
                found = walk(self.json, parse_path(path), "the body")
            except MissingValueError as error:
                return str(error)
            if not equal(found, value):
                return f"{path} of the body is {shown(found)}, not {shown(value)}"
        return {name: unquote(text) for name, text in match.groupdict().items()}

    def lookup_with(self, parameters: Mapping[str, str]) -> _Lookup:
        """Gives the values that templates of an answer can name."""
        return _Lookup({"path": parameters, "query": self.query, "body": self.json})


@dataclass(frozen=True, slots=True)
class _Lookup:
    names: JsonObject

    def __call__(self, path: JsonPath) -> JsonValue:
        return walk(self.names, path, "the request")


def merged(base: JsonValue, change: JsonValue) -> JsonValue:
    """`base` with the changes of a JSON merge patch (RFC 7396)."""
    if not isinstance(change, Mapping):
        return change
    result = dict(base) if isinstance(base, Mapping) else {}
    for name, value in change.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


def _path_pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"\{([^{}]*)\}", path)
    pattern = "".join(f"(?P<{part}>[^/]+)" if at % 2 else re.escape(part) for at, part in enumerate(parts))
    return re.compile(pattern)


def _filled(text: str, parameters: Mapping[str, str]) -> str:
    return re.sub(r"\{([^{}]*)\}", lambda match: parameters[match[1]], text)


def _dumped(value: JsonValue) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")


def _json(status: int, body: JsonValue) -> httpx2.Response:
    return _streamed(status, {"content-type": "application/json"}, _dumped(body))


def _streamed(status: int, headers: Mapping[str, str], content: bytes) -> httpx2.Response:
    """A response that can still be read as it comes, as one from the network can."""
    sized = {**headers, "content-length": str(len(content))}
    return httpx2.Response(status, headers=sized, stream=httpx2.ByteStream(content))


def _explained(message: str) -> httpx2.Response:
    """The script is at fault: no status that an API would give, so that nobody takes it for the API's answer."""
    return _json(501, {"error": message})
