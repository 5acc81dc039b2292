"""What an agent is, in the few lines that the screen has for it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from workbench.definition.agent import (
    AgentDefinition,
    BashServer,
    CronTrigger,
    FilesystemServer,
    HttpServer,
    McpHttpServer,
    McpStdioServer,
    Server,
    WebhookTrigger,
    WebSearchServer,
)
from workbench.trace.terminal import one_line


def facts(definition: AgentDefinition) -> Sequence[tuple[str, str]]:
    """Pairs of a word and what it is: description, tools, triggers, source, limits. Safe to print."""
    found = [("about", definition.description), ("tools", ", ".join(map(_server, definition.servers)) or "none")]
    if definition.triggers:
        found.append(("starts", ", ".join(map(trigger_text, definition.triggers))))
    if definition.source is not None:
        found.append(("source", f"{_shown(definition.source, definition.folder)} at /source"))
    if definition.persistent:
        found.append(("files", "the workspace survives between runs"))
    found.append(("limits", _limits(definition)))
    return [(word, one_line(text)) for word, text in found if text]


def trigger_text(trigger: WebhookTrigger | CronTrigger) -> str:
    """A trigger in a few words: `POST /new-ticket`, `*/15 * * * *`."""
    match trigger:
        case WebhookTrigger():
            return f"POST {trigger.path}"
        case CronTrigger():
            return f"{trigger.schedule}{'' if trigger.timezone == 'UTC' else f' {trigger.timezone}'}"


def definition_files(folder: Path, definition: AgentDefinition | None) -> Sequence[Path]:
    """The files that a person edits: agent.yaml, the prompt, offline.yaml and the Dockerfile where there is one."""
    named = [folder / "agent.yaml"]
    if definition is not None:
        named += [file for file in definition.files if file != named[0]]
        if definition.container.dockerfile is not None:
            named.append(definition.container.dockerfile)
    elif (folder / "prompt.md").is_file():
        named.append(folder / "prompt.md")
    if (folder / "offline.yaml").is_file():
        named.append(folder / "offline.yaml")
    return list(dict.fromkeys(named))


def _server(server: Server) -> str:
    match server:
        case FilesystemServer():
            return "files" if "write" in server.permissions else "files (read only)"
        case BashServer():
            return "bash"
        case WebSearchServer():
            return "web search"
        case HttpServer():
            return f"{server.name} (REST)"
        case McpHttpServer() | McpStdioServer():
            return f"{server.name} (MCP)"


def _limits(definition: AgentDefinition) -> str:
    budget = f", ${definition.budget_usd}" if definition.budget_usd is not None else ", no budget"
    return f"{definition.timeout:g} s, {definition.max_iterations} turns{budget}"


def _shown(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)
