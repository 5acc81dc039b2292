"""The Messages API, in this process: a transport that answers the SDK from an offline script, over the wire format.

`POST /v1/messages` streams server-sent events (or gives one JSON message), `POST /v1/messages/count_tokens` estimates.
Requests are checked as the API does. What the script cannot answer is a 400 whose message tells what to mend.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable

import httpx2

from workbench.jsontypes import JsonObject, JsonValue
from workbench.model.failures import SCRIPT_FAULT
from workbench.model.offline_answer import Answer, Answers, Scripted
from workbench.model.offline_choice import ScriptFaultError
from workbench.model.offline_schema import ErrorPart, PacePart
from workbench.model.offline_script import OfflineScript
from workbench.model.offline_stream import ReplyStream, Sleep, hang, words
from workbench.model.request_checks import fault_in
from workbench.model.token_estimate import prompt_tokens, segments

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    413: "request_too_large",
    422: "invalid_request_error",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


_LONG = 100_000
"""Bytes of a request from which on it is answered in a thread: reading a long history would keep a screen waiting."""


class OfflineTransport(httpx2.AsyncBaseTransport):
    """Answers requests to the Messages API from a script.

    Args:
        script: The script.
        pace: How fast replies come, instead of what the script says.
        clock: Seconds of a clock that never goes back, for the prompt cache.
        sleep: Waits for seconds.
    """

    def __init__(
        self,
        script: OfflineScript,
        *,
        pace: PacePart | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._answers = Answers(script, clock)
        self._pace = pace
        self._sleep = sleep
        self._requests = 0
        self._one_at_a_time = asyncio.Lock()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer one request, as a server would."""
        self._requests += 1
        path = request.url.path
        answers = path.endswith(("/v1/messages", "/v1/messages/count_tokens"))
        if request.method != "POST" or not answers:
            return self._failed(404, f"the offline script has no {request.method} {path}")
        content = await request.aread()
        async with self._one_at_a_time:
            if len(content) < _LONG:
                found = self._found(path, content)
            else:
                found = await asyncio.to_thread(self._found, path, content)
        return found if isinstance(found, httpx2.Response) else await self._answered(request, *found)

    def _found(self, path: str, content: bytes) -> httpx2.Response | tuple[Answer, bool]:
        """What the script has for the body of a request, and whether it is to be streamed; or the finished response."""
        try:
            body: JsonValue = json.loads(content)
        except (ValueError, RecursionError):
            body = None
        if not isinstance(body, dict):
            return self._failed(400, "the body is not a JSON object")
        prompt = segments(body)
        if path.endswith("/count_tokens"):
            return self._json(200, {"input_tokens": prompt_tokens(prompt)})
        fault = fault_in(body, prompt_tokens(prompt))
        if fault is not None:
            return self._failed(400, fault)
        try:
            return self._answers.answer(body, prompt), bool(body.get("stream"))
        except ScriptFaultError as script_fault:
            return self._failed(400, str(script_fault), code=SCRIPT_FAULT)

    async def _answered(self, request: httpx2.Request, answer: Answer, streams: bool) -> httpx2.Response:
        pace = self._pace or answer.pace
        error = answer.error
        if error is not None and (error.status or error.unreachable or (error.hang and error.after is None)):
            return await self._error(request, error, pace)
        if answer.reply is not None and not streams:
            return self._whole(answer.reply)
        stream = ReplyStream(answer.reply, error, pace, self._sleep, _read_timeout(request))
        headers = {"content-type": "text/event-stream; charset=utf-8", **self._identity()}
        return httpx2.Response(200, headers=headers, stream=stream)

    async def _error(self, request: httpx2.Request, error: ErrorPart, pace: PacePart) -> httpx2.Response:
        """Something that goes wrong before any reply."""
        if error.unreachable:
            raise httpx2.ConnectError(error.message or "All connection attempts failed", request=request)
        if error.hang:
            await hang(_read_timeout(request))
        await self._sleep(pace.first_token)
        headers = {} if error.retry_after is None else {"retry-after": f"{error.retry_after:g}"}
        return self._failed(error.status or 500, words(error), kind=error.type, headers=headers)

    def _whole(self, reply: Scripted) -> httpx2.Response:
        """The reply as one JSON message, for a request that does not stream."""
        content = [piece.block for piece in reply.pieces]
        delta, usage = reply.ending["delta"], reply.ending["usage"]
        assert isinstance(delta, dict)  # noqa: S101 - made by ourselves; tells the type checker
        return self._json(200, {**reply.message, "content": content, **delta, "usage": usage})

    def _failed(
        self,
        status: int,
        message: str,
        *,
        kind: str | None = None,
        code: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx2.Response:
        error: dict[str, JsonValue] = {"type": kind or _TYPES.get(status, "api_error"), "message": message}
        if code is not None:
            error["details"] = {"error_code": code}
        return self._json(status, {"type": "error", "error": error}, headers or {})

    def _json(self, status: int, body: JsonObject, headers: dict[str, str] | None = None) -> httpx2.Response:
        content = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
        kind = {"content-type": "application/json"}
        return httpx2.Response(status, headers={**kind, **self._identity(), **(headers or {})}, content=content)

    def _identity(self) -> dict[str, str]:
        return {"request-id": f"req_offline_{self._requests:06d}"}


def _read_timeout(request: httpx2.Request) -> float | None:
    """Seconds of silence that the client bears."""
    timeout = request.extensions.get("timeout")
    seconds = timeout.get("read") if isinstance(timeout, dict) else None
    return seconds if isinstance(seconds, int | float) else None
