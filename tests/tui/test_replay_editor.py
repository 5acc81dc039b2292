"""The replay editor as a person uses it, in an app that answers it as the workbench does."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widgets import Static, TextArea

from tests.tui.taped import Call, Turn, events_of, taped
from workbench.engine.replay_request import EditedResult, Edits, ForkPoint, ReplayRequest
from workbench.trace.tape import Tape
from workbench.tui.replay_draft import DraftProblem
from workbench.tui.replay_script import INPUT, SETTINGS, SYSTEM_PROMPT, Place
from workbench.tui.safe_text import NO_CONTROL
from workbench.tui.widgets.entry_area import MOST_IN_PLACE, EntryArea, fits_in_place
from workbench.tui.widgets.replay_editor import ReplayEditor

TURNS = (
    Turn("I look it up.", [Call("facts", {"path": "/one"}, "first"), Call("facts", {"path": "/two"}, "none", True)]),
    Turn("Once more.", [Call("facts", {"path": "/three"}, "third")]),
    Turn("Found: first."),
)
TAPE = taped(*TURNS)
RESULT = Place("result", 1, 2)


class Host(App[None]):
    """An app with nothing but the editor; it answers for plans and keeps what it is asked for."""

    def __init__(self, tape: Tape | None = TAPE, price: Decimal | None = Decimal("0.002")) -> None:
        super().__init__()
        self.tape, self.price = tape, price
        self.requested: list[ReplayRequest] = []
        self.external: list[ReplayEditor.EditExternally] = []
        self.copied: list[str] = []
        self.silent = False

    def compose(self) -> ComposeResult:
        yield ReplayEditor()

    def get_line_filters(self) -> list[object]:  # type: ignore[override]
        return [*super().get_line_filters(), NO_CONTROL]

    def on_mount(self) -> None:
        self.editor.show_tape(self.tape)
        self.editor.script.focus()

    def on_replay_editor_plan_needed(self, event: ReplayEditor.PlanNeeded) -> None:
        if self.silent:
            return
        plan = event.draft.plan(lambda usage: self.price)
        event.editor.show_plan(plan.text if isinstance(plan, DraftProblem) else plan, event.draft)

    def on_replay_editor_replay_requested(self, event: ReplayEditor.ReplayRequested) -> None:
        self.requested.append(event.request)

    def on_replay_editor_edit_externally(self, event: ReplayEditor.EditExternally) -> None:
        self.external.append(event)

    def on_replay_editor_copy_requested(self, event: ReplayEditor.CopyRequested) -> None:
        self.copied.append(event.text)

    @property
    def editor(self) -> ReplayEditor:
        return self.query_one(ReplayEditor)

    @property
    def area(self) -> TextArea:
        return self.query_one(TextArea)

    @property
    def editing(self) -> bool:
        return self.query_one(EntryArea).is_open

    @property
    def edits(self) -> Edits:
        draft = self.editor.draft
        assert draft is not None
        return draft.edits

    @property
    def summary(self) -> str:
        return str(self.query_one(".replay-editor--summary", Static).visual)

    def screen_text(self) -> str:
        """What is drawn, line by line."""
        return "\n".join(
            "".join(segment.text for segment in strip) for strip in self.screen._compositor.render_strips()
        )


async def until(pilot: Pilot[None], holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    for _ in range(200):
        if holds():
            return
        await pilot.pause(0.01)
    raise AssertionError("it never came to hold")


async def type_text(pilot: Pilot[None], host: Host, text: str) -> None:
    """Put a text in place of the one that is edited, and keep it."""
    await until(pilot, lambda: host.editing)
    host.area.load_text(text)
    await pilot.press("ctrl+s")
    await until(pilot, lambda: not host.editing)


def go(host: Host, place: Place) -> None:
    assert host.editor.script.select(place)


async def test_an_entry_is_edited_in_place_and_marked() -> None:
    host = Host()
    async with host.run_test(size=(80, 24)) as pilot:
        go(host, RESULT)
        await pilot.press("enter")
        await until(pilot, lambda: host.editing)
        assert host.area.text == "none"
        await type_text(pilot, host, "second")
        assert host.edits.results == {(1, 2): EditedResult(({"type": "text", "text": "second"},), is_error=True)}
        assert host.editor.entry is not None and host.editor.entry.place == RESULT
        await until(pilot, lambda: "1 of 3 steps" in host.summary.replace("+", ""))
        assert "1 edit" in host.summary
        lines = host.screen_text().splitlines()
        edited = next(number for number, line in enumerate(lines) if "✎" in line)
        assert "second" in lines[edited]
        assert "from tape ✓" in lines[edited + 1]
        assert "from step 2" in lines[edited + 1]


async def test_escape_leaves_the_entry_but_not_by_accident() -> None:
    host = Host()
    async with host.run_test(size=(80, 24)) as pilot:
        go(host, INPUT)
        await pilot.press("enter", "x")
        await pilot.press("escape")
        await until(pilot, lambda: "escape again drops it" in host.screen_text())
        assert host.editing
        await pilot.press("escape")
        await until(pilot, lambda: not host.editing)
        assert host.edits == Edits()
        await pilot.press("enter", "escape")
        await until(pilot, lambda: not host.editing)
        assert host.editor.script.has_focus


async def test_letters_are_text_while_a_text_is_edited() -> None:
    host = Host()
    async with host.run_test(size=(80, 24)) as pilot:
        go(host, INPUT)
        await pilot.press("enter", *"mtfux")
        assert host.area.text.startswith("mtfux")
        await pilot.press("ctrl+r")
        assert not host.requested
        await pilot.press("ctrl+s")
        await until(pilot, lambda: not host.editing)
        assert host.edits == Edits(input="mtfuxWhat is it?")


async def test_what_is_wrong_is_said_while_typing_and_not_kept() -> None:
    host = Host()
    async with host.run_test(size=(80, 24)) as pilot:
        go(host, SETTINGS)
        await pilot.press("enter", "x")
        await until(pilot, lambda: "line 1: 'xmodel.id' is no setting" in host.screen_text())
        await pilot.press("ctrl+s")
        assert host.editing
        await pilot.press("backspace")
        await until(pilot, lambda: "is no setting" not in host.screen_text())
        await type_text(pilot, host, "model = claude-sonnet-4-6\nmax_iterations = 3")
        assert host.edits.settings == {"model.id": "claude-sonnet-4-6", "max_iterations": 3}


async def test_undo_redo_and_revert() -> None:
    host = Host()
    async with host.run_test(size=(80, 24)) as pilot:
        for place, text in ((INPUT, "one"), (RESULT, "two")):
            go(host, place)
            await pilot.press("enter")
            await type_text(pilot, host, text)
        both = host.edits
        await pilot.press("u")
        assert host.edits == Edits(input="one")
        await pilot.press("U")
        assert host.edits == both
        go(host, INPUT)
        await pilot.press("x")
        assert host.edits == Edits(results=both.results)
        await pilot.press("X")
        assert host.edits == Edits()


async def test_a_message_is_added_after_a_step_and_taken_back() -> None:
    host = Host()
    async with host.run_test(size=(80, 24)) as pilot:
        go(host, RESULT)
        await pilot.press("a")
        await type_text(pilot, host, "Look again.")
        assert host.edits == Edits(messages={1: "Look again."})
        assert host.editor.entry is not None and host.editor.entry.place == Place("said", 1)
        await pilot.press("enter")
        await type_text(pilot, host, " ")
        assert host.edits == Edits()


async def test_a_calls_arguments_and_whole_replies_are_json() -> None:
    host = Host()
    async with host.run_test(size=(80, 24)) as pilot:
        go(host, Place("call", 2, 1))
        await pilot.press("enter")
        await until(pilot, lambda: host.editing)
        assert host.area.language == "json"
        await type_text(pilot, host, '{"path": "/four"}')
        assert host.edits.replies[2][1]["input"] == {"path": "/four"}
        go(host, Place("result", 2, 1))
        await until(pilot, lambda: "the tool runs live" in host.screen_text())
        await pilot.press("enter")
        await type_text(pilot, host, "by hand")
        assert host.edits.results == {(2, 1): EditedResult(({"type": "text", "text": "by hand"},))}
        await pilot.press("b")
        await type_text(pilot, host, '[{"type": "text", "text": "Enough."}]')
        assert host.edits.replies[2] == ({"type": "text", "text": "Enough."},)


async def test_switches_and_the_fork_are_moved_by_keys() -> None:
    host = Host()
    async with host.run_test(size=(100, 30)) as pilot:
        await pilot.press("m", "t")
        assert host.editor.draft is not None
        asked = host.editor.draft.request()
        assert (asked.model, asked.tools) == ("tape_while_unchanged", "tape")
        go(host, RESULT)
        await pilot.press("f")
        assert host.editor.draft.request().fork == ForkPoint(1, 2)
        await until(pilot, lambda: "from call 1.2" in host.screen_text())
        await pilot.press("left_curly_bracket")
        assert host.editor.draft.request().fork == ForkPoint(1, 1)
        await pilot.press("right_curly_bracket", "right_curly_bracket")
        assert host.editor.draft.request().fork == ForkPoint(2)
        await pilot.press("F")
        assert host.editor.draft.request().fork is None


async def test_a_replay_is_asked_for_with_its_plan_on_the_screen() -> None:
    host = Host()
    async with host.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: "costs nothing" in host.summary)
        go(host, INPUT)
        await pilot.press("enter")
        await type_text(pilot, host, "And that?")
        await until(pilot, lambda: "est. $0.0060" in host.summary)
        assert "live: model and tools" in host.summary
        await pilot.press("ctrl+r")
        await until(pilot, lambda: bool(host.requested))
        assert host.requested == [ReplayRequest("run-1", edits=Edits(input="And that?"))]


async def test_a_replay_waits_for_its_plan() -> None:
    host = Host()
    host.silent = True
    async with host.run_test(size=(80, 24)) as pilot:
        await pilot.press("ctrl+r")
        assert "working out" in host.summary
        assert not host.requested
        host.silent = False
        await pilot.press("ctrl+r")
        await until(pilot, lambda: bool(host.requested))


@pytest.mark.parametrize("price", [Decimal("0.002"), None])
async def test_costs_are_confirmed_where_the_app_says_so(price: Decimal | None) -> None:
    host = Host(price=price)
    async with host.run_test(size=(80, 24)) as pilot:
        host.editor.confirm_costs = True
        await pilot.press("ctrl+r")
        await until(pilot, lambda: len(host.requested) == 1)  # it costs nothing
        await pilot.press("f")
        await until(pilot, lambda: "est." in host.summary)
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "again sends it" in host.summary)
        await pilot.press("j")
        await until(pilot, lambda: "again sends it" not in host.summary)
        await pilot.press("ctrl+r", "ctrl+r")
        await until(pilot, lambda: len(host.requested) == 2)


async def test_a_draft_that_cannot_be_is_told_beside_its_entry_and_not_sent() -> None:
    host = Host()
    async with host.run_test(size=(100, 30)) as pilot:
        for place, text in ((SYSTEM_PROMPT, "Be brief."), (Place("block", 2, 1), "No more.")):
            go(host, place)
            await pilot.press("enter")
            await type_text(pilot, host, text)
        await until(pilot, lambda: "would not be used" in host.screen_text())
        lines = host.screen_text().splitlines()
        said = next(number for number, line in enumerate(lines) if "would not be used" in line)
        assert "No more." in lines[said - 1]
        await pilot.press("ctrl+r")
        assert not host.requested


async def test_what_is_too_long_or_odd_for_here_goes_to_the_users_editor() -> None:
    long, odd = "x" * (MOST_IN_PLACE + 1), "a\rb\x0bc\u2028d"
    host = Host(taped(Turn("Look.", [Call("facts", {}, long), Call("facts", {}, odd)]), Turn("Done.")))
    async with host.run_test(size=(80, 24)) as pilot:
        for index, text in ((1, long), (2, odd)):
            go(host, Place("result", 1, index))
            await pilot.press("enter")
            await until(pilot, lambda index=index: len(host.external) == index)  # type: ignore[misc]
            assert host.external[-1].text == text
            assert host.external[-1].suffix == ".txt"
            host.editor.take_text(host.external[-1].entry, f"short {index}")
        assert [edit.content[0]["text"] for edit in host.edits.results.values()] == ["short 1", "short 2"]


async def test_a_text_can_be_taken_elsewhere_while_it_is_edited() -> None:
    host = Host()
    async with host.run_test(size=(80, 24)) as pilot:
        go(host, Place("call", 1, 1))
        await pilot.press("enter")
        await until(pilot, lambda: host.editing)
        host.area.load_text("{")
        await pilot.press("f4")
        await until(pilot, lambda: bool(host.external))
        assert (host.external[0].text, host.external[0].suffix) == ("{", ".json")
        host.editor.take_text(host.external[0].entry, '{"path": ')
        await until(pilot, lambda: host.editing and "not JSON" in host.screen_text())
        await type_text(pilot, host, "{}")
        assert host.edits.replies[1][1]["input"] == {}


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        *[(text, True) for text in ("", "a", "a\n", "a\n\nb", "a\r\nb\r\n", "\n")],
        *[(text, False) for text in ("a\rb", "a\r\nb\n", "a\x0c", "\x85", "a\u2028b", "x" * (MOST_IN_PLACE + 1))],
    ],
)
async def test_a_text_is_edited_here_only_if_it_comes_back_as_it_was(text: str, fits: bool) -> None:
    assert fits_in_place(text) is fits
    assert (TextArea(text).text == text) or not fits


async def test_drafts_stay_with_their_runs() -> None:
    other = taped(Turn("Other."), run_id="run-2")
    host = Host()
    async with host.run_test(size=(80, 24)) as pilot:
        go(host, INPUT)
        await pilot.press("enter")
        await type_text(pilot, host, "And that?")
        host.editor.show_tape(other)
        assert host.edits == Edits()
        host.editor.show_tape(None)
        await until(pilot, lambda: "Run an input" in host.screen_text())
        assert host.editor.draft is None
        host.editor.show_tape(taped(*TURNS))
        assert host.edits == Edits(input="And that?")


async def test_an_unfolded_edit_shows_what_it_was() -> None:
    host = Host()
    async with host.run_test(size=(80, 24)) as pilot:
        go(host, Place("block", 1, 1))
        await pilot.press("space", "enter")
        await type_text(pilot, host, "I look for it.")
        await until(pilot, lambda: "I look for it up." in host.screen_text())
        await pilot.press("y")
        await until(pilot, lambda: host.copied == ["I look for it."])


async def test_a_replay_says_what_it_was_made_from() -> None:
    replay: dict[str, object] = {"edits": {"results": {"1.2": {}}}}
    host = Host(taped(*TURNS, parent_run_id="run-0", fork_step=2, fork_call=0, replay=replay))
    async with host.run_test(size=(80, 30)) as pilot:
        await until(pilot, lambda: "manual of un-0 from step 2: result 1.2" in host.screen_text())
        host.editor.show_tape(TAPE)
        await until(pilot, lambda: "run-0" not in host.screen_text())


async def test_an_event_leads_to_its_entry() -> None:
    host = Host()
    async with host.run_test(size=(80, 24)):
        found = []
        for event in events_of(*TURNS):
            entry = host.editor.entry if host.editor.go_to_event(event) else None
            found.append((event.type, entry.place if entry else None))
        assert found[3:8] == [
            ("message", Place("block", 1, 1)),
            ("tool_call", Place("call", 1, 1)),
            ("tool_call", Place("call", 1, 2)),
            ("tool_result", Place("result", 1, 1)),
            ("tool_result", Place("result", 1, 2)),
        ]
        assert host.editor.go_to(2, 1)
        assert not host.editor.go_to(9)


async def test_texts_unfold_and_what_they_hold_is_harmless() -> None:
    hostile = "\x1b]2;PWNED\x1b\\ \x9b31m [bold]no markup[/] \u202e"
    host = Host(taped(Turn(hostile, [Call(hostile, {hostile: hostile}, hostile)]), Turn(hostile), input=hostile))
    async with host.run_test(size=(80, 40)) as pilot:
        assert host.editor.draft is not None
        for entry in host.editor.draft.entries():
            go(host, entry.place)
            await pilot.press("space")
        await until(pilot, lambda: host.screen_text().count("[bold]no markup[/]") >= 7)
        assert not any(character in host.screen_text() for character in "\x1b\x9b\u202e\x07")
        go(host, INPUT)
        await pilot.press("enter")
        await until(pilot, lambda: host.editing)
        assert "\x1b" not in host.screen_text()


@pytest.mark.parametrize("size", [(40, 12), (80, 24), (200, 60)])
async def test_it_works_in_any_size(size: tuple[int, int]) -> None:
    host = Host()
    async with host.run_test(size=size) as pilot:
        go(host, Place("block", 3, 1))
        await pilot.pause()
        assert "Found: first." in host.screen_text()
        await until(pilot, lambda: "replay" in host.screen_text() and "costs nothing" in host.screen_text())
        await pilot.press("enter", "a")
        await until(pilot, lambda: "aFound: first." in host.screen_text())


async def test_every_key_has_a_name_an_id_and_a_meaning() -> None:
    host = Host()
    async with host.run_test():
        for widget in (host.editor, host.editor.script, host.query_one(EntryArea)):
            for binding in type(widget).BINDINGS:
                assert not isinstance(binding, tuple)
                assert binding.id and binding.tooltip and binding.description
    ids = [binding.id for widget in (ReplayEditor, EntryArea) for binding in widget.BINDINGS]  # type: ignore[union-attr]
    assert len(ids) == len(set(ids))
