"""A run as an editable script: its entries in the order in which they happened, with what a draft has made of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from workbench.engine.fork import call_count
from workbench.engine.playback import call_digest
from workbench.engine.replay_request import Edits, ForkPoint
from workbench.jsontypes import JsonObject
from workbench.trace.tape import Tape, TapedCall, TapedTurn

PartName = Literal["system_prompt", "settings", "input", "said", "block", "reply", "call", "result"]
"""What an entry is. `reply` is a whole reply as its content blocks, which is edited but never listed."""

Form = Literal["markdown", "json", "text", "settings"]
"""How the text of an entry is written, and with which colours."""

NOT_CAPTURED = "not captured (observability.capture_tool_calls: false)"
NO_RESULT = "the run ended before it gave a result"
RUNS_LIVE = "the tool runs live, because its call is edited; enter writes a result by hand"


@dataclass(frozen=True, slots=True)
class Place:
    """Which entry. `index` counts from 1: of a block its position in the reply, of a call and its result the call."""

    part: PartName
    step: int = 0
    index: int = 0


SYSTEM_PROMPT, SETTINGS, INPUT = Place("system_prompt"), Place("settings"), Place("input")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the script. `name` says what it is in a word or two, `fixed` why it cannot be edited, "" if it can.

    `note` stands in place of a text that is not there yet. `kind` names the kind of event whose glyph stands for it.
    """

    place: Place
    name: str
    kind: str
    form: Form
    edited: bool = False
    fixed: str = ""
    note: str = ""
    is_error: bool = False

    @property
    def point(self) -> ForkPoint | None:
        """The first fork point at which this entry is no longer the tape's; None for what a replay is always told."""
        match self.place.part:
            case "block" | "call":
                return ForkPoint(self.place.step)
            case "result":
                return ForkPoint(self.place.step, self.place.index)
            case _:
                return None


Untouched = Sequence[Sequence[Entry]]
"""The entries of each turn as the parent had it; made once for a run, since an edit changes few of them."""


def untouched_entries(tape: Tape) -> Untouched:
    """The entries of every turn without edits."""
    return tuple(tuple(_turn_entries(turn, Edits())) for turn in tape.turns)


def entries_of(tape: Tape, edits: Edits, untouched: Untouched) -> list[Entry]:
    """All entries of a run, in order; the calls of a turn stand before their results, as they happened."""
    said = tape.said
    entries = [
        Entry(SYSTEM_PROMPT, "system prompt", "system_prompt", "markdown", edits.system_prompt is not None),
        Entry(SETTINGS, "settings", "settings", "settings", bool(edits.settings)),
        Entry(INPUT, "input", "run_started", "markdown", edits.input is not None),
        *_said(said, edits, 0),
    ]
    edited = {*edits.replies, *(step for step, _ in edits.results)}
    spoken = {*said, *edits.messages}
    for turn, as_it_was in zip(tape.turns, untouched, strict=True):
        entries += _turn_entries(turn, edits) if turn.step in edited else as_it_was
        if turn.step in spoken:
            entries += _said(said, edits, turn.step)
    return entries


def blocks_of(turn: TapedTurn, edits: Edits) -> Sequence[JsonObject]:
    """The content blocks of a turn's reply, edited or as they were."""
    edited = edits.replies.get(turn.step)
    if edited is not None:
        return edited
    return (turn.reply.content or ()) if turn.reply is not None else ()


def call_position(blocks: Sequence[JsonObject], index: int) -> int | None:
    """Where the `index`-th tool call, from 1, stands among the blocks of a reply."""
    positions = [position for position, block in enumerate(blocks) if block.get("type") == "tool_use"]
    return positions[index - 1] if 0 < index <= len(positions) else None


def fork_points(tape: Tape, edits: Edits) -> list[ForkPoint]:
    """Every point at which a replay can leave the tape, from its beginning to behind its last step."""
    points = []
    for turn in tape.turns:
        points.append(ForkPoint(turn.step))
        points += [ForkPoint(turn.step, index + 1) for index in range(call_count(tape, edits, turn.step))]
    return [*points, ForkPoint(len(tape.turns) + 1)]


def _said(said: Mapping[int, str], edits: Edits, step: int) -> list[Entry]:
    edited = step in edits.messages
    if not edited and step not in said:
        return []
    note = "taken back" if edited and not edits.messages[step] else ""
    return [Entry(Place("said", step), "you say", "said", "markdown", edited, note=note)]


def _turn_entries(turn: TapedTurn, edits: Edits) -> Iterator[Entry]:
    if turn.reply is None:
        return
    if turn.reply.content is None:
        yield Entry(Place("block", turn.step, 1), "reply", "message", "text", fixed="not captured")
        return
    blocks, replaced = blocks_of(turn, edits), turn.step in edits.replies
    original = turn.reply.content
    calls: list[JsonObject] = []
    for position, block in enumerate(blocks, start=1):
        edited = replaced and _differs(block, position, len(blocks), original)
        if block.get("type") == "tool_use":
            calls.append(block)
            yield _call_entry(turn.step, len(calls), block, edited)
        else:
            yield _block_entry(Place("block", turn.step, position), block, edited)
    taped = turn.calls
    for index, call in enumerate(calls, start=1):
        yield _result_entry(Place("result", turn.step, index), call, _taped_of(taped, index), edits, replaced)


def _differs(block: JsonObject, position: int, count: int, original: Sequence[JsonObject]) -> bool:
    """Whether a block is another one than in the original reply; where blocks came or went, none like it was there."""
    return block != original[position - 1] if count == len(original) else block not in original


def _block_entry(place: Place, block: JsonObject, edited: bool) -> Entry:
    kind = str(block.get("type"))
    if kind == "text":
        return Entry(place, "says", "message", "markdown", edited)
    if kind in ("thinking", "redacted_thinking"):
        hidden = "not captured" if block.get("captured") is False else "what a model thought is its own"
        return Entry(place, "thinks", "reasoning", "text", edited, f"{hidden}; it cannot be edited")
    fixed = NOT_CAPTURED if block.get("captured") is False else "a part of the reply; b edits the whole reply"
    return Entry(place, kind.replace("_", " "), "vendor", "json", edited, fixed)


def _call_entry(step: int, index: int, block: JsonObject, edited: bool) -> Entry:
    fixed = NOT_CAPTURED if block.get("captured") is False else ""
    return Entry(Place("call", step, index), str(block.get("name")), "tool_call", "json", edited, fixed)


def _taped_of(taped: Sequence[TapedCall], index: int) -> TapedCall | None:
    return taped[index - 1] if index <= len(taped) else None


def _result_entry(place: Place, call: JsonObject, taped: TapedCall | None, edits: Edits, replaced: bool) -> Entry:
    edit = edits.results.get((place.step, place.index))
    another = replaced and (taped is None or taped.call.digest != call_digest(call))
    result = taped.result if taped is not None and not another else None
    name = str(call.get("name"))
    if edit is not None:
        return Entry(place, name, "tool_result", _form(edit.content), True, is_error=edit.is_error)
    if another:
        return Entry(place, name, "tool_result", "text", note=RUNS_LIVE)
    if result is None or result.content is None:
        fixed = NO_RESULT if result is None else NOT_CAPTURED
        return Entry(place, name, "tool_result", "text", fixed=fixed, is_error=result is not None and result.is_error)
    return Entry(place, name, "tool_result", _form(result.content), is_error=result.is_error)


def _form(content: Sequence[JsonObject]) -> Form:
    return "text" if plain_text(content) is not None else "json"


def plain_text(content: Sequence[JsonObject] | None) -> str | None:
    """The text of content that is one block of text and nothing else, or nothing at all; None for any other."""
    if not content:
        return ""
    block = content[0]
    text = block.get("text")
    return text if len(content) == 1 and block.keys() == {"type", "text"} and isinstance(text, str) else None
