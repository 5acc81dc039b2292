"""One sitting at one agent: what its runs share, from the loaded definition to the warm sandbox."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from workbench.cost.fuse import DEFAULT_LIMIT_USD, Fuse
from workbench.cost.prices import PriceList
from workbench.definition.agent import AgentDefinition, HttpServer
from workbench.definition.loader import load_agent
from workbench.definition.problems import Problem
from workbench.definition.secrets import Redactor, secrets_of
from workbench.engine.world import LiveText, SystemClock, World
from workbench.model.access import model_access
from workbench.sitting.overrides import Overrides
from workbench.sitting.workplace import Workplaces, needs_sandbox
from workbench.trace.events import Event, Trigger
from workbench.trace.ids import new_run_id
from workbench.trace.store import Store

if TYPE_CHECKING:
    import httpx2

    from workbench.engine.run import Run
    from workbench.model.conversation import Model
    from workbench.model.offline_script import OfflineScript


class SittingError(Exception):
    """The sitting cannot begin. `str` tells a person what is missing and what to do."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """How the sitting was opened, to load the agent again the same way."""

    path: Path
    offline: bool = False
    overrides: Overrides = field(default_factory=Overrides)


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
    _asked: _Asked
    prices: PriceList = field(default_factory=PriceList.load)
    _store: Store | None = None
    _fuse: Fuse | None = None
    _model: Model | None = None
    _former_models: list[Model] = field(default_factory=list)
    _workplaces: Workplaces | None = None

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        offline: bool = False,
        fuse_usd: Decimal | None = None,
        runtime: str | None = None,
        overrides: Overrides | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Sitting:
        """Load the agent in the folder `path` and decide who answers as its model.

        The offline script answers if `offline` says so, or if there is neither a key nor an endpoint.

        Raises:
            DefinitionError: agent.yaml, or the offline.yaml that is needed, cannot be used; holds all problems.
            ValueError: an override is out of bounds.
        """
        environment = dict(os.environ if environment is None else environment)
        asked = _Asked(path, offline, overrides or Overrides())
        definition, warnings, script = _load(asked, environment)
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

    async def reload(self) -> None:
        """Load the agent and its offline script again, for the runs that come; those under way keep what they have.

        Raises:
            DefinitionError: the files cannot be used; the sitting stays as it was.
            SittingError: the answers of an offline script cannot be had any more, or only now: open a new sitting.
        """
        definition, warnings, script = _load(self._asked, self.environment)
        if (script is None) != (self.offline is None):
            raise SittingError("who answers as the model has changed; open the agent again")
        changed = script != self.offline
        self.definition, self.warnings, self.offline = definition, warnings, script
        if changed and self._model is not None:
            self._former_models.append(self._model)
            self._model = await asyncio.to_thread(self._connect)
        if self._workplaces is not None:
            self._workplaces.answered_by(self._workplace_environment(), self._http_transports())
            self.prewarm()

    async def __aenter__(self) -> Self:
        """Open the store and the fuse, and load what takes long while a sandbox starts."""
        self._store = Store.open(self.folder)
        self._fuse = Fuse.open(self.folder, self.fuse_limit, "live" if self.offline is None else "offline")
        self._workplaces = Workplaces(self.folder, self.runtime, self._workplace_environment(), self._http_transports())
        self.prewarm()
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
        trigger: Trigger | None = None,
        definition: AgentDefinition | None = None,
    ) -> Run:
        """A run that answers `text`, ready to be executed.

        `show` gets every event once it is durable, `live` the streaming text; neither may block. `definition` is the
        agent to run, by default the sitting's own; several runs may go on at once.
        """
        from workbench.engine.run import Order, Run

        agent = definition or self.definition
        return Run(agent, Order(_new_id(), text, trigger or Trigger()), self._world(agent, show, live))

    def prewarm(self) -> None:
        """Have a sandbox for the next run ready soon; returns at once."""
        if self._workplaces is not None and needs_sandbox(self.definition):
            self._workplaces.prewarm(self.definition)

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

    def _world(self, agent: AgentDefinition, show: Callable[[Event], None], live: Callable[[LiveText], None]) -> World:
        store, model, workplaces = self.store, self._model, self._workplaces
        if model is None or workplaces is None:
            raise RuntimeError("a sitting is entered before it is asked for runs")

        def record(event: Event) -> None:
            store.append(event)
            show(event)

        return World(
            model=model,
            workplace=workplaces.open,
            prices=self.prices,
            fuse=self._fuse,
            redactor=Redactor(secrets_of(agent, self.environment)),
            clock=SystemClock(),
            record=record,
            show=live,
        )

    def _workplace_environment(self) -> dict[str, str]:
        return {**_stand_ins(self.definition, _answered(self.offline)), **self.environment}

    def _connect(self) -> Model:
        from workbench.tools.opening import preload

        if self.offline is not None:
            from workbench.model.offline import open_offline

            model = open_offline(self.offline)
        else:
            from workbench.model.connect import connect

            model = connect(self.environment)
        preload()
        return model

    def _http_transports(self) -> dict[str, httpx2.AsyncBaseTransport]:
        if self.offline is None:
            return {}
        from workbench.model.offline_http import answered_servers, offline_http_transport

        answering = {name: offline_http_transport(self.offline, name) for name in answered_servers(self.offline)}
        return {name: transport for name, transport in answering.items() if transport is not None}


def _load(
    asked: _Asked, environment: Mapping[str, str]
) -> tuple[AgentDefinition, Sequence[Problem], OfflineScript | None]:
    script = _offline_script(asked.path, asked.offline, environment)
    loaded = load_agent(asked.path, environment, _answered(script))
    return asked.overrides.apply(loaded.definition), loaded.warnings, script


def _new_id() -> str:
    return new_run_id(datetime.now(UTC), secrets.token_bytes(8))


def _offline_script(path: Path, offline: bool, environment: Mapping[str, str]) -> OfflineScript | None:
    if not offline and model_access(environment).possible:
        return None
    from workbench.model.offline_loader import load_offline

    return load_offline(path if path.is_dir() else path.parent)


def _answered(script: OfflineScript | None) -> frozenset[str]:
    return frozenset(script.routes) if script is not None else frozenset()


def _stand_ins(definition: AgentDefinition, answered: Collection[str]) -> dict[str, str]:
    """Values for variables of servers that the offline script answers, which nothing outside ever gets to see."""
    templates = [
        template
        for server in definition.servers
        if isinstance(server, HttpServer) and server.name in answered
        for template in (server.url, *server.headers.values())
    ]
    return {name: f"offline-{name}" for template in templates for name in template.names}
