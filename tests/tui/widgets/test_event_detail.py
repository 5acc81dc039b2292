"""One whole event in a pane."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from textual.binding import Binding
from textual.pilot import Pilot

from tests.tui.timeline_cases import BEGIN, HOSTILE, Host, a_failed_end, a_run, obeyed, painted, text_block
from workbench.trace.events import Event, Message, ToolResult
from workbench.tui.widgets.event_detail import EventDetail, EventLines

EVENTS = {event.seq: event for event in a_run()}


@asynccontextmanager
async def shown(
    event: Event | None, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[tuple[Pilot[None], EventDetail, Host]]:
    detail = EventDetail()
    host = Host(detail)
    async with host.run_test(size=size) as pilot:
        detail.show(event)
        detail.lines.focus()
        await pilot.pause()
        yield pilot, detail, host


def result(text: str) -> Event:
    return Event("r", 7, 1, BEGIN, 1.0, ToolResult("t", "bash", "bash", [text_block(text)], len(text), False, 1.0))


async def test_it_says_when_there_is_nothing_to_show() -> None:
    async with shown(None) as (pilot, detail, host):
        assert "No event is selected" in painted(detail.lines)[0]
        await pilot.press("y", "o", "n", "slash", "escape")
        await pilot.pause()
        assert host.of(EventDetail.CopyRequested) == []
        assert host.of(EventDetail.OpenRequested) == []


@pytest.mark.parametrize(
    "event", [*a_run(), Event("r", 9, 1, BEGIN, 1.0, a_failed_end())], ids=lambda event: str(event.seq)
)
async def test_every_kind_of_event_is_shown_safely(event: Event) -> None:
    async with shown(event, size=(70, 50)) as (_, detail, _):
        lines = painted(detail.lines)
        assert lines[0].startswith(event.type)
        assert not any(obeyed(line) for line in lines)


async def test_scrolling() -> None:
    async with shown(result("\n".join(f"line {number}" for number in range(200)))) as (pilot, detail, _):
        await pilot.press("G")
        assert painted(detail.lines)[-1].startswith("line 199")
        await pilot.press("g", "j", "j", "k")
        assert detail.lines.top == 1
        await pilot.press("pagedown")
        assert detail.lines.top == 24
        await pilot.press("ctrl+u")
        assert detail.lines.top == 12


async def test_long_lines_are_wrapped_or_moved_sideways() -> None:
    async with shown(result("begin " + "x" * 100 + " end")) as (pilot, detail, _):
        assert any(line.startswith("xxx") for line in painted(detail.lines))
        await pilot.press("w")
        await pilot.pause()
        (line,) = [line for line in painted(detail.lines) if line.startswith("begin ")]
        assert "end" not in line
        await pilot.press("l", "l", "l", "l", "l")
        await pilot.pause()
        assert any(line.rstrip().endswith("x end") for line in painted(detail.lines))
        await pilot.press("h", "h", "h", "h", "h", "w")
        await pilot.pause()
        assert any("end" in line for line in painted(detail.lines))


async def test_search_within() -> None:
    text = "\n".join("needle" if number % 50 == 20 else f"line {number}" for number in range(200))
    async with shown(result(text)) as (pilot, detail, host):
        await pilot.press("slash", *"NEED", "enter")
        await pilot.pause()
        assert host.focused is detail.lines
        first = detail.lines.top
        assert any("needle" in line for line in painted(detail.lines))
        await pilot.press("n")
        assert first + 45 < detail.lines.top < first + 55
        assert any("needle" in line for line in painted(detail.lines))
        await pilot.press("N", "N")
        assert detail.lines.top > first + 140  # around the beginning
        await pilot.press("escape")
        assert detail.lines.needle == ""


async def test_a_search_that_is_cancelled_is_as_it_was() -> None:
    async with shown(result("one two")) as (pilot, detail, host):
        await pilot.press("slash", *"two", "escape")
        await pilot.pause()
        assert detail.lines.needle == ""
        assert host.focused is detail.lines


async def test_copy_and_open() -> None:
    async with shown(EVENTS[18]) as (pilot, _, host):
        await pilot.press("y", "o")
        await pilot.pause()
        (copied,), (opened,) = host.of(EventDetail.CopyRequested), host.of(EventDetail.OpenRequested)
        assert copied.text == opened.text
        assert opened.suffix == ".txt"
        assert not obeyed(copied.text.replace("\n", ""))


async def test_a_large_result_is_cut_and_can_be_opened_whole() -> None:
    text = "\n".join(f"{number}: {'word ' * 20}" for number in range(50_000))
    async with shown(result(text)) as (pilot, detail, host):
        await pilot.press("G")
        assert "cut after 200,000 characters; o opens the whole" in painted(detail.lines)[-1]
        await pilot.press("o")
        await pilot.pause()
        (opened,) = host.of(EventDetail.OpenRequested)
        assert opened.text == text + "\n"


async def test_a_resize_keeps_what_was_on_top() -> None:
    async with shown(result("\n".join(f"line {number} {'x' * 60}" for number in range(200)))) as (pilot, detail, _):
        detail.lines.scroll_to_line(100)
        await pilot.pause()
        top = painted(detail.lines)[0][:7]
        await pilot.resize_terminal(40, 24)
        await pilot.pause()
        assert painted(detail.lines)[0][:7] == top


async def test_hostile_text_is_found_and_shown_as_marks() -> None:
    async with shown(Event("r", 1, 1, BEGIN, 1.0, Message(HOSTILE))) as (_, detail, _):
        assert detail.lines.search("pwned") == 1
        assert any("␛]2;PWNED␛\\␛]52;c;UFdORUQ=" in line for line in painted(detail.lines))


def test_every_key_has_an_id_and_says_what_it_does() -> None:
    keys = [key for key in (*EventDetail.BINDINGS, *EventLines.BINDINGS) if isinstance(key, Binding)]
    assert len({key.id for key in keys}) == len(keys)
    assert all(key.id and key.tooltip for key in keys)
