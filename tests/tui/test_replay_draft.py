"""A replay draft: what is edited lands where it should, and everything can be undone."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tui.taped import Call, Turn, taped
from workbench.cost.usage import Usage
from workbench.engine.replay_plan import ReplayPlan
from workbench.engine.replay_request import EditedResult, Edits, ForkPoint, ReplayRequest
from workbench.trace.tape import Tape
from workbench.tui.replay_draft import SOURCES, DraftProblem, ReplayDraft
from workbench.tui.replay_script import INPUT, NOT_CAPTURED, RUNS_LIVE, SETTINGS, SYSTEM_PROMPT, Place, fork_points
from workbench.tui.replay_texts import EntryError

TAPE = taped(
    Turn(
        "I look it up.",
        [Call("facts", {"path": "/one"}, "first"), Call("facts", {"path": "/two"}, "nothing", is_error=True)],
        [{"type": "thinking", "thinking": "hm", "signature": "s"}],
    ),
    Turn("Once more.", [Call("facts", {"path": "/three"}, [{"type": "image", "source": {"data": "eA=="}}])]),
    Turn("Found: first."),
)
TEXT = Place("block", 1, 2)
CALL, RESULT = Place("call", 1, 2), Place("result", 1, 2)


def draft() -> ReplayDraft:
    return ReplayDraft.of(TAPE)


def cost(usage: Usage) -> Decimal | None:
    return Decimal("0.001")


def places(made: ReplayDraft) -> list[Place]:
    return [entry.place for entry in made.entries()]


def test_the_script_is_the_run_in_the_order_in_which_it_happened() -> None:
    names = [(entry.place.part, entry.place.step, entry.place.index, entry.name) for entry in draft().entries()]
    assert names == [
        ("system_prompt", 0, 0, "system prompt"),
        ("settings", 0, 0, "settings"),
        ("input", 0, 0, "input"),
        ("block", 1, 1, "thinks"),
        ("block", 1, 2, "says"),
        ("call", 1, 1, "facts"),
        ("call", 1, 2, "facts"),
        ("result", 1, 1, "facts"),
        ("result", 1, 2, "facts"),
        ("block", 2, 1, "says"),
        ("call", 2, 1, "facts"),
        ("result", 2, 1, "facts"),
        ("block", 3, 1, "says"),
    ]


def test_an_unedited_draft_asks_for_the_run_again() -> None:
    assert draft().request() == ReplayRequest("run-1")
    assert not draft().edited
    assert draft().fork == ForkPoint(4)
    plan = draft().plan(cost)
    assert isinstance(plan, ReplayPlan)
    assert (plan.taped_steps, plan.live_model, plan.estimate_usd) == (3, False, Decimal(0))


@pytest.mark.parametrize(
    ("place", "text", "edits", "fork"),
    [
        (SYSTEM_PROMPT, "Be brief.", Edits(system_prompt="Be brief."), ForkPoint(1)),
        (INPUT, "And that?", Edits(input="And that?"), ForkPoint(1)),
        (SETTINGS, "max_iterations = 7", Edits(settings={"max_iterations": 7}), ForkPoint(4)),
        (SETTINGS, "model = claude-opus-4-8", Edits(settings={"model.id": "claude-opus-4-8"}), ForkPoint(1)),
        (Place("said", 2), "Go on.", Edits(messages={2: "Go on."}), ForkPoint(3)),
        (Place("said", 0), "Be quick.", Edits(messages={0: "Be quick."}), ForkPoint(1)),
        (
            RESULT,
            "second",
            Edits(results={(1, 2): EditedResult(({"type": "text", "text": "second"},), is_error=True)}),
            ForkPoint(2),
        ),
        (RESULT, "", Edits(results={(1, 2): EditedResult((), is_error=True)}), ForkPoint(2)),
        (
            Place("result", 2, 1),
            '[{"type": "text", "text": "no image"}]',
            Edits(results={(2, 1): EditedResult(({"type": "text", "text": "no image"},))}),
            ForkPoint(3),
        ),
    ],
)
def test_an_edit_lands_where_it_should(place: Place, text: str, edits: Edits, fork: ForkPoint) -> None:
    edited = draft().with_text(place, text)
    assert edited.request() == ReplayRequest("run-1", edits=edits)
    assert edited.fork == fork
    assert edited.problem() is None


def test_a_text_of_a_reply_is_edited_among_its_blocks() -> None:
    edited = draft().with_text(TEXT, "I try.")
    (blocks,) = edited.edits.replies.values()
    original = TAPE.turns[0].reply
    assert original is not None and original.content is not None
    assert list(blocks) == [original.content[0], {"type": "text", "text": "I try."}, *original.content[2:]]
    assert [entry.place for entry in edited.entries() if entry.edited] == [TEXT]
    assert edited.fork == ForkPoint(2)


def test_emptying_a_text_of_a_reply_takes_it_out() -> None:
    edited = draft().with_text(TEXT, "")
    assert [block["type"] for block in edited.edits.replies[1]] == ["thinking", "tool_use", "tool_use"]
    with pytest.raises(EntryError, match="is empty"):
        draft().with_text(Place("block", 3, 1), " ")


def test_editing_a_calls_arguments_edits_its_block_and_runs_it_live() -> None:
    edited = draft().with_text(CALL, '{"path": "/other"}')
    assert edited.edits.replies[1][3] == {
        "type": "tool_use",
        "id": "call-1-2",
        "name": "facts",
        "input": {"path": "/other"},
    }
    assert edited.fork == ForkPoint(1, 2)
    notes = {entry.place: entry.note for entry in edited.entries()}
    assert (notes[Place("result", 1, 1)], notes[RESULT]) == ("", RUNS_LIVE)
    assert edited.text(RESULT) == ""


@pytest.mark.parametrize("text", ["by hand", ""])
def test_a_result_can_be_written_for_an_edited_call(text: str) -> None:
    edited = draft().with_text(CALL, '{"path": "/other"}').with_text(RESULT, text)
    content = ({"type": "text", "text": text},) if text else ()
    assert edited.edits.results == {(1, 2): EditedResult(content)}
    assert edited.fork == ForkPoint(2)
    assert edited.problem() is None
    assert edited.reverted(RESULT).fork == ForkPoint(1, 2)
    back = edited.reverted(CALL)
    assert back.edits.results == edited.edits.results
    gone = edited.with_text(Place("reply", 1), '[{"type": "text", "text": "No."}]')
    assert not gone.edits.results
    assert gone.undo().edits == edited.edits


def test_what_the_parent_s_user_had_added_can_be_changed_and_taken_back() -> None:
    tape = taped(Turn("Look."), Turn("Done."), replay={"said": {"1": "Look again."}})
    made = ReplayDraft.of(tape)
    said = Place("said", 1)
    entry = next(entry for entry in made.entries() if entry.place == said)
    assert (made.text(said), entry.edited) == ("Look again.", False)
    assert made.with_text(said, "Elsewhere.").edits.messages == {1: "Elsewhere."}
    taken = made.with_text(said, "")
    assert taken.edits.messages == {1: ""}
    assert next(entry for entry in taken.entries() if entry.place == said).note == "taken back"
    assert not taken.with_text(said, "Look again.").edited
    assert not taken.reverted(said).edited


def test_white_space_in_json_is_no_edit_but_another_type_is() -> None:
    again = draft().with_text(CALL, '{"path":"/two"}')
    assert not again.edited
    truth = taped(Turn("", [Call("facts", {"deep": True})]))
    as_number = ReplayDraft.of(truth).with_text(Place("call", 1, 1), '{"deep": 1}')
    assert as_number.edits.replies[1][0]["input"] == {"deep": 1}
    back = as_number.with_text(Place("call", 1, 1), '{"deep": true}')
    assert not back.edited


def test_a_whole_reply_can_be_written_anew() -> None:
    edited = draft().with_text(Place("reply", 3), '[{"type": "tool_use", "name": "facts", "input": {"path": "/four"}}]')
    assert [entry.place.part for entry in edited.entries() if entry.place.step == 3] == ["call", "result"]
    assert edited.fork == ForkPoint(3, 1)
    assert edited.problem() is None
    assert edited.reverted(Place("call", 3, 1)).request() == ReplayRequest("run-1")


@pytest.mark.parametrize(
    ("place", "text", "says"),
    [
        (CALL, "{", "line 1, column 2: not JSON"),
        (CALL, "[]", "are a JSON object"),
        (CALL, '{"a": NaN}', "NaN is no JSON number"),
        (CALL, "[" * 100_000, "nested too deeply"),
        (Place("reply", 1), "{}", "JSON list of blocks"),
        (Place("reply", 1), "[]", "is empty"),
        (Place("reply", 1), '["text"]', "block 1 is no content block"),
        (Place("reply", 1), '[{"type": "text", "text": " "}]', "is empty"),
        (Place("reply", 1), '[{"type": "text"}, {"type": "text", "text": "x"}]', 'block 1 is text and needs a "text"'),
        (Place("reply", 1), '[{"type": "tool_use", "name": "x"}]', 'object as its "input"'),
        (Place("result", 2, 1), "no json", "not JSON"),
        (INPUT, " ", "the input cannot be empty"),
        (SETTINGS, "max_iterations: 3", "line 1: a setting is written"),
        (SETTINGS, "max_iterations = 0", "line 1: max_iterations takes a whole number from 1"),
        (SETTINGS, "\n# why\nmodell.id = x", "line 3: .*did you mean model.id"),
        (SETTINGS, "model = a\nmodel.id = b", "line 2: model.id is set twice"),
        (Place("block", 9, 1), "x", "there is no step 9"),
    ],
)
def test_what_cannot_stand_there_is_said(place: Place, text: str, says: str) -> None:
    with pytest.raises(EntryError, match=says):
        draft().with_text(place, text)


def test_settings_are_lines_and_only_what_differs_is_an_edit() -> None:
    lines = draft().text(SETTINGS)
    assert "budget.usd = 0.5" in lines.splitlines()
    assert not draft().with_text(SETTINGS, lines + "\n\n# nothing\n").edited
    assert not draft().with_text(SETTINGS, lines.replace("= 0.5", "= 0.50")).edited
    assert not draft().with_text(SETTINGS, "").edited
    edited = draft().with_text(SETTINGS, lines.replace("= 0.5", "= 0.75").replace("= 20", "= 30"))
    assert edited.edits.settings == {"budget.usd": "0.75", "max_iterations": 30}
    assert edited.with_text(SETTINGS, edited.text(SETTINGS) + "\n").edits == edited.edits
    assert edited.edit_count == 2


def test_another_container_lets_tools_run_live() -> None:
    edited = draft().with_text(SETTINGS, "container.pids = 99")
    assert edited.asked.tools == "live"
    assert edited.undo().asked.tools == "tape_while_unchanged"
    kept = edited.with_tools("tape").with_text(SETTINGS, "container.pids = 99\nmax_iterations = 3")
    assert kept.asked.tools == "tape"


def test_the_error_mark_of_a_result_is_an_edit_of_its_own() -> None:
    edited = draft().with_error_mark(RESULT, False)
    assert edited.edits.results[(1, 2)] == EditedResult(({"type": "text", "text": "nothing"},), is_error=False)
    assert not edited.with_error_mark(RESULT, True).edited


def test_what_was_not_captured_says_so_and_has_no_text_to_edit() -> None:
    tape = taped(Turn("", [Call("facts", None, None)]), Turn("done", [Call("facts", {}, answered=False)]))
    fixed = {entry.place: entry.fixed for entry in ReplayDraft.of(tape).entries()}
    assert fixed[Place("call", 1, 1)] == fixed[Place("result", 1, 1)] == NOT_CAPTURED
    assert "ended before" in fixed[Place("result", 2, 1)]
    assert ReplayDraft.of(tape).text(Place("call", 1, 1)) == "(not captured)"


def test_a_problem_names_the_entry_that_it_is_about() -> None:
    made = draft().with_text(SYSTEM_PROMPT, "Be brief.").with_text(Place("block", 2, 1), "No more.")
    problem = made.problem()
    assert problem == DraftProblem(
        "the edited reply of step 2 would not be used: the model is asked live from step 1", Place("block", 2, 1)
    )
    assert made.plan(cost) == problem
    assert made.with_model("tape_while_unchanged").problem() is None


def test_the_fork_can_be_chosen_and_moved() -> None:
    chosen = draft().with_fork(ForkPoint(1, 2))
    assert chosen.request() == ReplayRequest("run-1", ForkPoint(1, 2))
    assert fork_points(TAPE, Edits()) == [
        ForkPoint(1),
        ForkPoint(1, 1),
        ForkPoint(1, 2),
        ForkPoint(2),
        ForkPoint(2, 1),
        ForkPoint(3),
        ForkPoint(4),
    ]
    assert chosen.fork_moved(1).fork == ForkPoint(2)
    assert chosen.fork_moved(-9).fork == ForkPoint(1)
    assert chosen.with_fork(None).fork == ForkPoint(4)


def test_what_is_behind_the_fork_is_answered_as_the_switches_say() -> None:
    made = draft().with_fork(ForkPoint(1, 2))
    sources = {entry.place: made.source(entry) for entry in made.entries()}
    assert sources[SYSTEM_PROMPT] is None
    assert sources[CALL] == sources[Place("result", 1, 1)] == "tape"
    assert sources[RESULT] == "tape_while_unchanged"
    assert sources[Place("block", 2, 1)] == "live"


def test_a_draft_goes_on_over_a_tape_that_has_grown() -> None:
    short = taped(Turn("I look.", [Call("facts", {"path": "/one"}, "first")]), completed=False)
    made = ReplayDraft.of(short).with_text(Place("result", 1, 1), "other")
    grown = made.on_tape(taped(Turn("I look.", [Call("facts", {"path": "/one"}, "first")]), Turn("Found.")))
    assert grown.request() == made.request()
    assert Place("block", 2, 1) in places(grown)


# Properties

_SAFE = st.text(max_size=12)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | _SAFE,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_SAFE, inner, max_size=3),
    max_leaves=6,
)
_ARGUMENTS = st.dictionaries(_SAFE, _JSON, max_size=3)
_CALLS = st.builds(
    Call,
    st.sampled_from(["bash", "facts"]),
    _ARGUMENTS | st.none(),
    _SAFE | st.none() | st.just([{"type": "image", "source": {"data": "eA=="}}]),
    st.booleans(),
    st.booleans(),
)
_TURNS = st.builds(Turn, _SAFE.filter(bool), st.lists(_CALLS, max_size=3))
_TAPES: st.SearchStrategy[Tape] = st.lists(_TURNS, min_size=1, max_size=4).map(lambda turns: taped(*turns))


@st.composite
def _change(draw: st.DrawFn, made: ReplayDraft) -> Callable[[ReplayDraft], ReplayDraft]:
    """Any change that the editor can make to the draft."""
    entries = [entry for entry in made.entries() if not entry.fixed]
    entry = draw(st.sampled_from(entries))
    step = entry.place.step
    texts: st.SearchStrategy[Any] = {
        "call": _ARGUMENTS.map(json.dumps),
        "settings": st.integers(1, 99).map("max_iterations = {}".format),
    }.get(entry.place.part, st.just(made.text(entry.place)) if entry.form == "json" else _SAFE.filter(str.strip))
    text = draw(texts)
    source = draw(st.sampled_from(SOURCES))
    changes: list[Callable[[ReplayDraft], ReplayDraft]] = [
        lambda before: before.with_text(entry.place, text),
        lambda before: before.with_text(Place("said", step), text),
        lambda before: before.reverted(entry.place),
        lambda before: before.all_reverted(),
        lambda before: before.with_model(source),
        lambda before: before.with_tools(source),
        lambda before: before.fork_moved(draw(st.integers(-3, 3))),
        lambda before: before.with_fork(None),
    ]
    if entry.place.part == "result":
        changes.append(lambda before: before.with_error_mark(entry.place, not entry.is_error))
    return draw(st.sampled_from(changes))


@given(st.data(), _TAPES)
def test_undo_is_the_inverse_of_every_change_and_redo_that_of_undo(data: st.DataObject, tape: Tape) -> None:
    drafts = [ReplayDraft.of(tape)]
    for _ in range(data.draw(st.integers(1, 6))):
        changed = data.draw(_change(drafts[-1]))(drafts[-1])
        if changed is not drafts[-1]:
            drafts.append(changed)
    last = drafts[-1]
    for before in reversed(drafts[:-1]):
        last = last.undo()
        assert last.request() == before.request()
        assert last.entries() == before.entries()
    assert last.request() == ReplayRequest(tape.run_id)
    assert not last.can_undo
    for later in drafts[1:]:
        last = last.redo()
        assert last.request() == later.request()


@given(st.data(), _TAPES)
def test_the_text_of_an_entry_given_back_is_no_edit(data: st.DataObject, tape: Tape) -> None:
    made = ReplayDraft.of(tape)
    entry = data.draw(st.sampled_from([entry for entry in made.entries() if not entry.fixed]))
    assert made.with_text(entry.place, made.text(entry.place)) is made
    assert not made.with_text(entry.place, made.text(entry.place) + ("\n" if entry.form == "json" else "")).edited


@given(st.data(), _TAPES)
def test_one_edit_marks_one_entry_reads_as_written_and_reverts(data: st.DataObject, tape: Tape) -> None:
    made = ReplayDraft.of(tape)
    entry = data.draw(st.sampled_from([entry for entry in made.entries() if not entry.fixed]))
    if entry.place.part == "call":
        wanted: Any = data.draw(_ARGUMENTS)
        edited = made.with_text(entry.place, json.dumps(wanted))
        assert json.loads(edited.text(entry.place)) == wanted
    elif entry.form == "json" or entry.place.part == "settings":
        return
    else:
        wanted = data.draw(_SAFE.filter(str.strip))
        edited = made.with_text(entry.place, wanted)
        assert edited.text(entry.place) == wanted
    others = [other for other in edited.entries() if other.edited]
    assert [other.place for other in others] == ([entry.place] if edited.edited else [])
    assert edited.reverted(entry.place).request() == made.request()
    assert edited.all_reverted().request() == made.request()
