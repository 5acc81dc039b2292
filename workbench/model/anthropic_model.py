"""Asks a model over the Messages API: the vendor's, a compatible endpoint's, or the offline script's.

A request goes out through the SDK's client (credentials, HTTP, retries, the parsing of the event stream) with the
whole history in it; nothing is held by the server. The stream is read as plain JSON, through the call that
`messages.create(stream=True)` makes: the accumulator of `messages.stream()` fails on streams of compatible servers that
leave out usage or the start of a block, and what goes through its models does not come back out of them byte for byte.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import anthropic
import httpx2

from workbench.jsontypes import JsonObject, JsonValue
from workbench.model import failures
from workbench.model.assembly import Assembled, Assembly
from workbench.model.block_assembly import BrokenStreamError
from workbench.model.cache_breakpoints import with_breakpoints
from workbench.model.conversation import Delta, ModelError, Reply, Request, Retry
from workbench.model.failures import CALLER_AT_FAULT, Destination
from workbench.model.parameters import parameters
from workbench.model.reading import as_object, as_text
from workbench.model.retries import Attempts
from workbench.trace.digest import digest
from workbench.trace.events import ModelSource

_LINGER = 1.0
"""Seconds that a server may take to end the stream after the reply's last event, so that its connection is kept."""

_PAUSE_AFTER_ERROR = 1.0
"""Seconds until a reply that an error ended is asked for again; one that was merely cut is asked for at once."""

_BREAKS = (BrokenStreamError, httpx2.HTTPError, anthropic.APIStatusError, json.JSONDecodeError, UnicodeDecodeError)
"""What can go wrong while a stream is read."""


class AnthropicModel:
    """A model behind the Messages API.

    Args:
        client: The SDK's client; closed with the model.
        destination: Who is asked, for `source`, `endpoint` and the words of errors.
        send_credentials: False where there are none to send, which the SDK would refuse.
        clock: Seconds of a clock that never goes back.
        sleep: Waits for seconds.
    """

    def __init__(
        self,
        client: anthropic.AsyncAnthropic,
        destination: Destination,
        *,
        send_credentials: bool = True,
        clock: Callable[[], float] = time.perf_counter,
        sleep: Callable[[float], Any] = asyncio.sleep,
    ) -> None:
        self._client = client
        self._destination = destination
        self._headers = {} if send_credentials else {"Authorization": anthropic.omit}
        self._clock = clock
        self._sleep = sleep
        self._takes_breakpoints = True

    @property
    def source(self) -> ModelSource:
        """Who answers."""
        return self._destination.source

    @property
    def endpoint(self) -> str | None:
        """The base URL where it is not the vendor's, without credentials."""
        return self._destination.endpoint

    def parameters(self, request: Request) -> JsonObject:
        """All that would be sent besides system, messages, tools and model.

        Raises:
            ModelError: of kind `unsupported_setting`, the model does not accept a setting.
        """
        return parameters(request.settings, request.max_tokens)

    async def respond(
        self, request: Request, on_delta: Callable[[Delta], None], on_retry: Callable[[Retry], None]
    ) -> Reply:
        """Ask for one reply, as `Model` says.

        The SDK repeats what fails before the reply begins. A reply that breaks off is asked for once more, after
        `Delta("reset")`. An endpoint that does not take breakpoints of the prompt cache is asked again without them,
        and never sent any more. `duration` and `time_to_first_token` are those of the attempt that gave the reply.

        Raises:
            ModelError: no reply was to be had, after all retries.
        """
        attempts = Attempts(self._client.max_retries, self._clock, on_retry)
        body = self._body(request)
        marked = self._takes_breakpoints
        outcome = await self._attempt(body, attempts, on_delta)
        if marked and _refuses_breakpoints(outcome):
            self._takes_breakpoints = False
            attempts.again("the endpoint does not take cache_control; sent again without it", 0.0)
            outcome = await self._attempt(body, attempts, on_delta)
        if isinstance(outcome, _BrokenOff):
            await self._start_over(outcome, attempts, on_delta)
            outcome = await self._attempt(body, attempts, on_delta)
        if isinstance(outcome, _BrokenOff):
            raise failures.stream_failure(outcome.reason, self._destination, outcome.request_id, outcome.details)
        if isinstance(outcome, ModelError):
            raise outcome
        return outcome

    async def close(self) -> None:
        """Give back connections."""
        await self._client.close()

    def _body(self, request: Request) -> JsonObject:
        """The request as it is sent, but for breakpoints; nothing in it is absent-but-named."""
        body: dict[str, JsonValue] = {"model": request.settings.id, **self.parameters(request)}
        if request.system:
            body["system"] = request.system
        body["messages"] = request.messages
        if request.tools:
            body["tools"] = request.tools
        return {**body, "stream": True}

    async def _attempt(
        self, body: JsonObject, attempts: Attempts, on_delta: Callable[[Delta], None]
    ) -> Reply | _BrokenOff | ModelError:
        """One reply, or why there is none. Failures are values here, so that no secret hangs on as an error's cause."""
        model = as_text(body["model"])
        try:
            return await self._stream(body, attempts, on_delta)
        except anthropic.APIStatusError as error:
            return failures.status_failure(error, self._destination, model, attempts.sent)
        except anthropic.APIConnectionError as error:
            return failures.connection_failure(error, self._destination, attempts.sent)
        except anthropic.AnthropicError as error:
            return failures.bad_credentials(str(error), self._destination)

    async def _stream(
        self, body: JsonObject, attempts: Attempts, on_delta: Callable[[Delta], None]
    ) -> Reply | _BrokenOff | ModelError:
        sent = with_breakpoints(body) if self._takes_breakpoints else body
        stream = await self._client.with_middleware(attempts.watch).post(
            "/v1/messages",
            content=_encoded(sent),
            cast_to=object,
            options={"headers": self._headers},
            stream=True,
            stream_cls=anthropic.AsyncStream[object],
        )
        assembly = Assembly(self._clock, on_delta)
        async with stream:
            try:
                await _read(stream, assembly)
                assembled = assembly.finish(lambda at: f"toolu_{digest([body['messages'], at])[:20]}")
            except _BREAKS as error:
                return self._broken_off(error, stream.response)
        return self._reply(assembled, body, attempts, stream.response)

    def _reply(self, assembled: Assembled, body: JsonObject, attempts: Attempts, response: httpx2.Response) -> Reply:
        first = assembled.first_content
        return Reply(
            model=assembled.model or as_text(body["model"]),
            content=assembled.content,
            stop_reason=assembled.stop_reason,
            usage=assembled.usage,
            duration=self._clock() - attempts.began,
            time_to_first_token=None if first is None else first - attempts.began,
            thinking_duration=assembled.thinking_duration,
            stop_details=assembled.stop_details,
            request_id=response.headers.get("request-id"),
            message_id=assembled.message_id,
        )

    def _broken_off(self, error: Exception, response: httpx2.Response) -> _BrokenOff | ModelError:
        """What became of a stream that could not be read to its end."""
        request_id = response.headers.get("request-id")
        if isinstance(error, anthropic.APIStatusError):
            return self._ended_by_error(error, request_id)
        if isinstance(error, BrokenStreamError):
            kind = response.headers.get("content-type", "")
            what = "" if kind.startswith("text/event-stream") else f" (its content type is {kind or 'missing'})"
            return _BrokenOff(f"{error}{what}", request_id, error.details)
        if isinstance(error, httpx2.HTTPError):
            lost = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            return _BrokenOff(f"the connection was lost ({lost})", request_id)
        return _BrokenOff("an event is not JSON", request_id)

    def _ended_by_error(self, error: anthropic.APIStatusError, request_id: str | None) -> _BrokenOff | ModelError:
        """What an `error` event inside the stream means."""
        body = cast("JsonValue", error.body)
        said = as_object(as_object(body).get("error"))
        if as_text(said.get("type")) in CALLER_AT_FAULT:
            return failures.event_failure(said, self._destination, request_id)
        reason = ": ".join(part for name in ("type", "message") if (part := as_text(said.get(name))))
        return _BrokenOff(reason or "an error without details", request_id, said or body, _PAUSE_AFTER_ERROR)

    async def _start_over(self, broken: _BrokenOff, attempts: Attempts, on_delta: Callable[[Delta], None]) -> None:
        on_delta(Delta("reset"))
        attempts.again(f"the reply broke off: {self._destination.scrubbed(broken.reason)}", broken.pause)
        if broken.pause:
            await self._sleep(broken.pause)


@dataclass(frozen=True, slots=True)
class _BrokenOff:
    """A reply that broke off; asking again may help, after `pause` seconds."""

    reason: str
    request_id: str | None
    details: JsonValue = None
    pause: float = 0.0


def _refuses_breakpoints(outcome: Reply | _BrokenOff | ModelError) -> bool:
    return isinstance(outcome, ModelError) and outcome.status in (400, 422) and "cache_control" in str(outcome)


def _encoded(body: JsonObject) -> bytes:
    """The body as JSON. The SDK would first copy it value by value, which a long history makes slow."""
    text = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain)
    return text.encode("utf-8", "replace")


def _plain(value: object) -> object:
    """A mapping or sequence as JSON knows it."""
    return dict(value) if isinstance(value, Mapping) else list(cast("Sequence[object]", value))


async def _read(stream: anthropic.AsyncStream[object], assembly: Assembly) -> None:
    """Feed the stream to the assembly until it ends, or lingers after the reply's last event."""
    while not assembly.stopped:
        try:
            event = await anext(stream)
        except StopAsyncIteration:
            return
        assembly.take(event)
    try:
        async with asyncio.timeout(_LINGER):
            async for late in stream:
                assembly.take(late)
    except TimeoutError:
        return
