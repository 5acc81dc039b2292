"""The history of a run, which is ours: every request carries it whole, and the trace only what was added."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from workbench.engine.capture import blocks_of, captured_messages, without_thinking
from workbench.jsontypes import JsonObject
from workbench.model.conversation import Request
from workbench.trace.digest import digest
from workbench.trace.events import Captured, ModelRequest


@dataclass
class Conversation:
    """Messages so far, and the digest of each."""

    messages: list[JsonObject] = field(default_factory=list)
    _digests: list[str] = field(default_factory=list)

    def user(self, content: Sequence[JsonObject]) -> None:
        """Add a user message."""
        self._add({"role": "user", "content": list(content)})

    def assistant(self, content: Sequence[JsonObject]) -> None:
        """Add a reply; one that continues a paused reply is joined to it, since roles must alternate."""
        if self.messages and self.messages[-1]["role"] == "assistant":
            self._digests.pop()
            content = [*blocks_of(self.messages.pop()), *content]
        self._add({"role": "assistant", "content": list(content)})

    def digest(self, request: Request, parameters: JsonObject) -> str:
        """The canonical digest of a request that carries these messages.

        It covers the model, the parameters, the system prompt, the tools and every message but for its thinking. It is
        made of the messages' own digests, so that a long history is not hashed anew at each step.
        """
        return digest(
            {
                "model": request.settings.id,
                "parameters": parameters,
                "system": list(request.system),
                "tools": list(request.tools),
                "messages": list(self._digests),
            }
        )

    def _add(self, message: JsonObject) -> None:
        self.messages.append(message)
        self._digests.append(digest(without_thinking([message])[0]))


class RequestLog:
    """Describes each request of a run by what differs from the one before it, so that a trace grows linearly."""

    def __init__(self, captured: Captured) -> None:
        self._captured = captured
        self._messages: list[JsonObject] = []
        self._system: Sequence[JsonObject] | None = None
        self._tools: Sequence[JsonObject] | None = None

    def describe(self, request: Request, parameters: JsonObject, request_digest: str) -> ModelRequest:
        """The event for `request`; `worst_case_usd` is left to the caller."""
        kept = 0
        for earlier, now in zip(self._messages, request.messages, strict=False):
            if earlier is not now:
                break
            kept += 1
        event = ModelRequest(
            model=request.settings.id,
            message_count=len(request.messages),
            digest=request_digest,
            messages_kept=kept,
            messages_added=captured_messages(request.messages[kept:], self._captured),
            parameters=parameters,
            system=None if request.system == self._system else request.system,
            tools=None if request.tools == self._tools else request.tools,
        )
        self._messages = list(request.messages)
        self._system, self._tools = request.system, request.tools
        return event
