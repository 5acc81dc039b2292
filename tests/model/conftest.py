"""What tests of models share: requests, servers that answer from memory, and scripts written on the spot."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from workbench.cost.usage import Usage
from workbench.definition.agent import Effort, ModelSettings, Thinking
from workbench.model.connect import connect
from workbench.model.conversation import Delta, Model, ModelError, Reply, Request, Retry
from workbench.model.offline import AT_ONCE, open_offline
from workbench.model.offline_loader import load_offline
from workbench.model.offline_script import OfflineScript

SECRET = "sk-ant-test-0123456789abcdef"
ENDPOINT = "http://endpoint.test:1234"


SIGNATURE = "EqQBCkYIAxgCKkAf+/="
RICH_REPLY: list[dict[str, Any]] = [
    {
        "type": "message_start",
        "message": {
            "id": "msg_7",
            "model": "claude-haiku-4-5-20251001",
            "content": [],
            "usage": {
                "input_tokens": 10,
                "output_tokens": 1,
                "cache_creation_input_tokens": 30,
                "cache_creation": {"ephemeral_5m_input_tokens": 30, "ephemeral_1h_input_tokens": 0},
                "cache_read_input_tokens": 20,
            },
        },
    },
    {"type": "ping"},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": "", "signature": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "Größe? "}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "Ja 😀"}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": SIGNATURE}},
    {"type": "content_block_stop", "index": 0},
    {"type": "content_block_start", "index": 1, "content_block": {"type": "redacted_thinking", "data": "Emw="}},
    {"type": "content_block_stop", "index": 1},
    {"type": "content_block_start", "index": 2, "content_block": {"type": "text", "text": "", "citations": None}},
    {"type": "content_block_delta", "index": 2, "delta": {"type": "text_delta", "text": "I look.\r\n\u2028"}},
    {"type": "content_block_stop", "index": 2},
    {
        "type": "content_block_start",
        "index": 3,
        "content_block": {"type": "tool_use", "id": "toolu_1", "name": "read", "input": {}, "caller": None},
    },
    {"type": "content_block_delta", "index": 3, "delta": {"type": "input_json_delta", "partial_json": ""}},
    {"type": "content_block_delta", "index": 3, "delta": {"type": "input_json_delta", "partial_json": '{"path": "ä'}},
    {"type": "content_block_delta", "index": 3, "delta": {"type": "input_json_delta", "partial_json": '.txt"}'}},
    {"type": "content_block_stop", "index": 3},
    {
        "type": "message_delta",
        "delta": {"stop_reason": "tool_use", "stop_sequence": None, "stop_details": None},
        "usage": {"output_tokens": 50, "input_tokens": 11, "output_tokens_details": {"thinking_tokens": 9}},
    },
    {"type": "message_stop"},
]
RICH_CONTENT: list[dict[str, Any]] = [
    {"type": "thinking", "thinking": "Größe? Ja 😀", "signature": SIGNATURE},
    {"type": "redacted_thinking", "data": "Emw="},
    {"type": "text", "text": "I look.\r\n\u2028"},
    {"type": "tool_use", "id": "toolu_1", "name": "read", "input": {"path": "ä.txt"}},
]
RICH_USAGE = Usage(11, 50, 20, 30, 0, 9, 0)


@dataclass
class Asked:
    """What came of asking a model once."""

    reply: Reply | None = None
    error: ModelError | None = None
    deltas: list[Delta] = field(default_factory=list)
    retries: list[Retry] = field(default_factory=list)

    @property
    def answer(self) -> Reply:
        assert self.reply is not None, self.error
        return self.reply

    @property
    def failure(self) -> ModelError:
        assert self.error is not None, self.reply
        return self.error

    @property
    def text(self) -> str:
        return "".join(str(block.get("text", "")) for block in self.answer.content if block["type"] == "text")

    def streamed(self, kind: str) -> str:
        """What was streamed of a kind since the last reset."""
        kept: list[Delta] = []
        for delta in self.deltas:
            kept = [] if delta.kind == "reset" else [*kept, delta]
        return "".join(delta.text for delta in kept if delta.kind == kind)


async def ask_once(model: Model, request: Request) -> Asked:
    asked = Asked()
    try:
        asked.reply = await model.respond(request, asked.deltas.append, asked.retries.append)
    except ModelError as error:
        asked.error = error
    return asked


def tool(name: str) -> dict[str, Any]:
    return {"name": name, "description": f"The tool {name}.", "input_schema": {"type": "object"}}


def build_request(
    content: str | Sequence[Mapping[str, Any]] = "hello",
    *,
    model: str = "claude-haiku-4-5",
    system: str = "",
    tools: Sequence[str] = (),
    max_tokens: int = 1000,
    thinking: Thinking | None = None,
    effort: Effort | None = None,
) -> Request:
    """A request; `content` is the input, or all messages."""
    messages: list[Any] = []
    if isinstance(content, str):
        messages.append({"role": "user", "content": [{"type": "text", "text": content}]})
    else:
        messages.extend(content)
    return Request(
        settings=ModelSettings(model, effort=effort, thinking=thinking or Thinking()),
        max_tokens=max_tokens,
        system=[{"type": "text", "text": system}] if system else [],
        messages=messages,
        tools=[tool(name) for name in tools],
    )


def went_on(request: Request, reply: Reply, *results: str | Mapping[str, Any]) -> Request:
    """The next request of a run: the reply, and a result for each of its calls."""
    calls = [block for block in reply.content if block["type"] == "tool_use"]
    blocks = []
    for call, result in zip(calls, results, strict=True):
        given = {"content": [{"type": "text", "text": result}]} if isinstance(result, str) else result
        blocks.append({"type": "tool_result", "tool_use_id": call["id"], **given})
    messages: list[Any] = [*request.messages, {"role": "assistant", "content": list(reply.content)}]
    if blocks:
        messages.append({"role": "user", "content": blocks})
    return Request(request.settings, request.max_tokens, request.system, messages, request.tools)


def encode(*events: Mapping[str, Any]) -> bytes:
    """Events as a server sends them."""
    return b"".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events)


def text_reply(text: str = "hi", **message: Any) -> list[dict[str, Any]]:
    """The events of a plain reply."""
    start = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-haiku-4-5", "content": []}
    return [
        {"type": "message_start", "message": {**start, "usage": {"input_tokens": 3, "output_tokens": 1}, **message}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 5}},
        {"type": "message_stop"},
    ]


def stream_of(*chunks: bytes | Exception, headers: Mapping[str, str] | None = None) -> httpx2.Response:
    """A response that streams chunks, and breaks where one is an exception."""
    head = {"content-type": "text/event-stream", "request-id": "req_1", **(headers or {})}
    return httpx2.Response(200, headers=head, stream=Chunks(chunks))


class Chunks(httpx2.AsyncByteStream):
    """Bytes of a response; knows whether it was closed."""

    def __init__(self, chunks: Sequence[bytes | Exception]) -> None:
        self._chunks = chunks
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            if isinstance(chunk, Exception):
                raise chunk
            yield chunk

    async def aclose(self) -> None:
        self.closed = True


Handler = Callable[[httpx2.Request], httpx2.Response]


@dataclass
class Server:
    """A server in memory: what it was asked, and the model that asks it."""

    model: Model
    requests: list[httpx2.Request]

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(request.content) for request in self.requests]


def serve(*answers: httpx2.Response | Handler | Exception, api: bool = False, max_retries: int = 2) -> Server:
    """A server that gives these answers one after the other, and its model."""
    requests: list[httpx2.Request] = []

    def handle(request: httpx2.Request) -> httpx2.Response:
        requests.append(request)
        answer = answers[min(len(requests), len(answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx2.Response) else answer(request)

    environment = {"ANTHROPIC_API_KEY": SECRET, **({} if api else {"ANTHROPIC_BASE_URL": ENDPOINT})}
    model = connect(environment, transport=httpx2.MockTransport(handle), max_retries=max_retries)
    return Server(model, requests)


def failed(status: int, message: str = "no", kind: str = "api_error", **headers: str) -> httpx2.Response:
    """An error of the API."""
    head = {"request-id": "req_9", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return httpx2.Response(status, headers=head, json={"type": "error", "error": {"type": kind, "message": message}})


@dataclass
class Kit:
    """All of the above, for tests: `kit.serve`, `kit.ask` …"""

    folder: Path
    secret: str = SECRET
    endpoint: str = ENDPOINT
    reply: Sequence[Mapping[str, Any]] = tuple(RICH_REPLY)
    content: Sequence[Mapping[str, Any]] = tuple(RICH_CONTENT)
    usage: Usage = RICH_USAGE
    ask = staticmethod(ask_once)
    request = staticmethod(build_request)
    went_on = staticmethod(went_on)
    encode = staticmethod(encode)
    text_reply = staticmethod(text_reply)
    stream = staticmethod(stream_of)
    serve = staticmethod(serve)
    failed = staticmethod(failed)
    tool = staticmethod(tool)

    def script(self, text: str) -> OfflineScript:
        """The script of an offline.yaml with this text after its version."""
        (self.folder / "offline.yaml").write_text(f"version: 1\n{text}", encoding="utf-8")
        return load_offline(self.folder)

    def offline(self, text: str, **options: Any) -> Model:
        """A model that answers from such a script, at once."""
        return open_offline(self.script(text), pace=options.pop("pace", AT_ONCE), **options)


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    return Kit(tmp_path)
