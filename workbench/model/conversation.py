"""The one interface between the engine and whoever answers as the model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from workbench.cost.usage import Usage
from workbench.definition.agent import ModelSettings
from workbench.jsontypes import JsonObject, JsonValue
from workbench.trace.events import ModelSource, Origin


@dataclass(frozen=True, slots=True)
class Request:
    """One turn to be asked of a model, in the terms of the Messages API but without delivery hints.

    `system` are text blocks, `messages` alternate user and assistant, `tools` are tool parameters (client tools and the
    vendor's server tools). `max_tokens` is the most that the reply may hold. Breakpoints of the prompt cache are no
    part of it: the client sets them when it sends.
    """

    settings: ModelSettings
    max_tokens: int
    system: Sequence[JsonObject]
    messages: Sequence[JsonObject]
    tools: Sequence[JsonObject]


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole reply. `content` are the blocks exactly as the next turn must send them back; durations in seconds."""

    model: str
    content: Sequence[JsonObject]
    stop_reason: str | None
    usage: Usage
    duration: float
    time_to_first_token: float | None = None
    thinking_duration: float | None = None
    stop_details: JsonObject | None = None
    request_id: str | None = None
    message_id: str | None = None
    origin: Origin = "live"


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of a reply while it streams. `reset` means: what came of this reply so far is void, it starts anew."""

    kind: Literal["text", "reasoning", "tool_input", "reset"]
    text: str = ""
    tool: str | None = None


@dataclass(frozen=True, slots=True)
class Retry:
    """The request failed in a way that is worth another try, which begins after `delay` seconds."""

    attempt: int
    reason: str
    delay: float | None = None


class Model(Protocol):
    """Answers requests."""

    @property
    def source(self) -> ModelSource:
        """Who answers."""
        ...

    @property
    def endpoint(self) -> str | None:
        """The base URL where it is not the vendor's, without credentials."""
        ...

    def parameters(self, request: Request) -> JsonObject:
        """All that would be sent besides system, messages, tools and model: max_tokens, thinking, effort."""
        ...

    async def respond(
        self, request: Request, on_delta: Callable[[Delta], None], on_retry: Callable[[Retry], None]
    ) -> Reply:
        """Ask for one reply.

        Raises:
            ModelError: no reply was to be had, after all retries.
        """
        ...

    async def close(self) -> None:
        """Give back connections."""
        ...


class ModelError(Exception):
    """The model could not be asked or answered with an error. `str` tells a person what happened and what to do."""

    def __init__(
        self,
        message: str,
        *,
        kind: str,
        status: int | None = None,
        request_id: str | None = None,
        details: JsonValue = None,
    ) -> None:
        """`kind` is the API's error type, such as rate_limit_error, or connection, timeout or stream."""
        super().__init__(message)
        self.kind = kind
        self.status = status
        self.request_id = request_id
        self.details = details
