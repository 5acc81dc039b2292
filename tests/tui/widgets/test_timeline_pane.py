"""The timeline with its query line: filters and searches that answer with every letter."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from textual.pilot import Pilot
from textual.widgets import Input, Label

from tests.tui.timeline_cases import HOSTILE, Host, a_run, obeyed, rows_of
from workbench.tui.widgets.query_bar import QueryBar
from workbench.tui.widgets.timeline import Timeline
from workbench.tui.widgets.timeline_pane import TimelinePane

EVENTS = {event.seq: event for event in a_run()}


@asynccontextmanager
async def shown() -> AsyncIterator[tuple[Pilot[None], TimelinePane, Host]]:
    pane = TimelinePane()
    host = Host(pane)
    async with host.run_test(size=(100, 24)) as pilot:
        pane.timeline.show_run(rows_of(list(EVENTS.values())), EVENTS.get)
        pane.timeline.focus()
        await pilot.pause()
        yield pilot, pane, host


def note(pane: TimelinePane) -> str:
    return str(pane.query_one(".query-bar--note", Label).content)


async def test_a_search_goes_along_with_every_letter() -> None:
    async with shown() as (pilot, pane, host):
        await pilot.press("g", "slash", *"pyt")
        await pilot.pause()
        assert pane.timeline.selected is not None
        assert pane.timeline.selected.seq == 8
        assert note(pane) == "1 found"
        assert host.of(Timeline.Selected)[-1].seq == 8
        await pilot.press(*"xx")
        await pilot.pause()
        assert note(pane) == "0 found"
        assert pane.timeline.selected.seq == 1  # where it began
        await pilot.press("backspace", "backspace", "enter")
        await pilot.pause()
        assert host.focused is pane.timeline
        assert [message.text for message in host.of(TimelinePane.Searched)] == ["pyt"]
        assert pane.timeline.needle == "pyt"
        await pilot.press("escape")
        assert pane.timeline.needle == ""


async def test_a_search_that_is_cancelled_goes_back_to_where_it_began() -> None:
    async with shown() as (pilot, pane, _):
        await pilot.press("g", "j", "slash", *"pytest", "escape")
        await pilot.pause()
        assert pane.timeline.selected is not None
        assert pane.timeline.selected.seq == 2
        assert pane.timeline.needle == ""


async def test_a_filter_goes_along_with_every_letter_that_makes_sense() -> None:
    async with shown() as (pilot, pane, _):
        await pilot.press("f", *"error")
        await pilot.pause()
        assert len(pane.timeline.view) == 2
        await pilot.press("space", *"ki")
        assert note(pane) == "kind:"
        await pilot.press("tab", *"tool_r", "tab")
        await pilot.pause()
        assert pane.query_one(Input).value == "error kind:tool_result"
        assert len(pane.timeline.view) == 1
        await pilot.press("enter")
        await pilot.pause()
        assert pane.timeline.filter_text == "error kind:tool_result"
        await pilot.press("escape")
        assert pane.timeline.filter_text == ""
        assert len(pane.timeline.view) == 19


async def test_a_filter_that_means_nothing_is_explained_and_changes_nothing() -> None:
    async with shown() as (pilot, pane, _):
        await pilot.press("f", *"kind:nix")
        await pilot.pause()
        assert note(pane).startswith("no kind of event is called 'nix'")
        assert pane.query_one(".query-bar--note").has_class("-bad")
        await pilot.press("escape")
        await pilot.pause()
        assert pane.timeline.filter_text == ""
        assert not pane.query_one(QueryBar).is_open


async def test_the_tools_of_the_run_are_offered() -> None:
    async with shown() as (pilot, pane, _):
        await pilot.press("f", *"tool:")
        await pilot.pause()
        assert note(pane) == "tool:bash  tool:edit  tool:grep  tool:read"


async def test_pasted_controls_are_not_painted() -> None:
    async with shown() as (pilot, pane, host):
        await pilot.press("slash")
        box = pane.query_one(Input)
        box.value = HOSTILE
        await pilot.pause()
        lines = [strip.text for strip in host.screen._compositor.render_strips()]
        assert any("PWNED" in line for line in lines)
        assert not any(obeyed(line) for line in lines)
