"""A replay while it is being written: an immutable draft over the tape of a run, with everything undoable."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from workbench.definition.settings import SettingError
from workbench.engine.fork import ReplayError, earliest_fork, resolve_fork
from workbench.engine.replay_plan import Pricing, ReplayPlan, plan_replay
from workbench.engine.replay_request import Edits, ForkPoint, ReplayRequest, Source, described
from workbench.trace.digest import canonical
from workbench.trace.tape import Tape
from workbench.tui.replay_script import (
    INPUT,
    SETTINGS,
    SYSTEM_PROMPT,
    Entry,
    Place,
    Untouched,
    call_position,
    entries_of,
    fork_points,
    untouched_entries,
)
from workbench.tui.replay_texts import EntryError, text_of, with_error_mark, with_text, without_edit

SOURCES: Sequence[Source] = ("live", "tape_while_unchanged", "tape")


@dataclass(frozen=True, slots=True)
class DraftProblem:
    """Why the draft cannot be replayed as it is, and the entry that it is about, None for the draft as a whole."""

    text: str
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class ReplayDraft:
    """A replay of `tape` as it is written so far. Every change gives a new draft; `undo` gives back the one before."""

    tape: Tape
    asked: ReplayRequest
    _untouched: Untouched = field(repr=False, compare=False)
    _past: tuple[ReplayRequest, ...] = ()
    _future: tuple[ReplayRequest, ...] = ()

    @classmethod
    def of(cls, tape: Tape) -> ReplayDraft:
        """A draft that changes nothing yet."""
        return cls(tape, ReplayRequest(tape.run_id), untouched_entries(tape))

    def request(self) -> ReplayRequest:
        """What the engine is asked for. A draft without changes asks for the run again, all from its tape."""
        return self.asked

    # What it holds

    @property
    def edits(self) -> Edits:
        """What differs from the parent."""
        return self.asked.edits

    def entries(self) -> list[Entry]:
        """The script, in the order in which it happened."""
        return entries_of(self.tape, self.edits, self._untouched)

    def text(self, place: Place) -> str:
        """The text of an entry as it stands.

        Raises:
            EntryError: there is no such entry.
        """
        return text_of(self.tape, self.edits, place)

    def original(self, place: Place) -> str:
        """The text that the parent had there, "" where it had none, as for a part of a reply that is written anew."""
        turn = self.tape.turn(place.step)
        edited = self.edits.replies.get(place.step)
        content = turn.reply.content if turn is not None and turn.reply is not None else None
        if place.part in ("block", "call", "result") and edited is not None and len(edited) != len(content or ()):
            return ""
        try:
            return text_of(self.tape, Edits(), place)
        except EntryError:
            return ""

    @property
    def edited(self) -> bool:
        """Whether anything is edited."""
        return self.edits != Edits()

    @property
    def edit_count(self) -> int:
        """How many entries differ; a reply counts once, whichever of its parts are edited, and each setting."""
        edits = self.edits
        single = (edits.system_prompt is not None) + (edits.input is not None)
        return single + len(edits.settings) + len(edits.replies) + len(edits.results) + len(edits.messages)

    @property
    def model_id(self) -> str:
        """The model that the replay asks."""
        edited = self.edits.settings.get("model.id")
        return edited if isinstance(edited, str) else self.tape.started.model

    # Editing

    def with_text(self, place: Place, text: str) -> ReplayDraft:
        """The draft when an entry reads `text`: the same draft if it reads so already.

        Another container lets the tools run live, since only they can tell it.

        Raises:
            EntryError: it cannot read so.
        """
        if text == self.text(place) and not self._is_missing(place):
            return self
        edits = with_text(self.tape, self.edits, place, text)
        tools = "live" if _container_changed(self.edits, edits) else self.asked.tools
        return self._then(replace(self.asked, edits=edits, tools=tools))

    def with_error_mark(self, place: Place, is_error: bool) -> ReplayDraft:
        """The draft when a result is given to the model as an error, or as none."""
        return self._with_edits(with_error_mark(self.tape, self.edits, place, is_error))

    def reverted(self, place: Place) -> ReplayDraft:
        """The draft with one entry as the parent had it."""
        return self._with_edits(without_edit(self.tape, self.edits, place))

    def all_reverted(self) -> ReplayDraft:
        """The draft without edits and with the fork point where that puts it; the switches stay."""
        return self._then(replace(self.asked, edits=Edits(), fork=None))

    def with_model(self, source: Source) -> ReplayDraft:
        """The draft with another answer to who answers as the model."""
        return self._then(replace(self.asked, model=source))

    def with_tools(self, source: Source) -> ReplayDraft:
        """The draft with another answer to where tool results come from."""
        return self._then(replace(self.asked, tools=source))

    def with_fork(self, fork: ForkPoint | None) -> ReplayDraft:
        """The draft with another fork point, None for the earliest that its edits can affect."""
        return self._then(replace(self.asked, fork=fork))

    def fork_moved(self, points: int) -> ReplayDraft:
        """The draft with its fork point that many possible points later, or earlier."""
        possible = fork_points(self.tape, self.edits)
        now = self.fork
        at = possible.index(now) if now in possible else len(possible) - 1
        return self.with_fork(possible[max(0, min(at + points, len(possible) - 1))])

    def undo(self) -> ReplayDraft:
        """The draft before the last change; itself when there was none."""
        if not self._past:
            return self
        return replace(self, asked=self._past[-1], _past=self._past[:-1], _future=(self.asked, *self._future))

    def redo(self) -> ReplayDraft:
        """The draft before the last undo; itself when there was none."""
        if not self._future:
            return self
        return replace(self, asked=self._future[0], _past=(*self._past, self.asked), _future=self._future[1:])

    @property
    def can_undo(self) -> bool:
        """Whether there is a change to undo."""
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        """Whether there is a change to redo."""
        return bool(self._future)

    def on_tape(self, tape: Tape) -> ReplayDraft:
        """The same draft over a later tape of the same run, which may have grown."""
        return replace(self, tape=tape, _untouched=untouched_entries(tape))

    # What it will do

    @property
    def fork(self) -> ForkPoint:
        """Where the replay leaves the tape: the chosen point, else the earliest that the edits can affect."""
        return self.asked.fork or earliest_fork(self.tape, self.edits)

    def source(self, entry: Entry) -> Source | None:
        """Who answers for an entry: the tape, live, the tape while unchanged; None for what is always told as it is."""
        point = entry.point
        if point is None:
            return None
        if point < self.fork:
            return "tape"
        return self.asked.tools if entry.place.part == "result" else self.asked.model

    def problem(self) -> DraftProblem | None:
        """Why the engine would refuse the draft, None if it would not."""
        try:
            resolve_fork(self.tape, self.asked)
        except (ReplayError, SettingError) as error:
            return DraftProblem(str(error), self._to_blame())
        return None

    def plan(self, pricing: Pricing) -> ReplayPlan | DraftProblem:
        """What the replay will take from the tape, run live, and cost, or why it cannot be.

        `pricing` gives the cost of a reply at `model_id`.
        """
        return self.problem() or plan_replay(self.tape, self.asked, pricing)

    def _is_missing(self, place: Place) -> bool:
        """Whether the entry has a text only once one is written: the result of an edited call, which may be empty."""
        return place.part == "result" and any(entry.note for entry in self.entries() if entry.place == place)

    def _to_blame(self) -> Place | None:
        """The first edit that the engine refuses when it is the only one, at the same fork point."""
        for place, edits in _single_edits(self.edits):
            try:
                resolve_fork(self.tape, replace(self.asked, edits=edits, fork=self.fork))
            except (ReplayError, SettingError):
                return place
        return None

    def _with_edits(self, edits: Edits) -> ReplayDraft:
        return self._then(replace(self.asked, edits=edits))

    def _then(self, asked: ReplayRequest) -> ReplayDraft:
        if _same(asked, self.asked):
            return self
        return replace(self, asked=asked, _past=(*self._past, self.asked), _future=())


def after(source: Source) -> Source:
    """The next position of a switch."""
    return SOURCES[(SOURCES.index(source) + 1) % len(SOURCES)]


def _container_changed(before: Edits, now: Edits) -> bool:
    """Whether a setting of the container is newly edited, or otherwise."""
    settings = {name: value for name, value in now.settings.items() if name.startswith("container.")}
    return any(before.settings.get(name) != value for name, value in settings.items())


def _same(one: ReplayRequest, other: ReplayRequest) -> bool:
    """Whether two requests ask for the same; `1` and `true` are equal to Python, but not to a tool."""
    if one != other:
        return False
    there = ForkPoint(1)
    return canonical(described(one, there, Decimal(0), {})) == canonical(described(other, there, Decimal(0), {}))


def _single_edits(edits: Edits) -> Iterator[tuple[Place, Edits]]:
    """Each edit alone, with the entry that shows it."""
    if edits.system_prompt is not None:
        yield SYSTEM_PROMPT, Edits(system_prompt=edits.system_prompt)
    if edits.input is not None:
        yield INPUT, Edits(input=edits.input)
    if edits.settings:
        yield SETTINGS, Edits(settings=edits.settings)
    for step, blocks in edits.replies.items():
        first = Place("block", step, 1) if call_position(blocks, 1) != 0 else Place("call", step, 1)
        yield first, Edits(replies={step: blocks})
    for (step, index), result in edits.results.items():
        replies = {at: blocks for at, blocks in edits.replies.items() if at == step}
        yield Place("result", step, index), Edits(results={(step, index): result}, replies=replies)
    for step, text in edits.messages.items():
        yield Place("said", step), Edits(messages={step: text})
