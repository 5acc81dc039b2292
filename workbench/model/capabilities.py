"""What each model accepts and how much it holds: one table, so that nothing is sent that a model would refuse.

Sources: the vendor's model pages, effort, thinking and prompt caching guides (platform.claude.com/docs, November 2026).
An id that the table does not know gets `UNKNOWN`: the smallest window, and nothing optional is sent unasked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from workbench.definition.agent import Effort, Thinking

ThinkingType = Literal["adaptive", "enabled", "disabled"]

_TO_HIGH: tuple[Effort, ...] = ("low", "medium", "high")
_TO_MAX: tuple[Effort, ...] = ("low", "medium", "high", "max")
_ALL: tuple[Effort, ...] = ("low", "medium", "high", "xhigh", "max")

_AUTO = Thinking()
_PLAIN_REPLY = 8_192
_THINKING_REPLY = 16_384


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a model accepts; sizes are tokens.

    `thinking` are the types that may be sent, `thinks_unasked` whether it thinks when none is sent. `hides_thinking`
    says that its thinking text, and with it text between tool calls, comes only if `display: summarized` is asked for.
    `disabled_up_to` is the highest effort at which thinking may be disabled. `tokens_per_text` compares its tokenizer
    with that of the 4.5 models: 1.3 means 30 % more tokens for the same text.
    """

    context_window: int = 200_000
    max_output: int = 64_000
    min_cacheable: int = 1_024
    thinking: Sequence[ThinkingType] = ("enabled", "disabled")
    thinks_unasked: bool = False
    hides_thinking: bool = False
    efforts: Sequence[Effort] = ()
    default_effort: Effort | None = None
    disabled_up_to: Effort | None = None
    tokens_per_text: float = 1.0
    known: bool = True


UNKNOWN = Capabilities(
    context_window=200_000,
    max_output=_PLAIN_REPLY,
    min_cacheable=1_024,
    thinking=("adaptive", "enabled", "disabled"),
    efforts=_ALL,
    known=False,
)
"""A model that the table does not know, such as one on a local server. What the user sets is sent as it is."""


def _newest(
    *,
    thinking: Sequence[ThinkingType] = ("adaptive",),
    default_effort: Effort = "high",
    disabled_up_to: Effort | None = None,
    thinks_unasked: bool = True,
    min_cacheable: int = 512,
) -> Capabilities:
    """A model since Opus 4.7: a window of a million tokens, every effort, thinking adaptive and hidden."""
    return Capabilities(
        context_window=1_000_000,
        max_output=128_000,
        min_cacheable=min_cacheable,
        thinking=thinking,
        thinks_unasked=thinks_unasked,
        hides_thinking=True,
        efforts=_ALL,
        default_effort=default_effort,
        disabled_up_to=disabled_up_to,
        tokens_per_text=1.3,
    )


_OPTIONAL: tuple[ThinkingType, ...] = ("adaptive", "disabled")

_4_6 = Capabilities(
    context_window=1_000_000,
    max_output=128_000,
    thinking=("adaptive", "enabled", "disabled"),
    efforts=_TO_MAX,
    default_effort="high",
)

MODELS: dict[str, Capabilities] = {
    "claude-haiku-4-5": Capabilities(min_cacheable=4_096),
    "claude-sonnet-4-5": Capabilities(),
    "claude-opus-4-5": Capabilities(min_cacheable=4_096, efforts=_TO_HIGH, default_effort="high"),
    "claude-sonnet-4-6": _4_6,
    "claude-opus-4-6": replace(_4_6, min_cacheable=4_096),
    "claude-opus-4-7": _newest(thinking=_OPTIONAL, thinks_unasked=False, min_cacheable=2_048),
    "claude-opus-4-8": _newest(thinking=_OPTIONAL, thinks_unasked=False, min_cacheable=1_024),
    "claude-sonnet-5": _newest(thinking=_OPTIONAL, min_cacheable=1_024),
    "claude-opus-5": _newest(thinking=_OPTIONAL, disabled_up_to="high"),
    "claude-fable-5": _newest(),
    "claude-mythos-5": _newest(),
    "claude-fable-5-1": _newest(),
    "claude-mythos-5-1": _newest(),
    "claude-fable-5-2": _newest(),
    "claude-mythos-5-2": _newest(),
    "claude-opus-5-5": _newest(default_effort="medium"),
    "claude-sonnet-5-5": _newest(),
    "claude-haiku-5-5": _newest(thinking=_OPTIONAL, default_effort="medium", disabled_up_to="high"),
}
"""Every model that we know, by its undated id."""

_SUFFIX = re.compile(r"([-@]20[0-9]{6}|-latest|-v[0-9]+(:[0-9]+)?|\[1m\])$")


@lru_cache(maxsize=256)
def base_id(model: str) -> str:
    """The undated id in the form of the table: without a gateway's prefix, a date, or a platform's version suffix."""
    name = model.rsplit("/", 1)[-1].lower()
    name = name[name.index("claude-") :] if "claude-" in name else name
    while (shorter := _SUFFIX.sub("", name)) != name:
        name = shorter
    return name


def capabilities(model: str) -> Capabilities:
    """What `model` accepts; `UNKNOWN` for an id that we do not know. Dated ids and gateway prefixes are understood."""
    return MODELS.get(base_id(model), UNKNOWN)


def default_max_tokens(model: str, thinking: Thinking = _AUTO) -> int:
    """The most tokens that one reply may hold when the agent does not say: modest, because a budget reserves it whole.

    Thinking is part of a reply: models that think get 16,384, others 8,192, and a thinking budget comes on top.
    """
    able = capabilities(model)
    thinks = able.thinks_unasked if thinking.type == "auto" else thinking.type == "adaptive"
    size = _THINKING_REPLY if thinks else _PLAIN_REPLY
    if thinking.type == "enabled":
        size += thinking.budget_tokens or 0
        return size if not able.known else min(size, able.max_output)
    return min(size, able.max_output)
