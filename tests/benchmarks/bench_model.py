"""Prints what asking a model costs besides the model: the SDK, the wire format and the offline script, for each step.

Run it with `python tests/benchmarks/bench_model.py`. Nothing here is asserted: the numbers depend on the machine.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx2

from workbench.definition.agent import ModelSettings
from workbench.model.conversation import Request

STEPS = 200
SCRIPT = """
version: 1
rules:
  - when: {step: "1-1000", tools: read}
    reply:
      text: I read one more file before I answer.
      calls: {tool: read, arguments: {path: "/source/{{ step }}.txt"}}
"""


def tool() -> dict[str, Any]:
    return {"name": "read", "description": "Reads a file.", "input_schema": {"type": "object", "properties": {}}}


def wire(text: str, deltas: int) -> bytes:
    """A reply of many deltas, as a server sends it."""
    size = max(1, len(text) // deltas)
    parts = [text[at : at + size] for at in range(0, len(text), size)]
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {"id": "m", "model": "x", "content": [], "usage": {"input_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": part}} for part in parts),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}},
        {"type": "message_stop"},
    ]
    return b"".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events)


async def offline_steps(result_bytes: int) -> list[float]:
    """Seconds of each step of one growing conversation with the offline script, which answers at once."""
    from workbench.model.offline import AT_ONCE, open_offline
    from workbench.model.offline_loader import load_offline

    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "offline.yaml").write_text(SCRIPT, encoding="utf-8")
        model = open_offline(load_offline(Path(folder)), pace=AT_ONCE)
    messages: list[Any] = [{"role": "user", "content": [{"type": "text", "text": "go"}]}]
    system: list[Any] = [{"type": "text", "text": "You read files. " * 100}]
    times = []
    for _ in range(STEPS):
        request = Request(ModelSettings("claude-haiku-4-5"), 1000, system, list(messages), [tool()])
        begin = time.perf_counter()
        reply = await model.respond(request, lambda _: None, lambda _: None)
        times.append(time.perf_counter() - begin)
        call = reply.content[-1]
        result = {
            "type": "tool_result",
            "tool_use_id": call["id"],
            "content": [{"type": "text", "text": "x" * result_bytes}],
        }
        messages += [{"role": "assistant", "content": list(reply.content)}, {"role": "user", "content": [result]}]
    await model.close()
    return times


async def wire_times(deltas: int, steps_before: int = 0) -> list[float]:
    """Seconds of each of many requests to a server in memory: the SDK and our client alone."""
    from workbench.model.connect import connect

    content = wire("word " * 400, deltas)
    headers = {"content-type": "text/event-stream"}
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, headers=headers, content=content))
    model = connect({"ANTHROPIC_API_KEY": "k"}, transport=transport)
    messages: list[Any] = [{"role": "user", "content": [{"type": "text", "text": "go"}]}]
    for number in range(steps_before):
        call = {"type": "tool_use", "id": f"t{number}", "name": "read", "input": {"path": f"/source/{number}.txt"}}
        result = {
            "type": "tool_result",
            "tool_use_id": f"t{number}",
            "content": [{"type": "text", "text": "x" * 2_000}],
        }
        messages += [{"role": "assistant", "content": [call]}, {"role": "user", "content": [result]}]
    request = Request(ModelSettings("claude-haiku-4-5"), 1000, [], messages, [])
    times = []
    for _ in range(STEPS):
        begin = time.perf_counter()
        await model.respond(request, lambda _: None, lambda _: None)
        times.append(time.perf_counter() - begin)
    await model.close()
    return times


def show(name: str, times: list[float]) -> None:
    milliseconds = sorted(second * 1000 for second in times)
    p95 = milliseconds[int(len(milliseconds) * 0.95)]
    print(f"{name:<58} median {statistics.median(milliseconds):6.2f} ms   p95 {p95:6.2f} ms")


def main() -> None:
    begin = time.perf_counter()
    import anthropic

    print(
        f"importing the SDK {anthropic.__version__}: {time.perf_counter() - begin:.2f} s, once, when a model is asked"
    )
    for deltas in (1, 50, 400):
        show(f"client and SDK, a reply of {deltas} deltas", asyncio.run(wire_times(deltas)))
    for steps in (20, 200):
        show(f"client and SDK, {steps} steps of 2,000 bytes before", asyncio.run(wire_times(1, steps)))
    for size in (100, 2_000):
        times = asyncio.run(offline_steps(size))
        show(f"offline script, steps 1-20, results of {size:,} bytes", times[:20])
        show(f"offline script, steps {STEPS - 20}-{STEPS}, results of {size:,} bytes", times[-20:])


if __name__ == "__main__":
    main()
