"""The shape of agent.yaml: every key, what it takes and what it means where it is left out.

What two keys demand of each other is checked in `rules`, so that it is told together with everything else. A key with
nothing behind it means its default, as if it were not there.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from workbench.definition.formats import (
    Command,
    Domain,
    HeaderName,
    HeaderValue,
    Host,
    Image,
    ModelId,
    Name,
    Package,
    ProgramText,
    SandboxPath,
    Schedule,
    Size,
    Text,
    Timezone,
    Usd,
    Variable,
    WebhookPath,
)
from workbench.definition.validation import fault

Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
Seconds = Annotated[float, Field(gt=0, le=86_400)]


class Part(BaseModel):
    """A mapping of agent.yaml: only the keys that are declared, nothing converted from another type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _without_empty_keys(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        optional = {name for name, field in cls.model_fields.items() if not field.is_required()}
        return {key: item for key, item in value.items() if item is not None or key not in optional}


def _to_thinking(value: Any) -> Any:
    if isinstance(value, bool):
        return {"type": "enabled" if value else "disabled"}
    if isinstance(value, str):
        return {"type": value}
    if not isinstance(value, dict):
        expected = "true, false, auto, adaptive, or a mapping with type and budget_tokens"
        raise fault("this cannot say how to think", expected=expected)
    return value


def _to_model(value: Any) -> Any:
    if isinstance(value, str):
        return {"id": value}
    if not isinstance(value, dict):
        expected = "a model id, or a mapping with id, effort, max_tokens and thinking"
        raise fault("this names no model", expected=expected)
    return value


class ThinkingPart(Part):
    """How the model is asked to think."""

    type: Literal["auto", "adaptive", "enabled", "disabled"] = Field(
        description="auto leaves the model's default; adaptive lets the model decide how much; enabled and disabled "
        "switch thinking on and off.",
    )
    budget_tokens: int | None = Field(
        default=None, ge=1024, description="The most tokens to think with, only with `enabled`; below max_tokens."
    )


class ModelPart(Part):
    """Which model answers, and how."""

    id: ModelId = Field(description="The model's id.", examples=["claude-haiku-4-5", "claude-sonnet-4-6"])
    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = Field(
        default=None, description="How much work the model puts into an answer; left out, the model's default."
    )
    max_tokens: int | None = Field(
        default=None, ge=1, description="The most tokens that one reply may hold; left out, the model's limit."
    )
    thinking: Annotated[ThinkingPart, BeforeValidator(_to_thinking)] = Field(
        default=ThinkingPart(type="auto"),
        description="true or false, auto, adaptive, or a mapping with type and budget_tokens.",
        examples=["adaptive", True, {"type": "enabled", "budget_tokens": 4096}],
    )


def _to_policy(value: Any) -> Any:
    """The hosted service writes a policy as a mapping; its `type` says the same."""
    if isinstance(value, dict) and set(value) == {"type"}:
        return value["type"]
    return value


Policy = Annotated[Literal["always_allow", "always_ask"], BeforeValidator(_to_policy)]


class FilesystemPart(Part):
    """The built-in file tools: read, glob and grep with `read`; write and edit with `write`."""

    type: Literal["filesystem"] = Field(description="The built-in file tools.")
    name: Name = Field(default="filesystem", description="The server's name in the timeline.")
    path: SandboxPath = Field(
        default="/workspace", description="The folder that the tools work in.", examples=["/workspace", "/source"]
    )
    permissions: list[Literal["read", "write"]] = Field(
        default=["read", "write"], min_length=1, description="What the tools may do.", examples=[["read"]]
    )
    permission_policy: Policy = Field(
        default="always_allow", description="always_ask: you are asked before each call of these tools."
    )


class BashPart(Part):
    """The built-in persistent shell."""

    type: Literal["bash"] = Field(description="The built-in shell.")
    name: Name = Field(default="bash", description="The server's name in the timeline.")
    permission_policy: Policy = Field(
        default="always_allow", description="always_ask: you are asked before each call of these tools."
    )


class WebSearchPart(Part):
    """The vendor's web search. At most one of the two lists of domains can be given."""

    type: Literal["web_search"] = Field(description="Web search, run on the vendor's servers.")
    name: Name = Field(default="web_search", description="The server's name in the timeline.")
    allowed_domains: list[Domain] = Field(
        default=[], max_length=64, description="Only results from these domains.", examples=[["example.com"]]
    )
    blocked_domains: list[Domain] = Field(
        default=[], max_length=64, description="No results from these domains.", examples=[["example.com"]]
    )
    max_uses: int | None = Field(
        default=None, ge=1, description="The most searches in one reply of the model.", examples=[5]
    )


class HttpPart(Part):
    """A REST API, called from the host: its headers never enter the sandbox or the trace."""

    type: Literal["http"] = Field(description="A REST API as a tool.")
    name: Name = Field(description="The server's name, which begins the names of its tools.", examples=["zendesk"])
    url: Text = Field(
        description="The address that all requests begin with; may hold ${NAME} references.",
        examples=["https://api.example.com/v2"],
    )
    headers: dict[HeaderName, HeaderValue] = Field(
        default={},
        description="Headers of every request; may hold ${NAME} references.",
        examples=[{"Authorization": "Bearer ${API_TOKEN}"}],
    )
    description: str = Field(default="", description="What the API is for and how it is called, for the model.")
    methods: list[Method] = Field(
        default=["GET", "POST", "PUT", "PATCH", "DELETE"],
        min_length=1,
        description="The methods that the model may use.",
        examples=[["GET"]],
    )
    timeout: Seconds = Field(default=30.0, description="Seconds that one request may take.")
    permission_policy: Policy = Field(
        default="always_allow", description="always_ask: you are asked before each call of these tools."
    )


class McpPart(Part):
    """An MCP server: over streamable HTTP with `url`, or over stdio in the sandbox with `command`."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["url"]}, {"required": ["command"]}]},
    )

    type: Literal["mcp"] = Field(description="An MCP server.")
    name: Name = Field(description="The server's name in the timeline.", examples=["docs"])
    url: Text | None = Field(
        default=None,
        description="The address of a server over streamable HTTP; may hold ${NAME} references.",
        examples=["https://mcp.example.com/mcp"],
    )
    headers: dict[HeaderName, HeaderValue] = Field(
        default={},
        description="Headers of every request, only with url; may hold ${NAME} references.",
        examples=[{"Authorization": "Bearer ${DOCS_TOKEN}"}],
    )
    command: Command | None = Field(
        default=None,
        description="The program, with its arguments, of a server over stdio; it runs in the sandbox, without a shell.",
        examples=[["node", "server.js"]],
    )
    env: dict[Variable, ProgramText] = Field(
        default={},
        description="Variables of the program in plain text, only with command; secrets go to container.env.",
    )
    timeout: Seconds = Field(default=60.0, description="Seconds that one call may take.")
    permission_policy: Policy = Field(
        default="always_allow", description="always_ask: you are asked before each call of these tools."
    )


Server = Annotated[
    FilesystemPart | BashPart | WebSearchPart | HttpPart | McpPart,
    Field(discriminator="type"),
]


class NetworkPart(Part):
    """What the sandbox may reach, by its proxy, on ports 80 and 443. Nothing by default; deny wins over allow."""

    allow: list[Host] = Field(
        default=[],
        description="Hosts that may be reached: a name, or *.suffix.",
        examples=[["api.example.com", "*.example.org"]],
    )
    deny: list[Host] = Field(default=[], description="Hosts that may not, though a suffix in allow has them.")


class PackagesPart(Part):
    """Packages that are installed into the sandbox's image."""

    pip: list[Package] = Field(default=[], description="Python packages.", examples=[["httpx==0.28"]])
    npm: list[Package] = Field(default=[], description="Node packages.", examples=[["typescript@5"]])
    apt: list[Package] = Field(default=[], description="Packages of the image's distribution.", examples=[["jq"]])


class ContainerPart(Part):
    """The sandbox's image and limits. At most one of image and dockerfile can be given."""

    image: Image | None = Field(default=None, description="An image with python3, in place of the workbench's own.")
    dockerfile: Text | None = Field(
        default=None,
        description="A Dockerfile in the agent's folder to build the image from.",
        examples=["./Dockerfile"],
    )
    packages: PackagesPart = Field(default=PackagesPart(), description="Packages that are installed into the image.")
    memory: Size = Field(default=1 << 30, description="Memory of all processes: bytes, or 512m, 1g.", examples=["1g"])
    cpus: float = Field(default=1.0, ge=0.01, le=1024, description="Processor cores; a fraction is a share of one.")
    pids: int = Field(default=256, ge=16, le=4_194_304, description="The most processes and threads.")
    disk: Size = Field(
        default=10 << 30, description="What the workspace may hold: bytes, or 512m, 10g.", examples=["10g"]
    )
    env: dict[Variable, ProgramText] = Field(
        default={},
        description="Variables that everything in the sandbox sees; may hold ${NAME} references. A secret in it is "
        "known to whatever the model runs.",
        examples=[{"PYTHONUNBUFFERED": "1"}],
    )


class StoragePart(Part):
    """What outlives a run."""

    persistent: bool = Field(default=False, description="true: the workspace survives between runs.")


class WebhookPart(Part):
    """Starts a run for each POST; the body is the input."""

    type: Literal["webhook"] = Field(description="A trigger by HTTP.")
    path: WebhookPath = Field(description="The path that is posted to.", examples=["/new-ticket"])


class CronPart(Part):
    """Starts a run at the times of a schedule."""

    type: Literal["cron"] = Field(description="A trigger by the clock.")
    schedule: Schedule = Field(
        description="Five fields in quotes: minute, hour, day of the month, month, day of the week.",
        examples=["*/15 * * * *"],
    )
    timezone: Timezone = Field(
        default="UTC", description="The IANA time zone of the schedule.", examples=["Europe/Berlin"]
    )
    input: Text = Field(description="The input of each run.", examples=["Review open tickets older than 4 hours"])


Trigger = Annotated[WebhookPart | CronPart, Field(discriminator="type")]


class BudgetPart(Part):
    """What one run may cost at most; checked before each request."""

    usd: Usd = Field(description="US dollars.", examples=[0.5])


class ObservabilityPart(Part):
    """What is recorded. What is not captured is never written and cannot be replayed."""

    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least that is logged."
    )
    capture_tool_calls: bool = Field(default=True, description="false: names, sizes and latencies only, no contents.")
    capture_reasoning: bool = Field(default=False, description="true: the model's thinking text is recorded.")


class AgentPart(Part):
    """An agent: what it is told, which model answers, what it may call, and within which limits."""

    name: Name = Field(description="The agent's name.", examples=["support-triage"])
    description: str = Field(default="", description="What the agent is for.")
    model: Annotated[ModelPart, BeforeValidator(_to_model)] = Field(
        description="A model id, or a mapping with id, effort, max_tokens and thinking.",
        examples=["claude-haiku-4-5", {"id": "claude-sonnet-4-6", "effort": "medium"}],
    )
    system_prompt: Text = Field(
        description="The file with the system prompt, in the agent's folder.", examples=["./prompt.md"]
    )
    mcp_servers: list[Server] = Field(default=[], description="Where the agent's tools come from.")
    network: NetworkPart = Field(default=NetworkPart(), description="What the sandbox may reach; nothing by default.")
    container: ContainerPart = Field(default=ContainerPart(), description="The sandbox's image and limits.")
    source: Text | None = Field(
        default=None, description="A folder that is mounted read-only at /source.", examples=["./fixtures"]
    )
    storage: StoragePart = Field(default=StoragePart(), description="Whether the workspace outlives a run.")
    triggers: list[Trigger] = Field(default=[], description="What starts runs.")
    timeout: float = Field(default=600.0, ge=1, le=86_400, description="Seconds that a run may take, at most 24 hours.")
    max_iterations: int = Field(default=20, ge=1, description="The most turns of the model in a run.")
    budget: BudgetPart | None = Field(
        default=None, description="What one run may cost at most.", examples=[{"usd": 0.5}]
    )
    observability: ObservabilityPart = Field(default=ObservabilityPart(), description="What is recorded of a run.")
