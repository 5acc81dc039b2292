"""One sitting at one agent: what its runs share, from the loaded definition to the warm sandbox."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

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

T = TypeVar("T")


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
    _store: Store | None = None
    _fuse: Fuse | None = None
    _model: Model | None = None
    _workplaces: Workplaces | None = None
    _awaited: tuple[AgentDefinition, int] | None = None
    _prices: PriceList = field(default_factory=PriceList.load)

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
        script = _offline_script(path, offline, environment)
        loaded = load_agent(path, environment, _answered(script))
        definition = (overrides or Overrides()).apply(loaded.definition)
        return cls(
            folder=definition.folder,
            definition=definition,
            warnings=loaded.warnings,
            offline=script,
            fuse_limit=fuse_usd or DEFAULT_LIMIT_USD,
            runtime=runtime,
            environment=environment,
        )

    async def __aenter__(self) -> Self:
        """Open the store and the fuse, and load what takes long while a sandbox starts."""
        self._store = Store.open(self.folder)
        self._fuse = Fuse.open(self.folder, self.fuse_limit, "live" if self.offline is None else "offline")
        environment = {**_stand_ins(self.definition, _answered(self.offline)), **self.environment}
        self._workplaces = Workplaces(self.folder, self.runtime, environment, self._http_transports)
        self.prewarm(*self._awaited or (self.definition, 1))
        self._model = await asyncio.to_thread(self._connect)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give everything back."""
        if self._workplaces is not None:
            await self._workplaces.close()
        if self._model is not None:
            await self._model.close()
        if self._fuse is not None:
            self._fuse.close()
        if self._store is not None:
            self._store.close()

    @property
    def store(self) -> Store:
        """The runs of the agent; open while the sitting is entered."""
        return _entered(self._store)

    @property
    def model(self) -> Model:
        """Who answers in this sitting; open while the sitting is entered."""
        return _entered(self._model)

    def prewarm(self, definition: AgentDefinition, count: int) -> None:
        """Have `count` sandboxes for runs of `definition` ready soon; returns at once.

        Before the sitting is entered it says what entering prepares for, instead of one run of the agent as it is.
        """
        self._awaited = (definition, count)
        if self._workplaces is not None and count > 0 and needs_sandbox(definition):
            self._workplaces.prewarm(definition, count)

    def new_run(
        self,
        text: str,
        *,
        show: Callable[[Event], None] = lambda event: None,
        live: Callable[[LiveText], None] = lambda delta: None,
        trigger: Trigger | None = None,
        definition: AgentDefinition | None = None,
        model: Model | None = None,
        files: str | None = None,
    ) -> Run:
        """A run that answers `text`, ready to be executed.

        `show` gets every event once it is durable, `live` the streaming text; neither may block. `definition` and
        `model` are taken instead of the sitting's own; `files` is the snapshot that the workspace starts from.
        """
        from workbench.engine.run import Order, Run

        store, workplaces = self.store, _entered(self._workplaces)
        definition = definition or self.definition

        def record(event: Event) -> None:
            store.append(event)
            show(event)

        world = World(
            model=model or self.model,
            workplace=partial(workplaces.open, files=files),
            prices=self._prices,
            fuse=self._fuse,
            redactor=Redactor(secrets_of(definition, self.environment)),
            clock=SystemClock(),
            record=record,
            show=live,
        )
        run_id = new_run_id(datetime.now(UTC), secrets.token_bytes(8))
        return Run(definition, Order(run_id, text, trigger or Trigger()), world)

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


def _entered(part: T | None) -> T:
    if part is None:
        raise RuntimeError("a sitting is entered before it is asked for runs")
    return part


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
