"""A pane of lines below Textual's public door: what it relies on must hold, whatever version is installed."""

from __future__ import annotations

from typing import Any

import pytest
from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip

from tests.tui.timeline_cases import Host, painted, until
from workbench.tui.widgets.line_view import LineView


class Numbers(LineView):
    """Numbered lines, counting how often each is drawn."""

    HEAD = 1

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count
        self.drawn: list[int] = []

    def line_count(self) -> int:
        return self.count

    def line_key(self, line: int) -> int | None:
        return line if line < self.count else None

    def draw_line(self, line: int) -> Strip:
        self.drawn.append(line)
        paint = self.paints["base"] + self.paints["error"]
        return Strip([Segment(f"line {line} \x1b[2J" if line < self.count else "", paint)])


async def test_only_what_is_in_view_is_drawn_and_only_once() -> None:
    view = Numbers(1_000_000)
    async with Host(view).run_test(size=(40, 11)) as pilot:
        await pilot.pause()
        assert sorted(set(view.drawn)) == list(range(10))
        view.drawn.clear()
        view.scroll_to_line(5)
        await pilot.pause()
        assert [line for line in view.drawn if line < 10] in ([], [5])  # beside the mark of the position
        assert set(view.drawn) >= set(range(10, 15))
        view.scroll_to_line(2_000_000)
        await pilot.pause()
        assert painted(view)[-1].startswith("line 999999")


async def test_lines_that_come_below_the_view_draw_nothing_but_the_mark() -> None:
    view = Numbers(100)
    async with Host(view).run_test(size=(40, 11)) as pilot:
        await pilot.pause()
        view.drawn.clear()
        view.count = 200
        view.lines_changed()
        await pilot.pause()
        assert view.drawn == []
        assert view.virtual_size.height == 201


async def test_the_number_of_lines_never_asks_for_a_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    view = Numbers(100)
    async with Host(view).run_test(size=(40, 11)) as pilot:
        await pilot.pause()
        laid_out: list[object] = []
        layout = pilot.app.screen._refresh_layout

        def watched(*args: Any, **more: Any) -> None:
            laid_out.append(args)
            layout(*args, **more)

        monkeypatch.setattr(pilot.app.screen, "_refresh_layout", watched)
        for count in (200, 50, 3, 400):
            view.count = count
            view.lines_changed()
            await pilot.pause()
        assert laid_out == []


async def test_the_mark_shows_which_part_is_in_view() -> None:
    view = Numbers(40)
    async with Host(view).run_test(size=(20, 11)) as pilot:
        await pilot.pause()
        edge = [line[-1] for line in painted(view)]
        assert edge == [" ", "▐", "▐", *[" "] * 8]
        view.scroll_to_line(30)
        await pilot.pause()
        assert [line[-1] for line in painted(view)] == [*[" "] * 9, "▐", "▐"]
        view.count = 5
        view.lines_changed()
        await pilot.pause()
        assert view.top == 0
        assert all(line[-1] == " " for line in painted(view))


async def test_a_part_of_a_line_can_be_painted() -> None:
    view = Numbers(5)
    async with Host(view).run_test(size=(20, 11)) as pilot:
        await pilot.pause()
        assert [strip.text for strip in view.render_lines(Region(2, 1, 4, 2))] == ["ne 0", "ne 1"]


async def test_the_apps_line_filters_are_applied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    view = Numbers(5)
    async with Host(view).run_test(size=(20, 11)) as pilot:
        await pilot.pause()
        (strip,) = view.render_lines(Region(0, 1, 20, 1))
        assert "\x1b" not in strip.text
        styles = [segment.style for segment in strip if segment.style is not None]
        colours = [colour for style in styles for colour in (style.color, style.bgcolor) if colour is not None]
        assert colours
        assert all(colour.triplet is None or len(set(colour.triplet)) == 1 for colour in colours)  # greys


async def test_another_theme_is_painted_at_once() -> None:
    view = Numbers(5)
    async with Host(view).run_test(size=(20, 11)) as pilot:
        await pilot.pause()
        (before,) = view.render_lines(Region(0, 1, 20, 1))
        pilot.app.theme = "textual-light"
        await until(pilot, lambda: view.render_lines(Region(0, 1, 20, 1)) != [before])
        (after,) = view.render_lines(Region(0, 1, 20, 1))
        assert after.text == before.text
        assert next(iter(after)).style != next(iter(before)).style
