"""A run with everything in it that a timeline shows, rows of any kind, and an app that hosts one widget."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TypeVar

from textual.app import App, ComposeResult
from textual.filter import LineFilter
from textual.message import Message as TextualMessage
from textual.pilot import Pilot
from textual.widget import Widget

from workbench.cost.usage import Usage
from workbench.jsontypes import JsonObject
from workbench.trace.events import (
    ContainerState,
    Costs,
    Egress,
    Event,
    EventData,
    FailureState,
    FileChange,
    Message,
    ModelRequest,
    ModelResponse,
    Notice,
    Permission,
    Reasoning,
    RunCompleted,
    RunFailed,
    RunStarted,
    ToolCall,
    ToolResult,
    Trigger,
)
from workbench.trace.rows import EventRow, row_of
from workbench.tui.safe_text import NO_CONTROL

T = TypeVar("T")

BEGIN = datetime(2026, 11, 22, 9, tzinfo=UTC)
HOSTILE = "\x1b]2;PWNED\x1b\\\x1b]52;c;UFdORUQ=\x07\x9b2J\u202e\u2066\ud800\x00\x7f"
"""Sets a terminal's title and clipboard, clears it, turns text around, and cannot be written as UTF-8."""

BIDI = ("LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI")

STATE = ContainerState("/workspace", "5ab0", (FileChange("notes.txt", "added", 12),), 31_000_000, 0.4)
COSTS = Costs(Decimal("0.014"), Decimal("0.0002"), Decimal("0.0142"), Decimal("7.82"))


def obeyed(text: str) -> bool:
    """Whether there is something in a line that a terminal would obey, or that could not be written to it."""
    return any(
        unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") or unicodedata.bidirectional(letter) in BIDI
        for letter in text
    )


def text_block(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


def everything() -> Iterator[tuple[int, float, EventData]]:
    """Step, offset and data of a run with three parallel calls, errors, a tape, wide letters and hostile text."""
    definition = {"name": "triage", "model": "claude-haiku-4-5"}
    yield (
        0,
        0.0,
        RunStarted(
            "triage", "9f86", definition, Trigger(), "Ticket 漢字 👩‍💻", "claude-haiku-4-5", "offline", None, Decimal(1)
        ),
    )
    yield 0, 0.4, Notice("sandbox", "gVisor proven", data={"kernel": "gvisor"})
    yield 1, 0.41, ModelRequest("claude-haiku-4-5", 1, "ab", 0, [{"role": "user", "content": "hi"}], {"max_tokens": 99})
    usage = Usage(input_tokens=1200, output_tokens=140, cache_read_tokens=900)
    reply: list[JsonObject] = [
        text_block("I look."),
        {"type": "tool_use", "id": "t1", "name": "read", "input": {"file_path": "a"}},
    ]
    yield 1, 1.61, ModelResponse("claude-haiku-4-5", reply, "tool_use", usage, Decimal("0.0019"), 1.2, 0.4, "req_1")
    yield 1, 1.62, Reasoning("Which team owns it?", 0.3)
    yield 1, 1.62, Message("I read three files at once.")
    edit = {"file_path": "a.py", "old_string": "one\ntwo\nthree", "new_string": "one\n2\nthree"}
    yield 1, 1.63, ToolCall("t1", 1, "read", "filesystem", {"file_path": "/source/a.py"}, 30, "d1", STATE)
    yield 1, 1.63, ToolCall("t2", 2, "bash", "bash", {"command": "pytest -q"}, 30, "d2", STATE)
    yield 1, 1.63, ToolCall("t3", 3, "edit", "filesystem", edit, 80, "d3", STATE)
    yield 1, 1.7, Egress("pypi.org", 443, "refused", "not in network.allow")
    changed = (FileChange("a.py", "modified", 20),)
    yield 1, 2.1, ToolResult("t3", "edit", "filesystem", [text_block("ok")], 2, False, 0.47, changed=changed)
    yield 1, 2.2, ToolResult("t1", "read", "filesystem", [text_block('{"sla": 4.5, "old": null}')], 25, False, 0.57)
    failed = [text_block("FAILED tests/test_a.py")]
    yield 1, 4.2, ToolResult("t2", "bash", "bash", failed, 22, True, 2.57, exit_code=1)
    yield 2, 4.21, ModelRequest("claude-haiku-9", 3, "ac", 1, [], {"max_tokens": 99})
    yield (
        2,
        5.61,
        ModelResponse(
            "claude-haiku-9", None, "tool_use", Usage(input_tokens=12_345, output_tokens=140), None, 1.4, 0.4, None,
            origin="tape",
        ),
    )  # fmt: skip
    yield 2, 5.7, ToolCall("t4", 1, "grep", "filesystem", {"pattern": HOSTILE}, 30, "d4")
    yield 2, 5.71, Permission("grep", "filesystem", "asked")
    found = ToolResult("t4", "grep", "filesystem", [text_block(f"two {HOSTILE} end")], 9, False, 0.05, origin="edited")
    yield 2, 5.75, found
    yield 3, 7.82, RunCompleted("It goes to billing.", "end_turn", 3, usage, COSTS, 7.82)


def a_run() -> list[Event]:
    """The events of that run."""
    return [
        Event("run-1", seq, step, BEGIN + timedelta(seconds=offset), offset, data)
        for seq, (step, offset, data) in enumerate(everything(), start=1)
    ]


def a_failed_end() -> RunFailed:
    return RunFailed(
        "budget", "It would cost more.", FailureState(2, 7), 2, Usage(), COSTS, 2.0, {"left": "0.01"}, "Trace"
    )


def rows_of(events: Sequence[Event]) -> list[EventRow]:
    return [row_of(event) for event in events]


def many_rows(count: int, first: int = 1) -> list[EventRow]:
    """Rows of steps of five events; each hundredth is an error, each tenth says `needle`."""
    kinds = ("model_request", "model_response", "message", "tool_call", "tool_result")
    return [
        EventRow(
            seq,
            (seq - 1) // 5 + 1,
            kinds[(seq - 1) % 5],
            "bash" if (seq - 1) % 5 >= 3 else None,
            f"row {seq}" + (" needle" if seq % 10 == 0 else ""),
            seq / 100,
            latency=0.01,
            is_error=seq % 100 == 0,
            call_id=f"c{(seq - 1) // 5}" if (seq - 1) % 5 >= 3 else None,
        )
        for seq in range(first, first + count)
    ]


class Host(App[None]):
    """An app with one widget in it, that keeps the messages it is sent."""

    CSS = "Screen { overflow: hidden; }"

    def __init__(self, widget: Widget, *, safe: bool = True) -> None:
        super().__init__()
        self.widget = widget
        self.safe = safe
        self.told: list[TextualMessage] = []

    def get_line_filters(self) -> Sequence[LineFilter]:
        filters = super().get_line_filters()
        return [*filters, NO_CONTROL] if self.safe else filters

    def compose(self) -> ComposeResult:
        yield self.widget

    def _told(self, message: TextualMessage) -> None:
        self.told.append(message)

    on_timeline_selected = _told
    on_timeline_follow_changed = _told
    on_timeline_copy_requested = _told
    on_timeline_pane_searched = _told
    on_event_detail_copy_requested = _told
    on_event_detail_open_requested = _told
    on_query_bar_typed = _told
    on_query_bar_closed = _told

    def of(self, kind: type[T]) -> list[T]:
        """The messages of one kind that came."""
        return [message for message in self.told if isinstance(message, kind)]


def painted(widget: Widget) -> list[str]:
    """What the widget paints, line by line."""
    return [strip.text for strip in widget.render_lines(widget.size.region)]


async def until(pilot: Pilot[None], condition: Callable[[], object]) -> None:
    """Wait until something is so; fails after a while."""
    for _ in range(200):
        if condition():
            return
        await pilot.pause(0.01)
    raise AssertionError("it never came to be so")
