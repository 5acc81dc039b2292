"""The compare screen as a person uses it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from textual.app import App
from textual.filter import LineFilter
from textual.widgets import Static

from tests.tui.compared import column_of, empty_column, run_of
from workbench.tui.compare_column import CompareColumn
from workbench.tui.safe_text import NO_CONTROL
from workbench.tui.screens.compare import CompareScreen
from workbench.tui.widgets.compare_view import CompareView

WIDE, NARROW = (200, 60), (80, 24)


class Host(App[None]):
    """An app with nothing but the compare screen, whose messages and result it keeps."""

    def __init__(self, columns: Sequence[CompareColumn]) -> None:
        super().__init__()
        self.columns = columns
        self.cancelled: list[int] = []
        self.copied: list[str] = []
        self.opened: list[int | None] = []

    def on_mount(self) -> None:
        screen = CompareScreen("ticket-4812", self.columns, lambda seconds: Decimal(0))
        self.push_screen(screen, self.opened.append)

    def get_line_filters(self) -> Sequence[LineFilter]:
        return [*super().get_line_filters(), NO_CONTROL]

    def on_compare_screen_cancel_requested(self, message: CompareScreen.CancelRequested) -> None:
        self.cancelled.append(message.column)

    def on_compare_view_copy_requested(self, message: CompareView.CopyRequested) -> None:
        self.copied.append(message.text)

    @property
    def view(self) -> CompareView:
        return self.screen.query_one(CompareView)

    def lines(self) -> list[str]:
        """What the view shows, line by line."""
        view = self.view
        return ["".join(segment.text for segment in strip).rstrip() for strip in view.render_lines(view.size.region)]

    def row(self) -> Any:
        """The cells of the row under the cursor, of which there is one at least."""
        return [self.view.table.cell(self.view.cursor_row, column) for column in range(len(self.columns))]


def three() -> list[CompareColumn]:
    return [
        column_of(run_of("r1"), "haiku"),
        column_of(run_of("r2", without=[2]), "sonnet"),
        column_of(run_of("r3", said={3: "Looking elsewhere"}), "opus"),
    ]


async def test_runs_stand_side_by_side_below_their_figures() -> None:
    host = Host(three())
    async with host.run_test(size=WIDE) as pilot:
        await pilot.pause()
        lines = host.lines()
        assert all(title in lines[0] for title in ("haiku", "sonnet", "opus"))
        assert lines[1].count("completed") == 3
        assert "4.4k in 80 out" in lines[3]
        assert lines[4].count("$0.0012") == 3
        differing = [line for line in lines if "≠" in line]
        assert len(differing) == 4
        assert "░░░" in differing[0]
        assert "Looking elsewhere" in differing[3]
        assert host.focused is host.view


async def test_n_goes_from_difference_to_difference() -> None:
    host = Host(three())
    async with host.run_test(size=WIDE) as pilot:
        await pilot.press("g")
        places = []
        for _ in range(4):
            await pilot.press("n")
            places.append([cell and (cell.step, cell.type) for cell in host.row()])
        assert places[0] == [(2, "message"), None, (2, "message")]
        assert places[3] == [(3, "message")] * 3
        await pilot.press("n")
        assert [cell.step for cell in host.row()] == [3, 3, 3]
        await pilot.press("N")
        assert [cell and cell.type for cell in host.row()] == ["tool_result", None, "tool_result"]


async def test_enter_expands_the_row_in_all_columns_and_marks_words() -> None:
    host = Host(three())
    async with host.run_test(size=WIDE) as pilot:
        await pilot.press("g", "n", "n", "n", "n", "enter")
        await pilot.pause()
        lines = host.lines()
        at = next(number for number, line in enumerate(lines) if "▾≠" in line)
        assert "Looking, 3" in lines[at + 1]
        assert "Looking elsewhere" in lines[at + 1]
        strip = host.view.render_lines(host.view.size.region)[at + 1]
        added = host.view.look["added"]
        marked = [segment.text for segment in strip if segment.style and segment.style.bgcolor == added.bgcolor]
        assert marked == ["elsewhere"]
        await pilot.press("enter")
        assert not any("▾" in line for line in host.lines())


async def test_only_differences_and_back() -> None:
    host = Host(three())
    async with host.run_test(size=WIDE) as pilot:
        await pilot.press("d")
        assert len(host.view.table.shown) == 4
        await pilot.press("d")
        assert len(host.view.table.shown) == 14


async def test_a_narrow_terminal_shows_two_and_rotates() -> None:
    host = Host(three())
    async with host.run_test(size=NARROW) as pilot:
        await pilot.pause()
        assert "haiku" in host.lines()[0]
        assert "sonnet" in host.lines()[0]
        assert "opus" not in host.lines()[0]
        await pilot.press("right_square_bracket")
        assert "opus" in host.lines()[0]
        assert "sonnet" not in host.lines()[0]
        await pilot.press("right_square_bracket")
        assert "sonnet" in host.lines()[0]
        await pilot.press("left_square_bracket")
        assert "opus" in host.lines()[0]
        await pilot.resize_terminal(200, 60)
        await pilot.pause()
        assert all(title in host.lines()[0] for title in ("haiku", "sonnet", "opus"))


async def test_the_end_is_followed_while_runs_go_on() -> None:
    events = [run_of("r1", 30), run_of("r2", 30, without=[5])]
    columns = [empty_column(run) for run in events]
    host = Host(columns)
    async with host.run_test(size=NARROW) as pilot:
        assert "waiting" in host.lines()[1]
        for begin in range(0, 160, 40):
            for column, run in zip(columns, events, strict=True):
                column.take(run[begin : begin + 40])
            host.view.look_again()
            await pilot.pause()
        assert host.lines()[1].count("completed") == 2
        assert host.view.cursor_row == len(host.view.table.rows) - 1
        assert "■ The ticket is about billing." in host.lines()[-1]


async def test_rows_in_view_stay_while_the_user_has_just_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = run_of("r1", 4), run_of("r2", 4, said={2: "other"})
    columns = [column_of(first), empty_column(second)]
    columns[1].take(second[:10])
    host = Host(columns)
    async with host.run_test(size=NARROW) as pilot:
        await pilot.press("g", "j", "j", "j", "j")
        before, row = host.view.table.rows, host.row()
        columns[1].take(second[10:])
        host.view.look_again()
        assert host.view.table.rows is before
        monkeypatch.setattr("workbench.tui.widgets.compare_view._CALM_SECONDS", 0.0)
        host.view.look_again()
        assert host.view.table.rows is not before
        assert host.row()[0].seq == row[0].seq


async def test_a_run_is_cancelled_and_opened_by_its_column() -> None:
    going_on = empty_column(run_of("r2"))
    going_on.take(run_of("r2")[:6])
    host = Host([column_of(run_of("r1")), going_on])
    async with host.run_test(size=WIDE) as pilot:
        await pilot.press("x")
        assert host.cancelled == []
        await pilot.press("l", "x")
        assert host.cancelled == [1]
        await pilot.press("X")
        assert host.cancelled == [1, 1]
        await pilot.press("o")
        await pilot.pause()
        assert host.opened == [1]


async def test_escape_goes_back() -> None:
    host = Host(three())
    async with host.run_test(size=WIDE) as pilot:
        await pilot.press("escape")
        await pilot.pause()
        assert host.opened == [None]


async def test_how_much_differs_is_told() -> None:
    host = Host(three())
    async with host.run_test(size=WIDE) as pilot:
        about = host.screen.query_one("#about", Static)
        while "nothing yet" in str(about.content):
            await pilot.pause(0.02)
        assert str(about.content) == "ticket-4812 · 4 of 14 rows differ"


@pytest.mark.parametrize("size", [WIDE, NARROW])
async def test_the_end_of_a_streaming_reply_is_shown_until_it_is_stored(size: tuple[int, int]) -> None:
    events = run_of("r2")
    going_on = empty_column(events)
    going_on.take(events[:3])
    host = Host([column_of(run_of("r1")), going_on])
    async with host.run_test(size=size):
        going_on.live("text", "I look at\x1b the")
        going_on.live("text", " ticket")
        assert "the ticket" in host.lines()[1]
        going_on.live("reset", "")
        assert "ticket" not in host.lines()[1]
        going_on.live("text", "Looking")
        going_on.take(events[3:5])
        assert "Looking" not in host.lines()[1]


@pytest.mark.parametrize("size", [(24, 8), (40, 12), (119, 29), (120, 30), (400, 100)])
async def test_every_size_can_be_drawn(size: tuple[int, int]) -> None:
    host = Host([*three(), empty_column(run_of("r4"), "fourth")])
    async with host.run_test(size=size) as pilot:
        await pilot.press("n", "enter", "]", "d", "G")
        await pilot.pause()
        assert len(host.lines()) == host.view.size.height
        assert all(strip.cell_length == size[0] for strip in host.view.render_lines(host.view.size.region))


async def test_a_cell_can_be_copied_whole() -> None:
    host = Host(three())
    async with host.run_test(size=WIDE) as pilot:
        await pilot.press("g", "j", "j", "y")
        await pilot.pause()
        assert host.copied == ["command: cat 1.txt"]


async def test_a_click_chooses_row_and_column() -> None:
    host = Host(three())
    async with host.run_test(size=WIDE) as pilot:
        await pilot.click(CompareView, offset=(150, 9))
        assert host.view.chosen == 2
        assert host.row()[0].type == "tool_call"


async def test_a_run_that_could_not_start_says_so() -> None:
    lost = empty_column(run_of("r2"))
    host = Host([column_of(run_of("r1")), lost])
    async with host.run_test(size=WIDE) as pilot:
        lost.failed_to_start("no sandbox")
        host.view.look_again()
        await pilot.pause()
        assert "✗ not started" in host.lines()[1]


async def test_hostile_text_is_drawn_as_marks() -> None:
    hostile = run_of("r2", said={2: "\x1b]2;PWNED\x07 and \u202e more\x9b31m"})
    host = Host([column_of(run_of("r1")), column_of(hostile, "\x1b[31mtitle")])
    async with host.run_test(size=NARROW) as pilot:
        await pilot.press("g", "n", "enter")
        await pilot.pause()
        said = "\n".join(host.lines())
        assert "PWNED" in said
        assert not any(character in said for character in "\x1b\x07\x9b\u202e")


@pytest.mark.parametrize("count", [1, 5])
def test_two_to_four_runs_can_be_compared(count: int) -> None:
    columns = [column_of(run_of(f"r{number}")) for number in range(count)]
    with pytest.raises(ValueError, match="two to 4"):
        CompareScreen("", columns, lambda seconds: Decimal(0))
