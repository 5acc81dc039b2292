"""Each event on one line."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.cost.usage import Usage
from workbench.trace.events import (
    EVENT_TYPES,
    Costs,
    Egress,
    EventData,
    FailureState,
    ModelRequest,
    ModelResponse,
    Notice,
    Permission,
    Reasoning,
    RunFailed,
    ToolCall,
    ToolResult,
)
from workbench.trace.gist import LIMIT, call_text, gist, short_content

CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

COSTS = Costs(Decimal(0), Decimal(0), Decimal(0), Decimal(0))


@pytest.mark.parametrize("name", EVENT_TYPES)
@settings(CALM, max_examples=40)
@given(drawn=st.data())
def test_every_event_has_one_printable_line(
    name: str, drawn: st.DataObject, any_data: dict[str, st.SearchStrategy[EventData]]
) -> None:
    said = gist(drawn.draw(any_data[name]))
    assert len(said) <= LIMIT
    assert not any(ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0 for character in said)
    said.encode("utf-8")


@pytest.mark.parametrize(
    ("tool", "arguments", "said"),
    [
        ("bash", {"command": "pytest -q"}, "bash  pytest -q"),
        ("bash", {"restart": True}, "bash  restart=true"),
        ("read", {"file_path": "src/app.py", "view_range": [1, 5]}, "read  src/app.py"),
        ("grep", {"pattern": "TODO", "path": "src"}, "grep  TODO  src"),
        ("glob", {"pattern": "**/*.py"}, "glob  **/*.py"),
        ("zendesk", {"method": "GET", "path": "/tickets/12"}, "zendesk  GET /tickets/12"),
        ("lookup", {"id": 7, "deep": {"a": 1, "b": 2}, "many": [1, 2]}, "lookup  id=7  deep={a, b}  many=[2 items]"),
        ("ping", {}, "ping"),
    ],
)
def test_a_call_reads_as_a_person_would_say_it(tool: str, arguments: dict[str, Any], said: str) -> None:
    assert call_text(tool, arguments) == said


def result(**changes: Any) -> ToolResult:
    plain: dict[str, Any] = {"content": ({"type": "text", "text": "3 passed"},), "content_bytes": 8, "is_error": False}
    return ToolResult("t", "bash", "bash", latency=0.1, **(plain | changes))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (result(), "3 passed"),
        (result(exit_code=0), "3 passed"),
        (result(is_error=True), "error: 3 passed"),
        (result(is_error=True, exit_code=2, truncated=True), "exit 2, truncated: 3 passed"),
        (result(content=()), "(empty)"),
        (result(content=None, content_bytes=1_234), "(not captured, 1,234 bytes)"),
        (result(content=({"type": "image", "source": {}},)), "[image]"),
        (ToolCall("t", 1, "bash", "bash", None, 2_000, "d"), "bash (not captured, 2,000 bytes)"),
        (Reasoning(None, 1.0), "(not captured)"),
        (ModelRequest("claude-x", 1, "d", 0, (), {}), "claude-x 1 message"),
        (
            ModelResponse("m", None, None, Usage(1_000, 7, 500), None, 1.0, None, None),
            "no stop reason 1,500 in 7 out",
        ),
        (
            Egress("evil.example", 443, "refused", "not in the allow list"),
            "refused evil.example:443 not in the allow list",
        ),
        (Egress("api.example", 443, "allowed", ""), "allowed api.example:443"),
        (Permission("bash", "bash", "asked"), "asked bash"),
        (Notice("retry", "529, again in 2 s"), "529, again in 2 s"),
        (
            RunFailed("timeout", "took too long", FailureState(1, 5), 1, Usage(), COSTS, 600.0),
            "timeout: took too long",
        ),
    ],
)
def test_gists(data: EventData, said: str) -> None:
    assert gist(data) == said


def test_content_is_joined_and_other_blocks_are_named() -> None:
    assert short_content(({"type": "text", "text": "a"}, {"type": "document"}, {})) == "a\n[document]\n[content]"
    assert short_content(None) == ""
