"""Why a run ends: the exception that carries a failure to the run's end, and the outcome of each stop reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from workbench.jsontypes import JsonObject, JsonValue
from workbench.model.conversation import Reply


class RunStoppedError(Exception):
    """Ends a run with `run_failed`. `error` is one of `FAILURES`, `str` tells a person what happened and what to do."""

    def __init__(self, error: str, message: str, details: JsonValue = None) -> None:
        super().__init__(message)
        self.error = error
        self.details = details


class Next(Enum):
    """What follows a reply."""

    ANSWERED = "answered"
    CALL_TOOLS = "call_tools"
    RESEND = "resend"


@dataclass(frozen=True, slots=True)
class AfterReply:
    """What follows a reply, and the tool calls in it that are to be made."""

    next: Next
    calls: Sequence[JsonObject] = ()


_RESEND = frozenset({"pause_turn", "compaction"})
_FINISHED = frozenset({"end_turn", "stop_sequence", "tool_use"})


def after(reply: Reply) -> AfterReply:
    """The outcome of the reply's stop reason.

    Every stop reason of the Messages API has one. A reply that was cut off never has its tool calls made, since their
    arguments may be incomplete. Compatible servers that give no stop reason, or `end_turn` with a tool call in the
    reply, are taken by what the reply holds.

    Raises:
        RunStoppedError: the reply ends the run without an answer.
    """
    reason = reply.stop_reason
    if reason == "max_tokens":
        raise RunStoppedError(
            "max_tokens",
            f"The reply reached its limit of tokens ({reply.usage.output_tokens:,}) before the model was done. "
            "Raise model.max_tokens in agent.yaml, or ask for less in one turn.",
            {"partial": text_of(reply.content)},
        )
    if reason == "model_context_window_exceeded":
        raise RunStoppedError(
            "context_window",
            "The conversation no longer fits into the model's context window. Make tools return less, "
            "or use a model with a larger window.",
            {"partial": text_of(reply.content)},
        )
    if reason == "refusal":
        raise RunStoppedError("refusal", _refusal_message(reply), reply.stop_details)
    if reason in _RESEND:
        return AfterReply(Next.RESEND)
    calls = [block for block in reply.content if block.get("type") == "tool_use"]
    return AfterReply(Next.CALL_TOOLS, calls) if calls else AfterReply(Next.ANSWERED)


def is_documented(stop_reason: str | None) -> bool:
    """Whether the Messages API documents this stop reason for a reply that the run can go on from."""
    return stop_reason in _FINISHED or stop_reason in _RESEND


def text_of(content: Sequence[JsonObject]) -> str:
    """The text blocks of a reply, one after the other."""
    return "".join(str(block.get("text", "")) for block in content if block.get("type") == "text")


def _refusal_message(reply: Reply) -> str:
    details = reply.stop_details or {}
    category = details.get("category")
    explanation = details.get("explanation")
    message = "The model refused to answer"
    message += f" ({category})" if category else ""
    message += f": {explanation}" if explanation else "."
    if recommended := details.get("recommended_model"):
        message += f" It recommends {recommended}."
    return message
