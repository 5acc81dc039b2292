"""How much the answers of one variant to one input agree with each other."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import combinations

from workbench.trace.digest import canonical

_MOST_WORDS = 2_000
_MOST_PAIRS = 200


@dataclass(frozen=True, slots=True)
class Agreement:
    """The answers to one input: how many, how many different ones, and how alike any two are on average, 0 to 1.

    `largest` is how often the most frequent answer was given. Answers count as the same when they differ in nothing but
    white space and case, or are JSON of the same value.
    """

    answers: int
    different: int
    largest: int
    similarity: float


def agreement(outputs: Sequence[str]) -> Agreement | None:
    """The agreement of at least two answers, None of fewer."""
    if len(outputs) < 2:
        return None
    normal = [normalised(output) for output in outputs]
    largest = max(normal.count(text) for text in set(normal))
    pairs = list(combinations(normal, 2))[:_MOST_PAIRS]
    similarity = sum(_similarity(one, other) for one, other in pairs) / len(pairs)
    return Agreement(len(outputs), len(set(normal)), largest, similarity)


def normalised(output: str) -> str:
    """The answer without what does not matter when two are compared."""
    try:
        return canonical(json.loads(output))
    except (ValueError, RecursionError):
        return " ".join(output.casefold().split())


def _similarity(one: str, other: str) -> float:
    """How much of two texts is the same words in the same order; of very long ones the beginning is looked at."""
    if one == other:
        return 1.0
    words = (one.split()[:_MOST_WORDS], other.split()[:_MOST_WORDS])
    return SequenceMatcher(None, *words, autojunk=False).ratio()
