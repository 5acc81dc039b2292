"""An agent as JSON and back: what a run records of its agent, and a replay starts from.

The document has the shape of agent.yaml with every default filled in and the prompt's text in place of its file.
`${NAME}` references stay unexpanded. Sizes are bytes, money is a decimal in a text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

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
from workbench.definition.agent_files import located
from workbench.definition.problems import DefinitionError, Problem
from workbench.definition.references import Template
from workbench.jsontypes import JsonObject
from workbench.trace.digest import digest


def with_document(agent: AgentDefinition, source: str | None, dockerfile: str | None) -> AgentDefinition:
    """The agent with its document and digest. `source` and `dockerfile` are the paths as the user wrote them."""
    document: JsonObject = {
        "name": agent.name,
        "description": agent.description,
        "model": {
            "id": agent.model.id,
            "effort": agent.model.effort,
            "max_tokens": agent.model.max_tokens,
            "thinking": {"type": agent.model.thinking.type, "budget_tokens": agent.model.thinking.budget_tokens},
        },
        "system_prompt": agent.system_prompt,
        "mcp_servers": [_server(server) for server in agent.servers],
        "network": {"allow": list(agent.network.allow), "deny": list(agent.network.deny)},
        "container": _container(agent.container, dockerfile),
        "source": source,
        "storage": {"persistent": agent.persistent},
        "triggers": [_trigger(trigger) for trigger in agent.triggers],
        "timeout": agent.timeout,
        "max_iterations": agent.max_iterations,
        "budget": None if agent.budget_usd is None else {"usd": _amount(agent.budget_usd)},
        "observability": {
            "log_level": agent.observability.log_level,
            "capture_tool_calls": agent.observability.capture_tool_calls,
            "capture_reasoning": agent.observability.capture_reasoning,
        },
    }
    return replace(agent, document=document, digest=digest(document))


def definition_from_document(document: JsonObject, folder: Path) -> AgentDefinition:
    """The agent that a document describes, in `folder`; the inverse of `with_document`, but for `files`.

    Nothing is read from the folder: the source and the Dockerfile are where they were, and may be gone.

    Raises:
        DefinitionError: the document is not one that the workbench wrote.
    """
    try:
        agent, source, dockerfile = _read(cast("Mapping[str, Any]", document), folder)
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError, OSError, RuntimeError) as error:
        message = f"the definition that the run recorded cannot be read: {type(error).__name__}"
        problem = Problem(folder, 1, 1, "", "", "a definition recorded by this or an older workbench", None, message)
        raise DefinitionError([problem]) from None
    return with_document(agent, source, dockerfile)


def _read(document: Mapping[str, Any], folder: Path) -> tuple[AgentDefinition, str | None, str | None]:
    model, container = document["model"], document["container"]
    agent = AgentDefinition(
        folder=folder,
        name=document["name"],
        description=document["description"],
        model=ModelSettings(model["id"], model["effort"], model["max_tokens"], Thinking(**model["thinking"])),
        system_prompt=document["system_prompt"],
        document={},
        digest="",
        servers=tuple(_read_server(server) for server in document["mcp_servers"]),
        network=NetworkPolicy(tuple(document["network"]["allow"]), tuple(document["network"]["deny"])),
        container=_read_container(container, folder),
        source=_place(folder, document["source"]),
        persistent=document["storage"]["persistent"],
        triggers=tuple(_read_trigger(trigger) for trigger in document["triggers"]),
        timeout=float(document["timeout"]),
        max_iterations=document["max_iterations"],
        budget_usd=None if document["budget"] is None else Decimal(document["budget"]["usd"]),
        observability=Observability(**document["observability"]),
    )
    return agent, document["source"], container["dockerfile"]


def _amount(amount: Decimal) -> str:
    """The amount without trailing zeros, so that 0.5 and 0.50 have one digest."""
    return format(amount.normalize(), "f")


def _place(folder: Path, text: str | None) -> Path | None:
    return None if text is None else located(folder, text) or folder / text


def _templates(values: Mapping[str, str]) -> dict[str, Template]:
    return {name: Template(value) for name, value in values.items()}


def _texts(values: Mapping[str, Template]) -> dict[str, str]:
    return {name: template.text for name, template in values.items()}


def _server(server: Server) -> JsonObject:
    """The server as JSON; a policy that allows is left out, as in documents from before there were policies."""
    written = _fields_of(server)
    asks = not isinstance(server, WebSearchServer) and server.permission_policy == "always_ask"
    return {**written, "permission_policy": "always_ask"} if asks else written


def _fields_of(server: Server) -> JsonObject:
    match server:
        case FilesystemServer():
            return {
                "type": "filesystem",
                "name": server.name,
                "path": server.path,
                "permissions": list(server.permissions),
            }
        case BashServer():
            return {"type": "bash", "name": server.name}
        case WebSearchServer():
            return {
                "type": "web_search",
                "name": server.name,
                "allowed_domains": list(server.allowed_domains),
                "blocked_domains": list(server.blocked_domains),
                "max_uses": server.max_uses,
            }
        case HttpServer():
            return {
                "type": "http",
                "name": server.name,
                "url": server.url.text,
                "headers": _texts(server.headers),
                "description": server.description,
                "methods": list(server.methods),
                "timeout": server.timeout,
            }
        case McpHttpServer():
            return {
                "type": "mcp",
                "name": server.name,
                "url": server.url.text,
                "headers": _texts(server.headers),
                "timeout": server.timeout,
            }
        case McpStdioServer():
            return {
                "type": "mcp",
                "name": server.name,
                "command": list(server.command),
                "env": dict(server.env),
                "timeout": server.timeout,
            }


def _read_server(data: Mapping[str, Any]) -> Server:
    server = _read_fields(data)
    if isinstance(server, WebSearchServer) or "permission_policy" not in data:
        return server
    if data["permission_policy"] not in ("always_allow", "always_ask"):
        raise ValueError("an unknown permission policy")
    return replace(server, permission_policy=data["permission_policy"])


def _read_fields(data: Mapping[str, Any]) -> Server:
    name: str = data["name"]
    match data["type"]:
        case "filesystem":
            return FilesystemServer(data["path"], tuple(data["permissions"]), name)
        case "bash":
            return BashServer(name)
        case "web_search":
            allowed, blocked = tuple(data["allowed_domains"]), tuple(data["blocked_domains"])
            return WebSearchServer(allowed, blocked, data["max_uses"], name)
        case "http":
            headers, methods = _templates(data["headers"]), tuple(data["methods"])
            timeout = float(data["timeout"])
            return HttpServer(name, Template(data["url"]), headers, data["description"], methods, timeout)
        case "mcp" if "url" in data:
            return McpHttpServer(name, Template(data["url"]), _templates(data["headers"]), float(data["timeout"]))
        case "mcp":
            return McpStdioServer(name, tuple(data["command"]), dict(data["env"]), float(data["timeout"]))
    raise ValueError("a server of an unknown type")


def _container(container: ContainerSettings, dockerfile: str | None) -> JsonObject:
    packages: Mapping[str, Sequence[str]] = {"pip": container.pip, "npm": container.npm, "apt": container.apt}
    return {
        "image": container.image,
        "dockerfile": dockerfile,
        "packages": {manager: list(names) for manager, names in packages.items()},
        "memory": container.memory_bytes,
        "cpus": container.cpus,
        "pids": container.pids,
        "disk": container.disk_bytes,
        "env": _texts(container.env),
    }


def _read_container(data: Mapping[str, Any], folder: Path) -> ContainerSettings:
    packages = data["packages"]
    return ContainerSettings(
        image=data["image"],
        dockerfile=_place(folder, data["dockerfile"]),
        pip=tuple(packages["pip"]),
        npm=tuple(packages["npm"]),
        apt=tuple(packages["apt"]),
        memory_bytes=data["memory"],
        cpus=float(data["cpus"]),
        pids=data["pids"],
        disk_bytes=data["disk"],
        env=_templates(data["env"]),
    )


def _trigger(trigger: WebhookTrigger | CronTrigger) -> JsonObject:
    if isinstance(trigger, WebhookTrigger):
        return {"type": "webhook", "path": trigger.path}
    return {"type": "cron", "schedule": trigger.schedule, "timezone": trigger.timezone, "input": trigger.input}


def _read_trigger(data: Mapping[str, Any]) -> WebhookTrigger | CronTrigger:
    if data["type"] == "webhook":
        return WebhookTrigger(data["path"])
    return CronTrigger(data["schedule"], data["input"], data["timezone"])
