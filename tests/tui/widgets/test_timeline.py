"""The timeline as a user works with it: keys, mouse, streams, filters, searches."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from textual.binding import Binding
from textual.pilot import Pilot

from tests.tui.timeline_cases import HOSTILE, Host, a_run, many_rows, obeyed, painted, rows_of, until
from workbench.trace.events import Event
from workbench.trace.rows import EventRow
from workbench.tui.timeline_filter import FilterError
from workbench.tui.widgets.timeline import Timeline

EVENTS = {event.seq: event for event in a_run()}
ROWS = rows_of(list(EVENTS.values()))


class Shown:
    """A timeline on a screen."""

    def __init__(self, host: Host, pilot: Pilot[None], timeline: Timeline) -> None:
        self.host, self.pilot, self.timeline = host, pilot, timeline
        self.fetched: list[int] = []

    def details(self, seq: int) -> Event | None:
        self.fetched.append(seq)
        return EVENTS.get(seq)

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    @property
    def seq(self) -> int | None:
        return self.timeline.selected.seq if self.timeline.selected else None

    def follows(self) -> bool:
        return self.timeline.follow

    @property
    def lines(self) -> list[str]:
        return painted(self.timeline)

    def line_with(self, text: str) -> int:
        return next(number for number, line in enumerate(self.lines) if text in line)

    @property
    def cursor_line(self) -> int:
        return self.line_with("▌")

    @property
    def told(self) -> list[int]:
        return [message.seq for message in self.host.of(Timeline.Selected)]


@asynccontextmanager
async def shown(rows: Sequence[EventRow] = ROWS, size: tuple[int, int] = (120, 30)) -> AsyncIterator[Shown]:
    timeline = Timeline()
    host = Host(timeline)
    async with host.run_test(size=size) as pilot:
        it = Shown(host, pilot, timeline)
        timeline.show_run(rows, it.details)
        timeline.focus()
        await pilot.pause()
        yield it


async def test_it_shows_a_run_and_follows_its_end() -> None:
    async with shown(many_rows(100)) as it:
        assert it.seq == 100
        assert it.follows()
        assert it.cursor_line == 29
        assert "⇣ 100 events" in it.lines[0]
        it.timeline.extend(many_rows(3, first=101))
        await it.pilot.pause()
        assert it.seq == 103
        assert "row 103" in it.lines[29]
        assert it.told[-1] == 103


async def test_before_there_is_a_run_it_is_empty() -> None:
    async with shown([]) as it:
        assert it.seq is None
        await it.press("j", "k", "enter", "e", "n", "right_square_bracket", "G", "g", "pagedown", "y")
        assert "0 events" in it.lines[0]
        assert it.told == []
        it.timeline.extend(ROWS)
        await it.pilot.pause()
        assert it.seq == 19


@pytest.mark.parametrize(
    ("keys", "seq"),
    [
        (["g"], 1),
        (["home"], 1),
        (["g", "j", "down"], 3),
        (["k", "up"], 98),
        (["g", "pagedown"], 29),
        (["g", "ctrl+f", "ctrl+b"], 1),
        (["g", "ctrl+d"], 15),
        (["G", "ctrl+u"], 86),
        (["g", "end"], 100),
        (["g", "right_square_bracket"], 6),
        (["g", "j", "j", "left_square_bracket"], 1),
        (["g", "e"], 100),
        (["g", "k"], 1),
    ],
)
async def test_keys_move_the_cursor(keys: list[str], seq: int) -> None:
    async with shown(many_rows(100)) as it:
        await it.press(*keys)
        assert it.seq == seq
        assert f"row {seq} " in it.lines[it.cursor_line]
        assert it.told[-1] == seq


async def test_following_ends_when_the_user_goes_up_and_begins_again_at_the_end() -> None:
    async with shown(many_rows(100)) as it:
        await it.press("k")
        assert not it.follows()
        it.timeline.extend(many_rows(5, first=101))
        await it.pilot.pause()
        assert it.seq == 99
        assert "⇣" not in it.lines[0]
        assert "105 events" in it.lines[0]
        await it.press("G")
        assert it.follows()
        assert it.seq == 105
        assert [message.follow for message in it.host.of(Timeline.FollowChanged)] == [False, True]


async def test_the_wheel_scrolls_and_leaves_the_cursor() -> None:
    async with shown(many_rows(100)) as it:
        await it.pilot._post_mouse_events([_wheel_up()], it.timeline, offset=(5, 5))
        await it.pilot.pause()
        assert it.seq == 100
        assert not it.follows()
        assert "row 97" in it.lines[29]


def _wheel_up() -> type:
    from textual.events import MouseScrollUp

    return MouseScrollUp


async def test_a_click_selects_and_another_one_expands() -> None:
    async with shown() as it:
        await it.pilot.click(it.timeline, offset=(30, 6))
        await it.pilot.pause()
        assert it.seq == 6
        assert it.fetched == []
        await it.pilot.click(it.timeline, offset=(30, 6))
        await it.pilot.pause()
        assert it.fetched == [6]
        assert "I read three files at once." in it.lines[12]
        await it.pilot.click(it.timeline, offset=(30, 0))  # the head
        assert it.seq == 6


async def test_expanding_shows_the_whole_event_below_its_row() -> None:
    async with shown(size=(100, 40)) as it:
        await it.press("g", *["j"] * 7, "enter")
        assert it.seq == 8
        line = it.cursor_line
        assert it.lines[line].startswith("▌▾")
        body = it.lines[line + 1 : it.line_with("/source/a.py") + 20]
        assert any("call 2 of its turn" in text for text in body)
        assert any("pytest -q" in text for text in body)
        assert any(text.startswith("  ╰ ") for text in body)
        await it.press("j")
        assert it.seq == 9
        await it.press("k", "enter")
        assert it.lines[it.cursor_line].startswith("▌▸")
        assert it.lines[it.cursor_line + 1].strip().startswith("▸")


async def test_a_resize_wraps_what_is_expanded_again() -> None:
    async with shown(size=(120, 30)) as it:
        await it.press("g", "enter")
        before = it.timeline.line_count()
        await it.pilot.resize_terminal(60, 30)
        await until(it.pilot, lambda: it.timeline.size.width == 60)
        assert it.timeline.line_count() >= before
        assert all(len(line) <= 60 for line in it.lines)
        await it.pilot.resize_terminal(120, 30)
        await until(it.pilot, lambda: it.timeline.size.width == 120)
        assert it.timeline.line_count() == before


async def test_what_cannot_be_fetched_is_not_expanded() -> None:
    async with shown(many_rows(30)) as it:
        await it.press("enter")
        assert it.fetched == [30]
        assert it.timeline.line_count() == 30


async def test_streaming_text_grows_in_place_until_it_is_stored() -> None:
    async with shown(many_rows(100)) as it:
        it.timeline.live(21, "reasoning", "Which team?")
        it.timeline.live(21, "text", "I look")
        await it.pilot.pause()
        assert it.lines[29].rstrip(" ▐") == "  │ I look"
        it.timeline.live(21, "text", " at it.")
        await it.pilot.pause()
        assert it.lines[29].rstrip(" ▐") == "  │ I look at it."
        assert "∴ reasoning  step 21" in it.lines[26]
        assert it.seq == 100
        it.timeline.extend(many_rows(2, first=101))
        await it.pilot.pause()
        assert "row 102" in it.lines[29]
        assert it.timeline.line_count() == 102


async def test_a_stream_that_is_void_or_ends_leaves_nothing() -> None:
    async with shown(many_rows(10)) as it:
        it.timeline.live(3, "text", "half")
        it.timeline.live(3, "reset", "")
        assert it.timeline.line_count() == 10
        it.timeline.live(3, "text", "half")
        it.timeline.end_live()
        await it.pilot.pause()
        assert it.timeline.line_count() == 10
        assert not any("half" in line for line in it.lines)


async def test_parallel_calls_read_as_parallel() -> None:
    async with shown() as it:
        begin = it.line_with("┏1")
        column = it.lines[begin].index("┏")
        assert [line[column : column + 2].strip() for line in it.lines[begin : begin + 7]] == [
            *("┏1", "┣2", "┣3", "┃", "┣3", "┣1", "┗2"),
        ]


async def test_a_filter_keeps_the_cursor_near_and_what_comes_goes_through_it() -> None:
    async with shown(many_rows(100)) as it:
        it.timeline.select(52)
        it.timeline.filter("tool:bash")
        await it.pilot.pause()
        assert it.seq == 54
        assert it.told[-1] == 54
        assert "40 of 100 · tool:bash" in it.lines[0]
        it.timeline.extend(many_rows(10, first=101))
        await it.pilot.pause()
        assert "44 of 110" in it.lines[0]
        assert not it.timeline.select(52)
        with pytest.raises(FilterError):
            it.timeline.filter("kind:nothing")
        assert it.timeline.filter_text == "tool:bash"
        it.timeline.filter("")
        assert it.seq == 54


async def test_a_filter_that_shows_nothing() -> None:
    async with shown() as it:
        it.timeline.filter('"no such text"')
        await it.press("j", "e", "enter")
        assert it.seq is None
        assert "0 of 19" in it.lines[0]
        it.timeline.filter("")
        await it.pilot.pause()
        assert it.seq is not None


async def test_a_search_marks_and_moves() -> None:
    async with shown(many_rows(100)) as it:
        it.timeline.select(12)
        assert it.timeline.search("NEEDLE") == 10
        assert it.seq == 20
        await it.press("n")
        assert it.seq == 30
        await it.press("N", "N")
        assert it.seq == 10
        assert "1/10 “needle”" in it.lines[0]
        it.timeline.add_hits([13])
        await it.press("n")
        assert it.seq == 13
        it.timeline.extend(many_rows(20, first=101))
        assert it.timeline.hits[-1] == 120
        assert it.timeline.search("") == 0


async def test_errors_are_a_key_away() -> None:
    async with shown() as it:
        await it.press("g", "e")
        assert it.seq == 10
        await it.press("e")
        assert it.seq == 13
        await it.press("e")
        assert it.seq == 13
        await it.press("E")
        assert it.seq == 10


async def test_an_event_is_copied_as_text() -> None:
    async with shown() as it:
        it.timeline.select(18)
        await it.press("y")
        (copied,) = it.host.of(Timeline.CopyRequested)
        assert copied.text.startswith("tool_result: step 2 · event 18")
        assert not obeyed(copied.text.replace("\n", ""))


async def test_another_run_takes_its_place() -> None:
    async with shown(many_rows(100)) as it:
        it.timeline.search("billing")
        await it.press("g", "enter")
        it.timeline.live(21, "text", "half")
        it.timeline.show_run(ROWS, it.details)
        await it.pilot.pause()
        assert it.seq == 19
        assert it.timeline.line_count() == 19
        assert it.timeline.hits == [19]
        assert it.follows()
        it.timeline.show_run([], it.details)
        await it.pilot.pause()
        assert it.seq is None


@pytest.mark.parametrize("size", [(5, 2), (1, 1), (30, 3), (400, 4)])
async def test_it_bears_any_size(size: tuple[int, int]) -> None:
    async with shown(size=size) as it:
        await it.press("g", "enter", "j", "pagedown", "e")
        it.timeline.live(4, "text", "some text")
        await it.press("G")
        assert all(len(line) <= size[0] for line in it.lines)
        assert len(it.lines) == size[1]


@pytest.mark.parametrize("width", [60, 80, 120, 200])
async def test_nothing_that_a_terminal_obeys_is_painted(width: int) -> None:
    async with shown(size=(width, 60)) as it:
        it.timeline.live(4, "text", HOSTILE)
        for seq in (16, 18):
            it.timeline.select(seq)
            await it.press("enter")
        it.timeline.search("pwned")
        await it.pilot.pause()
        assert any("]2;PWNED" in line for line in it.lines)
        assert not any(obeyed(line) for line in it.lines)


async def test_every_key_has_an_id_and_says_what_it_does() -> None:
    keys = [key for key in Timeline.BINDINGS if isinstance(key, Binding)]
    assert len({key.id for key in keys}) == len(keys) > 10
    assert all(key.id and key.tooltip for key in keys)
