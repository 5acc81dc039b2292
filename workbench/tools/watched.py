"""A transport that says when its server is gone, and reads what the protocol's strict parser refuses."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING

from anyio import EndOfStream
from mcp.shared.message import SessionMessage
from mcp_types import ErrorData, JSONRPCError, JSONRPCRequest, JSONRPCResponse
from pydantic import ValidationError

from workbench.tools.schemas import lenient_listing
from workbench.tools.text import clean_json, head

if TYPE_CHECKING:
    from mcp.client._transport import ReadStream, Transport, TransportStreams

QUESTIONS = 100
"""What a server may ask at once. Each answer waits in memory until the server reads it, and some never do."""
QUESTIONS_PER_SECOND = 1.0
"""What a server may ask in the long run."""

_SHOWN = 200


class WatchedTransport:
    """`transport` with an eye on what comes in.

    `on_end` is called when the server sends no more, or is read no more because it asks too much, with the reason if
    there is one to tell. `on_stray` gets, as text, what is no message of the protocol, such as a banner that a server
    prints to stdout, and what the transport itself reports.
    """

    def __init__(self, transport: Transport, on_end: Callable[[str], None], on_stray: Callable[[str], None]) -> None:
        self._transport = transport
        self._on_end = on_end
        self._on_stray = on_stray

    async def __aenter__(self) -> TransportStreams:
        reader, writer = await self._transport.__aenter__()
        return _WatchedReader(reader, self._on_end, self._on_stray), writer

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return await self._transport.__aexit__(kind, error, trace)


class _WatchedReader:
    def __init__(
        self,
        reader: ReadStream[SessionMessage | Exception],
        on_end: Callable[[str], None],
        on_stray: Callable[[str], None],
    ) -> None:
        self._reader = reader
        self._on_end = on_end
        self._on_stray = on_stray
        self._questions = float(QUESTIONS)
        self._last = time.monotonic()

    async def receive(self) -> SessionMessage | Exception:
        try:
            return await self.__anext__()
        except StopAsyncIteration:
            raise EndOfStream from None

    def __aiter__(self) -> _WatchedReader:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        while True:
            try:
                item = await self._reader.__anext__()
            except Exception:  # the end of the stream is one, cancelling the reader is none
                self._on_end("")
                raise
            if isinstance(item, SessionMessage):
                if isinstance(item.message, JSONRPCRequest) and not self._may_ask():
                    self._on_end(f"it asks more than {QUESTIONS} things at once; it was stopped")
                    raise StopAsyncIteration
                return _lenient(item)
            mended = _reread(item)
            if mended is not None:
                return mended
            self._on_stray(_describe(item))

    def _may_ask(self) -> bool:
        now = time.monotonic()
        self._questions = min(float(QUESTIONS), self._questions + (now - self._last) * QUESTIONS_PER_SECOND)
        self._last = now
        self._questions -= 1
        return self._questions >= 0

    async def aclose(self) -> None:
        await self._reader.aclose()

    async def __aenter__(self) -> _WatchedReader:
        await self._reader.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return await self._reader.__aexit__(kind, error, trace)


def _lenient(item: SessionMessage) -> SessionMessage:
    message = item.message
    if isinstance(message, JSONRPCResponse) and "tools" in message.result:
        message.result = lenient_listing(message.result)
    return item


def _reread(error: Exception) -> SessionMessage | None:
    """The answer that the strict parser refused for a lone surrogate or a huge number in it, if it is one."""
    line = _refused(error)
    if line is None:
        return None
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or not isinstance(found.get("id"), int | str):
        return None
    if isinstance(found.get("result"), dict):
        result = clean_json(found["result"])
        return _lenient(SessionMessage(JSONRPCResponse(jsonrpc="2.0", id=found["id"], result=dict(result))))  # type: ignore[arg-type]  # a dict stays one
    if "error" in found:
        said = json.dumps(clean_json(found["error"]), ensure_ascii=False)
        refusal = ErrorData(code=0, message=head(said, 10_000))
        return SessionMessage(JSONRPCError(jsonrpc="2.0", id=found["id"], error=refusal))
    return None


def _refused(error: Exception) -> str | bytes | None:
    if not isinstance(error, ValidationError):
        return None
    given = error.errors(include_url=False)[0]["input"]
    return given if isinstance(given, str | bytes) else None


def _describe(error: Exception) -> str:
    line = _refused(error)
    if line is None:
        return str(error) or type(error).__name__
    text = line.decode("utf-8", "replace") if isinstance(line, bytes) else line
    return text[:_SHOWN]
