"""How much the answers of one variant to one input agree with each other."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

from workbench.trace.digest import canonical

_MOST_PAIRS = 200


@dataclass(frozen=True, slots=True)
class Agreement:
    """The answers to one input: how many, how many different ones, and how alike any two are on average, 0 to 1:
    the share of neighbouring words that they have in common.

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
    pairs = list(combinations([_neighbours(text) for text in normal], 2))[:_MOST_PAIRS]
    similarity = sum(_alike(one, other) for one, other in pairs) / len(pairs)
    return Agreement(len(outputs), len(set(normal)), largest, similarity)


def normalised(output: str) -> str:
    """The answer without what does not matter when two are compared."""
    try:
        return canonical(json.loads(output))
    except (ValueError, RecursionError):
        return " ".join(output.casefold().split())


def _neighbours(text: str) -> Counter[tuple[str, str]]:
    """How often each word follows each other in the text."""
    words = text.split()
    return Counter(pairwise(("", *words, "")))


def _alike(one: Counter[tuple[str, str]], other: Counter[tuple[str, str]]) -> float:
    """The share of neighbouring words that two texts have in common (the Dice coefficient), 0 to 1."""
    return 2 * (one & other).total() / (one.total() + other.total())
