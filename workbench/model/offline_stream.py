"""A scripted reply on its way: as fast as the script says, and broken off where it says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import httpx2

from workbench.jsontypes import JsonObject
from workbench.model.offline_answer import Scripted
from workbench.model.offline_schema import ErrorPart, PacePart
from workbench.model.sse import ServerEvent, clipped, error_event, reply_events

_DELTAS_PER_SECOND = 25
_CHARACTERS_PER_TOKEN = 4
_MOST_IN_A_DELTA = 400
_CUT = "peer closed connection without sending complete message body (incomplete chunked read)"

Sleep = Callable[[float], Awaitable[Any]]
"""Waits for seconds."""


class ReplyStream(httpx2.AsyncByteStream):
    """The bytes of a reply.

    Args:
        reply: The reply; None for a stream in which only an error happens.
        error: What breaks it off, if anything does: after so many characters of its content, or halfway.
        pace: How fast it comes.
        sleep: Waits for seconds.
        silence: Seconds of silence that the client bears, None for any.
    """

    def __init__(
        self, reply: Scripted | None, error: ErrorPart | None, pace: PacePart, sleep: Sleep, silence: float | None
    ) -> None:
        self._error = error
        self._pace = pace
        self._sleep = sleep
        self._silence = silence
        chunk = _chunk(pace.tokens_per_second)
        self._events = list(_events(reply, chunk)) if reply else []
        self._characters = sum(event.characters for event in self._events)
        self._tokens = reply.tokens if reply else 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The events, each as its bytes."""
        if self._pace.first_token:
            await self._sleep(self._pace.first_token)
        left = self._until_error()
        for event in self._events:
            if left is not None and (event.characters > left or event.data["type"] == "message_delta"):
                if event.characters and left:
                    yield clipped(event, left).encoded()
                break
            if left is not None:
                left -= event.characters
            if event.characters and self._pace.tokens_per_second:
                share = event.characters / self._characters
                await self._sleep(self._tokens * share / self._pace.tokens_per_second)
            yield event.encoded()
        if self._error is not None:
            async for last in self._broken_off(self._error):
                yield last

    def _until_error(self) -> int | None:
        """Characters of the content that come before the error, None if there is none."""
        if self._error is None:
            return None
        return self._characters // 2 if self._error.after is None else self._error.after

    async def _broken_off(self, error: ErrorPart) -> AsyncIterator[bytes]:
        if error.hang:
            await hang(self._silence)
        if error.cut:
            raise httpx2.RemoteProtocolError(
                error.message
                or "peer closed connection without sending complete message body (incomplete chunked read)"
            )
        yield error_event(error.stream or "api_error", words(error)).encoded()


async def hang(silence: float | None) -> None:
    """Send nothing until the client gives up after `silence` seconds, or for ever.

    Raises:
        httpx2.ReadTimeout: the client gave up.
    """
    try:
        async with asyncio.timeout(silence):
            await asyncio.Event().wait()
    except TimeoutError:
        raise httpx2.ReadTimeout("no bytes came") from None


def words(error: ErrorPart) -> str:
    """What an error says: the script's words, or the vendor's usual ones."""
    return error.message or _WORDS.get(error.status or error.stream or "", "Internal server error")


_WORDS: dict[int | str, str] = {
    400: "the request is not valid",
    401: "invalid x-api-key",
    402: "Your credit balance is too low.",
    403: "Your key has no permission for this.",
    404: "not found",
    413: "Request exceeds the maximum size",
    429: "This request would exceed your organization's rate limit.",
    529: "Overloaded",
    "overloaded_error": "Overloaded",
}


def _events(reply: Scripted, chunk: int) -> Iterator[ServerEvent]:
    ending: JsonObject = reply.ending
    return reply_events(reply.message, reply.pieces, ending, chunk)


def _chunk(tokens_per_second: float) -> int:
    """Characters in a delta, so that some 25 come a second."""
    if not tokens_per_second:
        return _MOST_IN_A_DELTA
    wanted = int(tokens_per_second * _CHARACTERS_PER_TOKEN / _DELTAS_PER_SECOND)
    return min(max(wanted, _CHARACTERS_PER_TOKEN), _MOST_IN_A_DELTA)
