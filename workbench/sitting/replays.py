"""What a replay is made of: the agent as the edits leave it, the order, and the playing of the tape."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from workbench.cost.prices import PriceList
from workbench.definition.agent import AgentDefinition
from workbench.definition.document import definition_from_document
from workbench.definition.secrets import Redactor
from workbench.definition.settings import with_prompt, with_settings
from workbench.engine.fork import resolve_fork
from workbench.engine.order import Order
from workbench.engine.playback import Playback
from workbench.engine.recorder import redacted
from workbench.engine.replay_plan import ReplayPlan, plan_replay
from workbench.engine.replay_request import ReplayRequest, described
from workbench.engine.rerun import same_for_model, spent_before, tools_changed, worked_in_place
from workbench.trace.events import Event, Trigger
from workbench.trace.store import Store
from workbench.trace.tape import Tape, tape_of

_MOST_HELD = 500


def replayed_agent(
    folder: Path, tape: Tape, request: ReplayRequest, definition: AgentDefinition | None = None
) -> AgentDefinition:
    """The agent that a replay runs: `definition`, by default the one that the parent recorded, with the edits.

    Raises:
        DefinitionError: what the parent recorded cannot be read.
        SettingError: an edited setting does not take its value.
    """
    agent = definition or definition_from_document(tape.started.definition, folder)
    if request.edits.system_prompt is not None:
        agent = with_prompt(agent, request.edits.system_prompt)
    return with_settings(agent, request.edits.settings)


def without_secrets(request: ReplayRequest, redactor: Redactor) -> ReplayRequest:
    """The request with every secret in what stands for a reply, a result or the user's words replaced.

    They are replaced as those of a real reply or result are, so that the model is told what the trace holds.
    """
    edits = request.edits
    if redactor.is_empty:
        return request
    cleaned = replace(
        edits,
        replies={step: redacted(list(blocks), redactor) for step, blocks in edits.replies.items()},
        results={place: redacted(edit, redactor) for place, edit in edits.results.items()},
        messages={step: redactor.text(text) for step, text in edits.messages.items()},
    )
    return replace(request, edits=cleaned)


def plan_of(
    store: Store, folder: Path, request: ReplayRequest, prices: PriceList, definition: AgentDefinition | None = None
) -> ReplayPlan:
    """What a replay would take from the tape, run live, and cost; nothing is sent.

    Raises:
        ReplayError, SettingError: the request asks for what cannot be.
        DefinitionError: the agent that the parent recorded cannot be read.
        StoreError: there is no such run, or its trace cannot be played.
    """
    tape = tape_of(store.events(request.parent_run_id))
    agent = replayed_agent(folder, tape, request, definition)
    now = datetime.now(UTC)
    changed = definition is not None and not same_for_model(tape, definition.document)
    return plan_replay(tape, request, lambda usage: prices.cost(agent.model.id, usage, now), changed=changed)


def replay_order(
    run_id: str,
    tape: Tape,
    request: ReplayRequest,
    agent: AgentDefinition,
    trigger: Trigger | None,
    resumed: Tape | None = None,
) -> tuple[Order, Playback]:
    """The order of a replay and the playing of its tape; `resumed` is the run that it goes on with, if it does.

    Raises:
        ReplayError: the request asks for what the tape does not have.
    """
    fork = resolve_fork(tape, request)
    same = same_for_model(tape, agent.document)
    before = spent_before(resumed) if resumed is not None else Decimal(0)
    in_place = agent.persistent and resumed is not None and worked_in_place(resumed)
    playback = Playback(tape, request, fork, same_definition=same)
    order = Order(
        run_id=run_id,
        input=tape.started.input if request.edits.input is None else request.edits.input,
        trigger=trigger or Trigger("replay", tape.run_id),
        parent_run_id=tape.run_id,
        fork_step=fork.step,
        fork_call=fork.call,
        replay=described(request, fork, before, playback.said, in_place=in_place),
        first_snapshot=tape.first_snapshot,
        tools_changed=tools_changed(tape, agent.document) and request.tools != "tape",
        in_place=in_place,
        spent_before=before,
    )
    return order, playback


class TapedEvents:
    """Stores the events that come from a tape many at a time: what they tell is safe with the parent already.

    Everything that is new is stored at once, with all that came before it, and nothing is shown before it is stored.
    """

    def __init__(self, store: Callable[[list[Event]], None], show: Callable[[Event], None]) -> None:
        self._store = store
        self._show = show
        self._held: list[Event] = []

    def __call__(self, event: Event) -> None:
        """Take one event."""
        self._held.append(event)
        if not _is_taped(event) or len(self._held) >= _MOST_HELD:
            self.flush()

    def flush(self) -> None:
        """Store and show what is held."""
        held, self._held = self._held, []
        if held:
            self._store(held)
        for event in held:
            self._show(event)


def _is_taped(event: Event) -> bool:
    return getattr(event.data, "origin", "live") != "live"
