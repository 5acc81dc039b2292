"""Runs to be exported: one that says all that a run can say, one with a thousand events, one by somebody hostile."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.trace.conftest import beginning, numbered, one_step, story
from workbench.cost.usage import Usage
from workbench.jsontypes import JsonObject
from workbench.trace.events import (
    Costs,
    Egress,
    Event,
    EventData,
    FailureState,
    Message,
    ModelRequest,
    ModelResponse,
    Notice,
    Permission,
    Reasoning,
    RunCompleted,
    RunFailed,
    ToolCall,
    ToolResult,
)

HOSTILE = (
    "</pre></details></main></body><script>document.title='owned';window.owned=1</script>"
    '<img src=x onerror="window.owned=1"><svg onload="window.owned=1"><iframe src="http://127.0.0.1:9/"></iframe>'
    "<style>@import 'http://127.0.0.1:9/x.css'</style><meta http-equiv=refresh content='0;url=http://127.0.0.1:9/'>"
    '"><a href="javascript:window.owned=1">x</a> {{ 7*7 }} {% raw %} \x1b[31m \u202e \x00 \' " & <!-- --> ]]>'
)
"""Markup and escapes that must be text wherever they come."""

COSTS = Costs(Decimal("0.123456789"), Decimal("0.00002"), Decimal("0.123476789"), Decimal("0.9"))


def everything() -> list[Event]:
    """A run with every type of event, that fails in its third step while a tool and a request are under way."""
    items: list[tuple[int, EventData]] = [(0, beginning(parent_run_id="261101-000000-aaaa", fork_step=2))]
    items.append((0, Notice("sandbox", "gVisor proven", data={"started_at": "2026-11-22T09:30:00+00:00"})))
    items += [(1, data) for data in one_step(1)]
    items.append((1, Reasoning("First the ticket.", 0.4)))
    items.append((1, Egress("api.example.com", 443, "refused", "not in network.allow")))
    items.append((1, Permission("bash", "bash", "granted")))
    items += [(2, data) for data in one_step(2)]
    items.append(
        (3, ModelRequest("claude-haiku-4-5", 5, "d" * 32, 4, ({"role": "user", "content": "on"},), {"max_tokens": 9}))
    )
    search: JsonObject = {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "x"}}
    items.append((3, ModelResponse("claude-haiku-4-5", (search,), "pause_turn", Usage(5, 6), None, 0.1, None, None)))
    items.append((3, ToolCall("s1", 1, "web_search", "vendor", {"query": "x"}, 9, "e" * 32)))
    items.append((3, ToolResult("s1", "web_search", "vendor", ({"type": "web_search_result"},), 9, False, 0.0)))
    items.append((3, ToolCall("t9", 2, "read", "filesystem", None, 30, "f" * 32)))
    items.append((3, ModelRequest("claude-haiku-4-5", 6, "e" * 32, 5, (), {"max_tokens": 9})))
    state = FailureState(3, 20)
    items.append((3, RunFailed("model_error", "The API is overloaded.", state, 3, Usage(205, 46, 2_000), COSTS, 9.5)))
    return numbered("261122-093000-wxyz", items)


def a_thousand_events() -> list[Event]:
    """A run of 1,000 events with 20 KB in each tool result: far more than a page may hold."""
    items: list[tuple[int, EventData]] = [(0, beginning())]
    step = 0
    while len(items) < 999:
        step += 1
        for data in one_step(step)[: 999 - len(items)]:
            long = ({"type": "text", "text": f"<row {step}> & 'quoted' " * 800},)
            items.append((step, replace(data, content=long) if isinstance(data, ToolResult) else data))
    items.append((step, RunCompleted("Done.", "end_turn", step, Usage(1, 1), COSTS, 99.0)))
    return numbered("261122-100000-long", items)


def hostile_run() -> list[Event]:
    """A run whose every text is an attack."""
    items: list[tuple[int, EventData]] = [(0, beginning(agent=HOSTILE, input=HOSTILE, model=HOSTILE))]
    call: JsonObject = {"type": "tool_use", "id": "t1", "name": HOSTILE, "input": {HOSTILE: HOSTILE}}
    message: JsonObject = {"role": "user", "content": [{"type": "text", "text": HOSTILE}]}
    items.append(
        (1, ModelRequest(HOSTILE, 1, "a" * 32, 0, (message,), {"max_tokens": 1}, ({"type": "text", "text": HOSTILE},)))
    )
    items.append((1, ModelResponse(HOSTILE, (call,), HOSTILE, Usage(1, 1), Decimal(0), 0.1, 0.1, HOSTILE)))
    items.append((1, Message(HOSTILE)))
    items.append((1, ToolCall("t1", 1, HOSTILE, HOSTILE, {HOSTILE: HOSTILE}, 9, "b" * 32)))
    items.append((1, ToolResult("t1", HOSTILE, HOSTILE, ({"type": "text", "text": HOSTILE},), 9, True, 0.2)))
    items.append((1, Notice("server", HOSTILE, data={HOSTILE: HOSTILE})))
    items.append((1, Egress(HOSTILE, 443, "refused", HOSTILE)))
    items.append((1, RunCompleted(HOSTILE, HOSTILE, 1, Usage(1, 1), COSTS, 1.0)))
    return numbered("261122-110000-evil", items)


@pytest.fixture
def finished_run() -> list[Event]:
    """A run of two steps that was answered."""
    return story()
