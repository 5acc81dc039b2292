"""The agent as the rest of the program sees it: plain frozen data, loaded from agent.yaml and prompt.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Literal

from workbench.definition.references import Template
from workbench.jsontypes import JsonObject

Effort = Literal["low", "medium", "high", "xhigh", "max"]


@dataclass(frozen=True, slots=True)
class Thinking:
    """How the model is asked to think. `budget_tokens` only with `enabled`; `auto` leaves the model's default."""

    type: Literal["auto", "adaptive", "enabled", "disabled"] = "auto"
    budget_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Which model answers and how. `max_tokens` is the most that one reply may hold, None for the model's default."""

    id: str
    effort: Effort | None = None
    max_tokens: int | None = None
    thinking: Thinking = Thinking()


PermissionPolicy = Literal["always_allow", "always_ask"]
"""Whether the user is asked before each call of a server's tools. The names are the hosted service's."""


@dataclass(frozen=True, slots=True)
class FilesystemServer:
    """The built-in file tools: read, glob and grep with `read`; write and edit with `write`."""

    path: str = "/workspace"
    permissions: Sequence[Literal["read", "write"]] = ("read", "write")
    name: str = "filesystem"
    permission_policy: PermissionPolicy = "always_allow"


@dataclass(frozen=True, slots=True)
class BashServer:
    """The built-in persistent shell."""

    name: str = "bash"
    permission_policy: PermissionPolicy = "always_allow"


@dataclass(frozen=True, slots=True)
class WebSearchServer:
    """The vendor's web search, run on the vendor's servers. At most one of the two domain lists is given."""

    allowed_domains: Sequence[str] = ()
    blocked_domains: Sequence[str] = ()
    max_uses: int | None = None
    name: str = "web_search"


@dataclass(frozen=True, slots=True)
class HttpServer:
    """A REST API, called from the host: its headers never enter the sandbox or the trace."""

    name: str
    url: Template
    headers: Mapping[str, Template] = field(default_factory=dict)
    description: str = ""
    methods: Sequence[str] = ("GET", "POST", "PUT", "PATCH", "DELETE")
    timeout: float = 30.0
    permission_policy: PermissionPolicy = "always_allow"


@dataclass(frozen=True, slots=True)
class McpHttpServer:
    """An MCP server over streamable HTTP, reached from the host."""

    name: str
    url: Template
    headers: Mapping[str, Template] = field(default_factory=dict)
    timeout: float = 60.0
    permission_policy: PermissionPolicy = "always_allow"


@dataclass(frozen=True, slots=True)
class McpStdioServer:
    """An MCP server over stdio, started inside the sandbox. `env` is plain text; secrets go through container.env."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    timeout: float = 60.0
    permission_policy: PermissionPolicy = "always_allow"


Server = FilesystemServer | BashServer | WebSearchServer | HttpServer | McpHttpServer | McpStdioServer


@dataclass(frozen=True, slots=True)
class NetworkPolicy:
    """Hosts that the sandbox may reach: exact names or `*.suffix`; deny wins over allow; nothing by default."""

    allow: Sequence[str] = ()
    deny: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class ContainerSettings:
    """The sandbox's image and limits. At most one of `image` and `dockerfile` is given; sizes are bytes.

    `disk_bytes` bounds what the workspace may hold. `env` is what the user passes into the sandbox on purpose: a
    secret in it is known to everything that runs there.
    """

    image: str | None = None
    dockerfile: Path | None = None
    pip: Sequence[str] = ()
    npm: Sequence[str] = ()
    apt: Sequence[str] = ()
    memory_bytes: int = 1 << 30
    cpus: float = 1.0
    pids: int = 256
    disk_bytes: int = 10 << 30
    env: Mapping[str, Template] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WebhookTrigger:
    """Starts a run for each POST to `path`; the body is the input."""

    path: str


@dataclass(frozen=True, slots=True)
class CronTrigger:
    """Starts a run with `input` at the times of a five-field cron `schedule` in an IANA `timezone`."""

    schedule: str
    input: str
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Observability:
    """What is recorded. What is not captured is never written and cannot be replayed."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    capture_tool_calls: bool = True
    capture_reasoning: bool = False


@dataclass(frozen=True, slots=True)
class AgentDefinition:
    """A loaded agent. `folder` is absolute; `files` are all files that the definition was read from.

    `document` is the whole definition as canonical JSON, the prompt's text included and references unexpanded; it is
    what a run records, and `digest` is its digest. Two agents with one digest behave the same.
    """

    folder: Path
    name: str
    model: ModelSettings
    system_prompt: str
    document: JsonObject
    digest: str
    description: str = ""
    servers: Sequence[Server] = ()
    network: NetworkPolicy = NetworkPolicy()
    container: ContainerSettings = field(default_factory=ContainerSettings)
    source: Path | None = None
    persistent: bool = False
    triggers: Sequence[WebhookTrigger | CronTrigger] = ()
    timeout: float = 600.0
    max_iterations: int = 20
    budget_usd: Decimal | None = None
    observability: Observability = Observability()
    files: Sequence[Path] = ()
