"""The lineage of a run as lines."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from textual.app import App, ComposeResult

from tests.tui.taped import Turn, taped
from workbench.engine.replay_request import EditedResult, Edits, ForkPoint, ReplayRequest, described
from workbench.trace.events import Captured, RunStarted, Trigger
from workbench.tui.replay_lineage import captured_line, lineage_lines
from workbench.tui.widgets.lineage import Lineage


def started(**more: Any) -> RunStarted:
    return taped(Turn("done"), **more).started


def replayed(parent: str, edits: Edits, fork: ForkPoint, **more: Any) -> RunStarted:
    request = ReplayRequest(parent, fork, edits)
    return started(
        trigger=Trigger("replay", parent),
        parent_run_id=parent,
        fork_step=fork.step,
        fork_call=fork.call,
        replay=described(request, fork, Decimal(0), edits.messages),
        **more,
    )


CHAIN = [
    ("run-1", started()),
    ("run-2", replayed("run-1", Edits(system_prompt="Be brief.", settings={"max_iterations": 3}), ForkPoint(1))),
    ("run-3", replayed("run-2", Edits(results={(2, 1): EditedResult([])}, messages={2: "Go on."}), ForkPoint(3))),
]


def test_each_replay_says_where_it_left_its_tape_and_what_was_edited() -> None:
    assert lineage_lines(CHAIN) == [
        "run-1  manual: What is it?",
        "└ run-2  replay from step 1; system prompt, max_iterations = 3; model live, tools tape while unchanged",
        "  └ run-3  replay from step 3; result 2.1, your words after step 2; model live, tools tape while unchanged",
    ]


def test_a_parent_that_is_not_known_is_named() -> None:
    made = replayed("run-1", Edits(), ForkPoint(2, 3))
    assert lineage_lines([("run-2", made)]) == [
        "run-1",
        "└ run-2  replay from call 2.3; nothing edited; model live, tools tape while unchanged",
    ]
    assert lineage_lines([]) == []


def test_what_the_trace_holds_is_said() -> None:
    assert captured_line(started()) == "captured: replies, tool calls and results; not captured: reasoning"
    assert captured_line(started(captured=Captured(tool_calls=False, reasoning=True))) == (
        "captured: replies, reasoning; not captured: tool calls and results"
    )


def test_many_edits_are_counted_and_hostile_ids_are_harmless() -> None:
    edits = Edits(results={(1, index): EditedResult([]) for index in range(1, 9)})
    lines = lineage_lines([("run\x1b[2J", replayed("run-1", edits, ForkPoint(2)))])
    assert "8 results" in lines[1]
    assert "\x1b" not in "".join(lines)


async def test_the_widget_shows_a_chain() -> None:
    class Host(App[None]):
        def compose(self) -> ComposeResult:
            yield Lineage()

    host = Host()
    async with host.run_test(size=(120, 10)):
        host.query_one(Lineage).show(CHAIN)
        said = str(host.query_one(Lineage).visual)
        assert said.splitlines() == [*lineage_lines(CHAIN), captured_line(CHAIN[-1][1])]
        host.query_one(Lineage).show([])
        assert str(host.query_one(Lineage).visual) == ""
