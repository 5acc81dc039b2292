"""From a request to the scripted reply: the rule, its content, why it ends and what it would have cost in tokens."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from workbench.jsontypes import JsonObject, JsonValue
from workbench.model.capabilities import capabilities
from workbench.model.offline_choice import Found, find_rule
from workbench.model.offline_content import Piece, compose
from workbench.model.offline_facts import facts_of
from workbench.model.offline_schema import ErrorPart, PacePart, ReplyPart, UsagePart
from workbench.model.offline_scope import scope_of
from workbench.model.offline_script import OfflineScript, Rule
from workbench.model.prompt_cache import CacheUse, PromptCache
from workbench.model.reading import as_object, as_text
from workbench.model.token_estimate import Segment, output_tokens
from workbench.trace.digest import digest

_MOST_REMEMBERED = 1_000


@dataclass(frozen=True, slots=True)
class Scripted:
    """A reply in the form of the API: `message` as it starts, its content, and how it ends."""

    message: JsonObject
    pieces: Sequence[Piece]
    ending: JsonObject
    tokens: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent: a reply, an error, or a reply that an error breaks off. `pace` is how fast."""

    reply: Scripted | None
    error: ErrorPart | None
    pace: PacePart


class Answers:
    """Answers requests from a script. It remembers the prompt cache and how often errors met a request.

    Args:
        script: The script.
        clock: Seconds of a clock that never goes back, for the prompt cache.
    """

    def __init__(self, script: OfflineScript, clock: Callable[[], float] = time.monotonic) -> None:
        self._script = script
        self._cache = PromptCache(clock)
        self._attempts: dict[str, dict[str, int]] = {}

    def answer(self, body: JsonObject, prompt: Sequence[Segment]) -> Answer:
        """The answer to the body of a request, which holds `prompt`.

        Raises:
            ScriptFaultError: no rule answers, or the rule that does cannot.
        """
        seed = request_seed(body, prompt)
        scope = scope_of(facts_of(body), self._script.values, self._script.choices)
        met = self._attempts.get(seed, {})
        found = find_rule(self._script.rules, scope, lambda rule: met.get(rule.key, 0))
        pace = (found.rule.reply.pace if found.rule.reply else None) or self._script.pace
        reply = self._reply(found, body, prompt, seed) if found.rule.reply and not _comes_first(found.error) else None
        self._count(seed, found.rule, found.error)
        return Answer(reply, found.error, pace)

    def _count(self, seed: str, rule: Rule, error: ErrorPart | None) -> None:
        """Count an error; a whole reply ends the counting, so that a later run meets the errors again."""
        if error is None:
            self._attempts.pop(seed, None)
            return
        met = self._attempts.setdefault(seed, {})
        met[rule.key] = met.get(rule.key, 0) + 1
        if len(self._attempts) > _MOST_REMEMBERED:
            del self._attempts[next(iter(self._attempts))]

    def _reply(self, found: Found, body: JsonObject, prompt: Sequence[Segment], seed: str) -> Scripted:
        script = found.rule.reply or ReplyPart()
        pieces = compose(script, found, seed)
        model = as_text(body.get("model"))
        usage = _start_usage(self._cache.account(model, prompt, capabilities(model).min_cacheable))
        written, thinking = output_tokens([piece.block for piece in pieces], model)
        scripted = script.usage or UsagePart()
        counted = {**usage, **_given(scripted)}
        written = written if scripted.output_tokens is None else scripted.output_tokens
        thinking = thinking if scripted.thinking_tokens is None else scripted.thinking_tokens
        message: JsonObject = {
            "id": f"msg_{digest([seed, 'message'])[:24]}",
            "type": "message",
            "role": "assistant",
            "model": model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "stop_details": None,
            "usage": {**counted, "output_tokens": min(1, written)},
        }
        ending_usage = {**counted, "output_tokens": written, "output_tokens_details": {"thinking_tokens": thinking}}
        if searches := _searches(pieces):
            ending_usage["server_tool_use"] = {"web_search_requests": searches, "web_fetch_requests": 0}
        return Scripted(message, pieces, {"delta": _stop(script, pieces), "usage": ending_usage}, written)


def request_seed(body: JsonObject, prompt: Sequence[Segment]) -> str:
    """What tells a request from others; breakpoints of the prompt cache do not count."""
    settings = {name: value for name, value in body.items() if name not in ("messages", "system", "tools")}
    return digest([settings, *(segment.content for segment in prompt)])


def _comes_first(error: ErrorPart | None) -> bool:
    """Whether the error comes before anything of a reply."""
    if error is None:
        return False
    return error.status is not None or error.unreachable is not None or (error.hang is True and error.after is None)


def _start_usage(use: CacheUse) -> dict[str, JsonValue]:
    return {
        "input_tokens": use.fresh,
        "cache_read_input_tokens": use.read,
        "cache_creation_input_tokens": use.written_5m + use.written_1h,
        "cache_creation": {
            "ephemeral_5m_input_tokens": use.written_5m,
            "ephemeral_1h_input_tokens": use.written_1h,
        },
        "service_tier": "standard",
    }


def _given(usage: UsagePart) -> dict[str, JsonValue]:
    """The counts of the prompt that the script gives; a scripted write is one for 5 minutes."""
    names = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    given: dict[str, JsonValue] = {name: value for name in names if (value := getattr(usage, name)) is not None}
    if usage.cache_creation_input_tokens is not None:
        written = usage.cache_creation_input_tokens
        given["cache_creation"] = {"ephemeral_5m_input_tokens": written, "ephemeral_1h_input_tokens": 0}
    return given


def _searches(pieces: Sequence[Piece]) -> int:
    """How many web searches found something to pay for; failed ones are not billed."""
    results = [piece.block.get("content") for piece in pieces if piece.block.get("type") == "web_search_tool_result"]
    return sum(1 for content in results if not as_object(content))


def _stop(script: ReplyPart, pieces: Sequence[Piece]) -> JsonObject:
    calls = any(piece.block.get("type") == "tool_use" for piece in pieces)
    usual = "tool_use" if calls else "stop_sequence" if script.stop_sequence else "end_turn"
    reason = script.stop_reason or ("refusal" if script.refusal else usual)
    details = {"type": "refusal", **script.refusal.model_dump()} if script.refusal else None
    return {"stop_reason": reason, "stop_sequence": script.stop_sequence, "stop_details": details}
