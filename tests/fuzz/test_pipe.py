"""Whatever comes over the pipe from the sandbox: frames, and the messages of MCP servers in them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from hypothesis import strategies as st
from mcp.shared.message import SessionMessage

from tests.fuzz.time_box import fuzz, spoilt
from workbench.sandbox.guest.frames import CREDIT, DATA, EOF, EXIT, OPEN, RESET, STDERR, FrameError, encode
from workbench.sandbox.guest.multiplexer import Multiplexer
from workbench.sandbox.mcp_transport import _parse
from workbench.tools.watched import _describe, _lenient, _reread

CONVERSATIONS = (
    encode(2, OPEN, b'{"kind": "connect"}') + encode(2, DATA, b"GET / HTTP/1.1\r\n\r\n") + encode(2, EOF),
    encode(0, DATA, b'{"id": 1}')
    + encode(1, DATA, b"x" * 200)
    + encode(1, CREDIT, b"\0\0\0\1")
    + encode(1, STDERR, b"e"),
    encode(1, EXIT, b'{"code": 0}') + encode(2, OPEN, b"{}") + encode(2, RESET, b"why") + encode(4, OPEN, b"{}"),
)
MESSAGES = tuple(
    json.dumps(message).encode()
    for message in (
        {"jsonrpc": "2.0", "id": 1, "result": {"content": [{"type": "text", "text": "x"}], "isError": False}},
        {
            "jsonrpc": "2.0",
            "id": "a",
            "result": {"tools": [{"name": "t", "inputSchema": {"type": "object"}}], "nextCursor": "2"},
        },
        {"jsonrpc": "2.0", "id": 1, "error": {"code": -1, "message": "m", "data": {"a": [1]}}},
        {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "error", "data": "x"}},
        {"jsonrpc": "2.0", "id": 7, "method": "sampling/createMessage", "params": {"messages": [], "maxTokens": 1}},
    )
)


def test_frames() -> None:
    def check(data: bytes, cut: int) -> None:
        async def talk() -> None:
            accepted: list[Any] = []
            end = Multiplexer(1, lambda channel, _request: accepted.append(channel), lambda _message: None, 16)
            ours = end.open({"kind": "bash"})
            try:
                for start in range(0, len(data), cut):
                    end.feed(data[start : start + cut])
                    while end._take():
                        pass
            except FrameError as error:
                end.lose(str(error))
            assert len(accepted) <= len(data)
            assert sum(1 for channel in accepted if channel.void is None) <= 16 + len(accepted)
            ours.reset("over")
            end.lose("over")

        asyncio.run(talk())

    kinds = st.integers(0, 9)
    frames = st.lists(
        st.tuples(
            st.integers(0, 6),
            kinds,
            st.binary(max_size=30) | st.sampled_from((b"{}", b'{"code": 1}', b'{"kind": "connect"}')),
        )
    ).map(lambda items: b"".join(encode(*item) for item in items))
    fuzz(check, spoilt(*CONVERSATIONS) | frames | st.binary(max_size=200), st.sampled_from((1, 5, 9, 64, 65536)))


def test_messages_of_servers() -> None:
    def check(line: bytes) -> None:
        item = _parse(line)
        if isinstance(item, SessionMessage):
            _lenient(item)
            return
        mended = _reread(item)
        if mended is not None:
            mended.message.model_dump_json(by_alias=True, exclude_unset=True)
        assert len(_describe(item)) < 10_000

    fuzz(check, spoilt(*MESSAGES).map(lambda data: data.replace(b"\n", b" ")) | st.binary(max_size=100))
