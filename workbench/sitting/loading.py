"""An agent and its offline script from disk, for a sitting that may load them again."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.definition.agent import AgentDefinition, HttpServer
from workbench.definition.loader import load_agent
from workbench.definition.problems import Problem
from workbench.model.access import model_access
from workbench.sitting.overrides import Overrides

if TYPE_CHECKING:
    from workbench.model.offline_script import OfflineScript


@dataclass(frozen=True, slots=True)
class Asked:
    """How the sitting was opened, to load the agent again the same way."""

    path: Path
    offline: bool = False
    tape_only: bool = False
    overrides: Overrides = field(default_factory=Overrides)


def load(
    asked: Asked, environment: Mapping[str, str]
) -> tuple[AgentDefinition, Sequence[Problem], OfflineScript | None]:
    """The agent as it is to run, what is worth a look nevertheless, and the script that answers, if one does.

    Raises:
        DefinitionError: agent.yaml, or the offline.yaml that is needed, cannot be used; holds all problems.
    """
    # where there is no agent at all, that is the problem, and not the script that it lacks
    no_script = asked.tape_only or not asked.path.exists()
    script = None if no_script else offline_script(asked.path, asked.offline, environment)
    loaded = load_agent(asked.path, environment, answered_servers(script), nothing_asked=asked.tape_only)
    return asked.overrides.apply(loaded.definition), loaded.warnings, script


def offline_script(path: Path, offline: bool, environment: Mapping[str, str]) -> OfflineScript | None:
    """The agent's script, where it is asked for or nothing else can answer as the model.

    Raises:
        DefinitionError: it is needed and cannot be used.
    """
    if not offline and model_access(environment).possible:
        return None
    from workbench.model.offline_loader import load_offline

    return load_offline(path if path.is_dir() else path.parent)


def answered_servers(script: OfflineScript | None) -> frozenset[str]:
    """The http servers that the script answers."""
    return frozenset(script.routes) if script is not None else frozenset()


def stand_ins(definition: AgentDefinition, answered: Collection[str]) -> dict[str, str]:
    """Values for variables of servers that the offline script answers, which nothing outside ever gets to see."""
    templates = [
        template
        for server in definition.servers
        if isinstance(server, HttpServer) and server.name in answered
        for template in (server.url, *server.headers.values())
    ]
    return {name: f"offline-{name}" for template in templates for name in template.names}
