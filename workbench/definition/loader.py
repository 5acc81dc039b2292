"""From a folder to an agent: read agent.yaml and the prompt, check everything, tell all problems at once."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from workbench.definition.agent import (
    AgentDefinition,
    BashServer,
    ContainerSettings,
    CronTrigger,
    FilesystemServer,
    HttpServer,
    McpHttpServer,
    McpStdioServer,
    ModelSettings,
    NetworkPolicy,
    Observability,
    Server,
    Thinking,
    WebhookTrigger,
    WebSearchServer,
)
from workbench.definition.agent_files import FileProblems, Prompt, located
from workbench.definition.document import definition_from_document, with_document
from workbench.definition.problems import DefinitionError, Problem, in_order
from workbench.definition.references import Template
from workbench.definition.rules import check_rules
from workbench.definition.schema import (
    AgentPart,
    BashPart,
    ContainerPart,
    CronPart,
    FilesystemPart,
    HttpPart,
    McpPart,
    WebhookPart,
    WebSearchPart,
)
from workbench.definition.validation import validate
from workbench.definition.variables import check_variables, misplaced_references
from workbench.definition.yamlfile import read_yaml

__all__ = ["CheckReport", "LoadedAgent", "check_agent", "definition_from_document", "load_agent"]

AGENT_FILE = "agent.yaml"


@dataclass(frozen=True, slots=True)
class LoadedAgent:
    """An agent that can run, and what is worth a look nevertheless."""

    definition: AgentDefinition
    warnings: Sequence[Problem] = ()


@dataclass(frozen=True, slots=True)
class CheckReport:
    """Everything that a check found.

    `problems` are in file order, warnings included. `agent` is None if one of them is an error. `files` are those that
    could be read.
    """

    problems: Sequence[Problem]
    agent: LoadedAgent | None
    files: Sequence[Path] = ()

    @property
    def errors(self) -> Sequence[Problem]:
        """The problems that keep the agent from running."""
        return tuple(problem for problem in self.problems if problem.severity == "error")


def load_agent(
    path: Path, environment: Mapping[str, str], answered_offline: Collection[str] = (), *, nothing_asked: bool = False
) -> LoadedAgent:
    """Load the agent in a folder, or that of an agent.yaml.

    Args:
        path: The agent's folder, or its agent.yaml by whatever name.
        environment: What `${NAME}` references stand for. Only whether they are set, and fit, matters here.
        answered_offline: Names of servers whose answers are scripted: a variable that is unset is no error there.
        nothing_asked: No server and no container is needed, so variables may be unset.

    Raises:
        DefinitionError: with all problems at once, warnings included.
    """
    report = check_agent(path, environment, answered_offline, nothing_asked=nothing_asked)
    if report.agent is None:
        raise DefinitionError(report.problems)
    return report.agent


def check_agent(
    path: Path, environment: Mapping[str, str], answered_offline: Collection[str] = (), *, nothing_asked: bool = False
) -> CheckReport:
    """Check the agent in a folder, or that of an agent.yaml, as `load_agent` loads it; never raises for bad files."""
    file = path / AGENT_FILE if os.path.isdir(path) else path  # noqa: PTH112 - does not raise for any name
    try:
        yaml = read_yaml(file)
    except DefinitionError as error:
        return CheckReport(in_order(error.problems), None)
    folder = file.parent.resolve()
    part, shape = validate(AgentPart, yaml)
    files = FileProblems(yaml, folder)
    prompt = files.prompt()
    files.source()
    files.dockerfile()
    misplaced = misplaced_references(yaml)
    variables = check_variables(yaml, environment, answered_offline, nothing_asked=nothing_asked)
    problems = _all_problems(misplaced, [*shape, *check_rules(yaml), *variables, *files.problems])
    read = (folder / file.name, *((prompt.file,) if prompt else ()))
    if part is None or prompt is None or any(problem.severity == "error" for problem in problems):
        return CheckReport(problems, None, read)
    definition = _definition(part, prompt, folder, read)
    return CheckReport(problems, LoadedAgent(definition, problems), read)


def _all_problems(misplaced: Sequence[Problem], others: Sequence[Problem]) -> Sequence[Problem]:
    """All problems in file order. Of a value with a reference that cannot stand there, only that is told."""
    told = {problem.where for problem in misplaced}
    return in_order([*misplaced, *(problem for problem in others if problem.where not in told)])


def _definition(part: AgentPart, prompt: Prompt, folder: Path, files: Sequence[Path]) -> AgentDefinition:
    source, dockerfile = _written(part.source), _written(part.container.dockerfile)
    thinking = Thinking(part.model.thinking.type, part.model.thinking.budget_tokens)
    agent = AgentDefinition(
        folder=folder,
        name=part.name,
        description=part.description,
        model=ModelSettings(part.model.id, part.model.effort, part.model.max_tokens, thinking),
        system_prompt=prompt.text,
        document={},
        digest="",
        servers=tuple(_server(server) for server in part.mcp_servers),
        network=NetworkPolicy(tuple(part.network.allow), tuple(part.network.deny)),
        container=_container(part.container, folder),
        source=located(folder, source) if source else None,
        persistent=part.storage.persistent,
        triggers=tuple(_trigger(trigger) for trigger in part.triggers),
        timeout=part.timeout,
        max_iterations=part.max_iterations,
        budget_usd=part.budget.usd if part.budget else None,
        observability=Observability(
            part.observability.log_level, part.observability.capture_tool_calls, part.observability.capture_reasoning
        ),
        files=tuple(files),
    )
    return with_document(agent, source, dockerfile)


def _written(path: str | None) -> str | None:
    """The path as the document has it: `./fixtures/` and `fixtures` are one."""
    return None if path is None else str(PurePosixPath(path))


def _templates(values: Mapping[str, str]) -> dict[str, Template]:
    return {name: Template(value) for name, value in values.items()}


def _server(part: FilesystemPart | BashPart | WebSearchPart | HttpPart | McpPart) -> Server:
    match part:
        case FilesystemPart():
            granted = set(part.permissions)
            permissions = tuple(permission for permission in ("read", "write") if permission in granted)
            return FilesystemServer(part.path, permissions, part.name, part.permission_policy)
        case BashPart():
            return BashServer(part.name, part.permission_policy)
        case WebSearchPart():
            return WebSearchServer(tuple(part.allowed_domains), tuple(part.blocked_domains), part.max_uses, part.name)
        case HttpPart():
            methods = tuple(dict.fromkeys(part.methods))
            headers = _templates(part.headers)
            url, policy = Template(part.url), part.permission_policy
            return HttpServer(part.name, url, headers, part.description, methods, part.timeout, policy)
        case McpPart():
            return _mcp_server(part)


def _mcp_server(part: McpPart) -> McpHttpServer | McpStdioServer:
    if part.url is not None:
        headers = _templates(part.headers)
        return McpHttpServer(part.name, Template(part.url), headers, part.timeout, part.permission_policy)
    command = tuple(part.command or ())
    return McpStdioServer(part.name, command, dict(part.env), part.timeout, part.permission_policy)


def _container(part: ContainerPart, folder: Path) -> ContainerSettings:
    return ContainerSettings(
        image=part.image,
        dockerfile=located(folder, part.dockerfile) if part.dockerfile else None,
        pip=tuple(part.packages.pip),
        npm=tuple(part.packages.npm),
        apt=tuple(part.packages.apt),
        memory_bytes=part.memory,
        cpus=part.cpus,
        pids=part.pids,
        disk_bytes=part.disk,
        env=_templates(part.env),
    )


def _trigger(part: WebhookPart | CronPart) -> WebhookTrigger | CronTrigger:
    if isinstance(part, WebhookPart):
        return WebhookTrigger(part.path)
    return CronTrigger(part.schedule, part.input, part.timezone)
