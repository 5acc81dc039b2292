"""The vendor's model ids, to tell a slip of the pen from a model of the user's own."""

from __future__ import annotations

import re
from difflib import get_close_matches

KNOWN_MODELS = (
    "claude-fable-5-2",
    "claude-mythos-5-2",
    "claude-haiku-5-5",
    "claude-sonnet-5-5",
    "claude-fable-5-1",
    "claude-opus-5-5",
    "claude-mythos-5-1",
    "claude-sonnet-5",
    "claude-fable-5",
    "claude-mythos-5",
    "claude-opus-5",
    "claude-opus-4-8",
    "claude-opus-4-7",
    "claude-mythos-preview",
    "claude-opus-4-6",
    "claude-sonnet-4-6",
    "claude-haiku-4-5",
    "claude-opus-4-5",
    "claude-sonnet-4-5",
)
"""As the type `ModelParam` of the anthropic package 2.12 lists them, without dated snapshots."""

_CLOSE = 0.85
_SNAPSHOT = re.compile(r"-20[0-9]{6}$")


def meant_model(model: str) -> str | None:
    """The vendor's id that `model` is nearly, None if it is one, or far from all.

    A dated snapshot of a known model counts as known. Ids of other vendors and of local servers are far from all.
    """
    name = _SNAPSHOT.sub("", model)
    if name in KNOWN_MODELS:
        return None
    plain = name.lower().replace(".", "-").replace("_", "-")
    for candidate in (plain, f"claude-{plain}"):
        if candidate in KNOWN_MODELS:
            return candidate
    close = get_close_matches(plain, KNOWN_MODELS, n=1, cutoff=_CLOSE)
    return close[0] if close else None
