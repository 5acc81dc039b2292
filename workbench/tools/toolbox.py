"""The one interface between the engine and the tools that a model may call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from workbench.jsontypes import JsonObject
from workbench.trace.events import Notice, Origin

if TYPE_CHECKING:
    from mcp.client._transport import Transport


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool as the model sees it. `original_name` is its name at its server, where a clash made it another one."""

    name: str
    server: str
    description: str
    input_schema: JsonObject
    original_name: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a tool call gave: content blocks of the Messages API (text, image, document), ready for a tool_result."""

    content: Sequence[JsonObject]
    is_error: bool
    latency: float
    exit_code: int | None = None
    truncated: bool = False
    origin: Origin = "live"


class Toolbox(Protocol):
    """All tools of a run, open and ready."""

    @property
    def tools(self) -> Sequence[Tool]:
        """The tools that are called through the toolbox."""
        ...

    @property
    def parameters(self) -> Sequence[JsonObject]:
        """What a request sends as `tools`: those of `tools` and the vendor's server tools, in a stable order."""
        ...

    @property
    def removed(self) -> Mapping[str, str]:
        """Names of tools that the agent's permissions took away, with the reason in a person's words."""
        ...

    @property
    def in_sandbox(self) -> frozenset[str]:
        """Names of the servers that run in the sandbox, whose calls may change the workspace."""
        ...

    async def call(self, name: str, arguments: JsonObject) -> Outcome:
        """Call a tool. Whatever goes wrong with the tool is an Outcome with `is_error`, never an exception.

        Cancelling the call cancels the tool.
        """
        ...


class SandboxTools(Protocol):
    """What the toolbox needs of a sandbox: transports to the MCP servers that run inside it."""

    def builtin(self, server: Literal["bash", "filesystem"]) -> Transport:
        """A transport to a built-in server of the resident guest."""
        ...

    def spawn(self, command: Sequence[str], env: Mapping[str, str], on_stderr: Callable[[str], None]) -> Transport:
        """Start an MCP server over stdio in the sandbox; leaving the context stops it with all its children.

        `on_stderr` gets what the server writes there, in pieces as they come, and last a line on how the process ended.
        Lines that are no messages of the protocol come as exceptions on the transport's reading side, as the SDK's own
        transports give them.
        """
        ...


class ToolboxError(Exception):
    """A declared MCP server could not be started or reached. `str` tells a person what happened and what to do."""

    def __init__(self, message: str, *, server: str) -> None:
        super().__init__(message)
        self.server = server


NoticeSink = Callable[[Notice], None]
"""Receives what the user should know while tools are opened and called."""
