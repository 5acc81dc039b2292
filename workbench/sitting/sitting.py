"""One sitting at one agent: what its runs share, from the loaded definition to the warm sandbox."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from workbench.cost.fuse import DEFAULT_LIMIT_USD, Fuse
from workbench.cost.prices import PriceList
from workbench.definition.agent import AgentDefinition
from workbench.definition.document import definition_from_document
from workbench.definition.problems import Problem
from workbench.definition.secrets import Redactor, secrets_of
from workbench.engine.limits import Spending
from workbench.engine.paid import paid_reply
from workbench.engine.replay_plan import ReplayPlan
from workbench.engine.replay_request import ReplayRequest
from workbench.engine.rerun import hot_rerun, resume_request
from workbench.engine.world import Ask, LiveText, SystemClock, World, nobody_to_ask
from workbench.model.tape_only import TapeOnlyModel
from workbench.sitting.answering import connected, http_transports
from workbench.sitting.loading import Asked, answered_servers, load, offline_script, stand_ins
from workbench.sitting.overrides import Overrides
from workbench.sitting.replays import TapedEvents, plan_of, replay_order, replayed_agent, without_secrets
from workbench.sitting.workplace import Workplaces, needs_sandbox
from workbench.trace.errors import StoreError
from workbench.trace.events import Event, RunStarted, Trigger
from workbench.trace.ids import new_run_id
from workbench.trace.store import Store
from workbench.trace.tape import Tape, tape_of

if TYPE_CHECKING:
    from workbench.engine.run import Run
    from workbench.model.conversation import Model, Reply, Request
    from workbench.model.offline_script import OfflineScript


class SittingError(Exception):
    """The sitting cannot begin. `str` tells a person what is missing and what to do."""


@dataclass
class Sitting:
    """A loaded agent and all that its runs share. Use it as an async context manager, then ask it for runs."""

    folder: Path
    definition: AgentDefinition
    warnings: Sequence[Problem]
    offline: OfflineScript | None
    fuse_limit: Decimal
    runtime: str | None
    environment: Mapping[str, str]
    _asked: Asked
    prices: PriceList = field(default_factory=PriceList.load)
    _store: Store | None = None
    _fuse: Fuse | None = None
    _model: Model | None = None
    _former_models: list[Model] = field(default_factory=list)
    _workplaces: Workplaces | None = None
    _expected: tuple[AgentDefinition, int] | None = None

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        offline: bool = False,
        tape_only: bool = False,
        fuse_usd: Decimal | None = None,
        runtime: str | None = None,
        overrides: Overrides | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Sitting:
        """Load the agent in the folder `path` and decide who answers as its model.

        The offline script answers if `offline` says so, or if there is neither a key nor an endpoint. With `tape_only`
        nobody does: the sitting is for replays that need nothing but their tape.

        Raises:
            DefinitionError: agent.yaml, or the offline.yaml that is needed, cannot be used; holds all problems.
            ValueError: an override is out of bounds.
        """
        environment = dict(os.environ if environment is None else environment)
        asked = Asked(path, offline, tape_only, overrides or Overrides())
        definition, warnings, script = load(asked, environment)
        return cls(
            folder=definition.folder,
            definition=definition,
            warnings=warnings,
            offline=script,
            fuse_limit=fuse_usd or DEFAULT_LIMIT_USD,
            runtime=runtime,
            environment=environment,
            _asked=asked,
        )

    @classmethod
    def of_run(
        cls,
        folder: Path,
        run_id: str,
        *,
        offline: bool | None = None,
        tape_only: bool = False,
        fuse_usd: Decimal | None = None,
        runtime: str | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Sitting:
        """A sitting at the agent as a stored run recorded it, whatever its files say now, to replay that run.

        The model is answered by whom the run was answered by: `offline` None means the offline script if it answered
        the run, or if there is neither a key nor an endpoint.

        Raises:
            StoreError: there is no such run.
            DefinitionError: what it recorded cannot be read, or the offline.yaml that is needed cannot be used.
        """
        environment = dict(os.environ if environment is None else environment)
        with Store.open(folder, read_only=True) as store:
            started = next(store.events(run_id, limit=1)).data
        if not isinstance(started, RunStarted):
            raise StoreError(f"run {run_id} does not begin with run_started")
        definition = definition_from_document(started.definition, folder.resolve())
        scripted = started.model_source == "offline" if offline is None else offline
        script = None if tape_only else offline_script(folder, scripted, environment)
        return cls(
            folder=definition.folder,
            definition=definition,
            warnings=(),
            offline=script,
            fuse_limit=fuse_usd or DEFAULT_LIMIT_USD,
            runtime=runtime,
            environment=environment,
            _asked=Asked(folder, script is not None, tape_only, Overrides()),
        )

    async def reload(self) -> None:
        """Load the agent and its offline script again, for the runs that come; those under way keep what they have.

        Raises:
            DefinitionError: the files cannot be used; the sitting stays as it was.
            SittingError: the answers of an offline script cannot be had any more, or only now: open a new sitting.
        """
        definition, warnings, script = load(self._asked, self.environment)
        if (script is None) != (self.offline is None):
            raise SittingError("who answers as the model has changed; open the agent again")
        changed = script != self.offline
        self.definition, self.warnings, self.offline = definition, warnings, script
        if changed and self._model is not None:
            self._former_models.append(self._model)
            self._model = await asyncio.to_thread(self._connect)
        if self._workplaces is not None:
            self._workplaces.resolve_by(self._workplace_environment())
            self.prewarm()

    async def __aenter__(self) -> Self:
        """Open the store and the fuse, and load what takes long while a sandbox starts."""
        self._store = Store.open(self.folder)
        self._fuse = Fuse.open(self.folder, self.fuse_limit, "live" if self.offline is None else "offline")
        self._workplaces = Workplaces(
            self.folder, self.runtime, self._workplace_environment(), lambda: http_transports(self.offline)
        )
        if self._asked.tape_only:
            self._model = TapeOnlyModel()
            return self
        self.prewarm(*self._expected or (None, 1))
        self._model = await asyncio.to_thread(self._connect)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give everything back."""
        if self._workplaces is not None:
            await self._workplaces.close()
        for model in (*self._former_models, self._model):
            if model is not None:
                await model.close()
        if self._fuse is not None:
            self._fuse.close()
        if self._store is not None:
            self._store.close()

    def new_run(
        self,
        text: str,
        *,
        show: Callable[[Event], None] = lambda event: None,
        live: Callable[[LiveText], None] = lambda delta: None,
        ask: Ask = nobody_to_ask,
        trigger: Trigger | None = None,
        definition: AgentDefinition | None = None,
        model: Model | None = None,
        snapshot: str | None = None,
    ) -> Run:
        """A run that answers `text`, ready to be executed.

        `show` gets every event once it is durable, `live` the streaming text; neither may block. `ask` is asked before
        calls of tools whose `permission_policy` is always_ask. `definition` is the agent to run and `model` who
        answers, by default the sitting's own; several runs may go on at once. `snapshot` names the files that the
        workspace begins with; then it is the run's own, even if the agent's is persistent.
        """
        from workbench.engine.order import Order
        from workbench.engine.run import Run

        agent = definition or self.definition
        store = self.store

        def record(event: Event) -> None:
            store.append(event)
            show(event)

        world = self._world(agent, record, live, ask)
        if model is not None:
            world = replace(world, model=model)
        order = Order(_new_id(), text, trigger or Trigger(), first_snapshot=snapshot)
        return Run(agent, order, world)

    def tape(self, run_id: str) -> Tape:
        """The tape of a stored run.

        Raises:
            StoreError: there is no such run, or its trace cannot be played.
        """
        return tape_of(self.store.events(run_id))

    def plan(self, request: ReplayRequest, definition: AgentDefinition | None = None) -> ReplayPlan:
        """What a replay would take from the tape, run live, and cost; nothing is sent.

        Raises:
            ReplayError, SettingError: the request asks for what cannot be.
            StoreError: there is no such run, or its trace cannot be played.
        """
        return plan_of(self.store, self.folder, request, self.prices, definition)

    def new_replay(
        self,
        request: ReplayRequest,
        *,
        show: Callable[[Event], None] = lambda event: None,
        live: Callable[[LiveText], None] = lambda delta: None,
        ask: Ask = nobody_to_ask,
        trigger: Trigger | None = None,
        definition: AgentDefinition | None = None,
        tape: Tape | None = None,
    ) -> Run:
        """A replay, ready to be executed: a run of its own, its parent recorded and left as it is.

        `definition` is the agent to run, by default the one that the parent recorded; the request's edits are made to
        it. `tape` is the parent's where it is not in the store; then the files of its snapshots are not there either,
        for tools that run live. With `model` and `tools` from the tape nothing is needed but the tape.

        Raises:
            ReplayError, SettingError: the request asks for what cannot be.
            DefinitionError: the agent that the parent recorded cannot be read.
            StoreError: there is no such run, or its trace cannot be played.
        """
        from workbench.engine.run import Run

        tape = tape or self.tape(request.parent_run_id)
        resumed = self._resumed(trigger, tape)
        if resumed is not None and resumed is not tape and definition is None:
            definition = definition_from_document(resumed.started.definition, self.folder)
        agent = replayed_agent(self.folder, tape, request, definition)
        request = without_secrets(request, self._redactor(agent))
        order, playback = replay_order(_new_id(), tape, request, agent, trigger, resumed)
        world = self._world(agent, TapedEvents(self.store.append_many, show), live, ask)
        if request.model == "tape":
            world = replace(world, model=TapeOnlyModel())
        return Run(agent, order, world, playback)

    async def ask_model(self, request: Request, purpose: str) -> tuple[Reply, Decimal | None]:
        """Ask the model something outside of any run, under the fuse, where `purpose` stands for the run.

        Gives the reply and its cost in USD, None where the price is unknown. A sitting of which only tapes are played
        reaches for the model that the environment offers.

        Raises:
            RunStoppedError: it could pass the fuse, or costs money at an unknown price; nothing was sent.
            ModelError: no reply was to be had.
        """
        if self.model.source == "tape":
            self._former_models.append(self.model)
            self._model = await asyncio.to_thread(self._connect)
        spending = Spending(purpose, None, self.prices, self.fuse, SystemClock(), lambda notice: None)
        authorized = spending.authorize(request, self.model.source, Decimal(0))
        return await paid_reply(self.model, request, spending, authorized)

    def _resumed(self, trigger: Trigger | None, tape: Tape) -> Tape | None:
        """The run that a resume goes on with; it may be a replay whose parent's tape is played once more."""
        if trigger is None or trigger.kind != "resume":
            return None
        return tape if trigger.detail in ("", tape.run_id) else self.tape(trigger.detail)

    def resume_request(self, run_id: str) -> ReplayRequest:
        """The request that goes on with a run that was cut off; run it with `Trigger("resume", run_id)`.

        Raises:
            ReplayError: the run has its answer, or its last reply ended it.
            StoreError: there is no such run, or its trace cannot be played.
        """
        return resume_request(self.tape(run_id))

    def hot_rerun_request(
        self, run_id: str, *, source_changed: bool = False, script_changed: bool = False
    ) -> ReplayRequest:
        """The request that runs the agent as it is now on the input of a run, with only that live which is affected.

        `source_changed` and `script_changed` say that files under the agent's source, or its offline script, are others
        than those that the run had. Give it to `new_replay` with `definition=sitting.definition` and
        `Trigger("save", run_id)`.

        Raises:
            StoreError: there is no such run, or its trace cannot be played.
        """
        tape = self.tape(run_id)
        source = tape.started.model_source
        other = source != "tape" and (source == "offline") != (self.offline is not None)
        return hot_rerun(
            tape,
            self.definition.document,
            source_changed=source_changed,
            answers_changed=other or (script_changed and self.offline is not None),
        )

    def expect(self, definition: AgentDefinition, count: int) -> None:
        """Say, before the sitting is entered, that it begins with `count` runs at once of `definition`."""
        self._expected = (definition, count)

    def prewarm(self, definition: AgentDefinition | None = None, count: int = 1) -> None:
        """Have sandboxes for the next `count` runs ready soon, by default of the agent as it is; returns at once."""
        agent = definition or self.definition
        if self._workplaces is not None and count > 0 and needs_sandbox(agent):
            self._workplaces.prewarm(agent, count)

    @property
    def model(self) -> Model:
        """Who answers, open while the sitting is."""
        if self._model is None:
            raise RuntimeError("a sitting is entered before it is used")
        return self._model

    @property
    def store(self) -> Store:
        """The agent's store, open while the sitting is."""
        if self._store is None:
            raise RuntimeError("a sitting is entered before it is used")
        return self._store

    @property
    def fuse(self) -> Fuse:
        """The sitting's spending limit, open while the sitting is."""
        if self._fuse is None:
            raise RuntimeError("a sitting is entered before it is used")
        return self._fuse

    def _world(
        self,
        agent: AgentDefinition,
        record: Callable[[Event], None],
        live: Callable[[LiveText], None],
        ask: Ask,
    ) -> World:
        model, workplaces = self._model, self._workplaces
        if model is None or workplaces is None:
            raise RuntimeError("a sitting is entered before it is asked for runs")
        return World(
            model=model,
            workplace=workplaces.open,
            prices=self.prices,
            fuse=self._fuse,
            redactor=self._redactor(agent),
            clock=SystemClock(),
            record=record,
            show=live,
            ask=ask,
        )

    def _redactor(self, agent: AgentDefinition) -> Redactor:
        return Redactor(secrets_of(agent, self.environment))

    def _workplace_environment(self) -> dict[str, str]:
        return {**stand_ins(self.definition, answered_servers(self.offline)), **self.environment}

    def _connect(self) -> Model:
        return connected(self.offline, self.environment)


def _new_id() -> str:
    return new_run_id(datetime.now(UTC), secrets.token_bytes(8))
