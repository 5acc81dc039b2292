"""How many prompt tokens a request can have, before it is sent: an estimate that errs on the high side.

The vendor's tokenizer is not public, so the bytes are counted. A token of a byte-pair tokenizer is at least one byte
long. English prose has about four bytes a token (three with the newer tokenizers), code about three. Counted are

* half a token for each byte of plain ASCII text, which is more than any prose or code has,
* one token for each byte of what tokenizes badly: text that is not ASCII, and unbroken runs such as base64 or hashes,
* the frame of each message, block and tool, and the system prompt that tool use adds,
* for an image the most that any size can have, for a document one token for each byte of its content.

An exact count exists (`count_tokens`), but it takes a request to the vendor for each step.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from workbench.jsontypes import JsonObject, JsonValue

IMAGE_TOKENS = 5_000
"""More than the largest image has after the vendor scaled it down, with the models of high resolution too."""

TOOL_USE_TOKENS = 700
"""What the vendor adds to the system prompt when there are tools: 286 to 588 by model."""

_FRAME_TOKENS = 8
_UNBROKEN = re.compile(rb"[!-~]{40,}")
_ASCII = bytes(range(128))


def estimate_prompt_tokens(
    system: Sequence[JsonObject], messages: Sequence[JsonObject], tools: Sequence[JsonObject]
) -> int:
    """An upper estimate of the prompt tokens of a request with these parts, in the form of the Messages API.

    It is additive: the estimate of a conversation is that of its parts.
    """
    count = sum(_value_tokens(part) + _FRAME_TOKENS for part in (*system, *messages, *tools))
    return count + (TOOL_USE_TOKENS if tools else 0)


class GrowingEstimate:
    """Estimates requests that carry a conversation each time whole: a message is counted once, as long as it is there.

    Messages are told apart by identity and must not be changed once they were given.
    """

    def __init__(self) -> None:
        self._counted: list[tuple[JsonObject, int]] = []

    def prompt_tokens(
        self, system: Sequence[JsonObject], messages: Sequence[JsonObject], tools: Sequence[JsonObject]
    ) -> int:
        """What `estimate_prompt_tokens` gives for these parts."""
        known = 0
        for (counted, _), message in zip(self._counted, messages, strict=False):
            if counted is not message:
                break
            known += 1
        del self._counted[known:]
        self._counted += ((message, estimate_prompt_tokens((), (message,), ())) for message in messages[known:])
        return estimate_prompt_tokens(system, (), tools) + sum(tokens for _, tokens in self._counted)


def estimate_text_tokens(text: str) -> int:
    """An upper estimate of the tokens of a text."""
    data = text.encode("utf-8", "surrogatepass")
    badly = len(data.translate(None, _ASCII)) + sum(len(run[0]) for run in _UNBROKEN.finditer(data))
    return badly + (len(data) - badly + 1) // 2


def _value_tokens(value: JsonValue) -> int:
    if isinstance(value, str):
        return estimate_text_tokens(value)
    if isinstance(value, Mapping):
        kind = value.get("type")
        if kind == "image":
            return IMAGE_TOKENS + _FRAME_TOKENS
        if kind == "base64":
            return _decoded_bytes(value.get("data"))
        return _FRAME_TOKENS + sum(_value_tokens(key) + _value_tokens(item) for key, item in value.items())
    if isinstance(value, Sequence):
        return sum(map(_value_tokens, value)) + _FRAME_TOKENS
    return estimate_text_tokens(str(value)) + 1


def _decoded_bytes(data: JsonValue) -> int:
    return len(data) * 3 // 4 if isinstance(data, str) else 0
