"""Cuts long texts so that all together fit: short ones stay whole, the longest are cut to one common length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True, slots=True)
class Clipped:
    """The beginning of a text; `left_out` characters of it are missing."""

    text: str
    left_out: int = 0


def clipped(texts: Sequence[str], budget: int) -> Sequence[Clipped]:
    """The texts, cut where they need more than `budget` bytes together once they are escaped as HTML in UTF-8."""
    sizes = [_size(text) for text in texts]
    limit = common_limit(sizes, budget)
    return [Clipped(text) if size <= limit else _cut(text, limit) for text, size in zip(texts, sizes, strict=True)]


def common_limit(sizes: Sequence[int], budget: int) -> int:
    """The largest size such that all, each cut down to it, need no more than `budget`; the largest if all fit."""
    left, waiting = budget, len(sizes)
    for size in sorted(sizes):
        if size * waiting > left:
            return left // waiting
        left -= size
        waiting -= 1
    return max(sizes, default=0)


def _cut(text: str, limit: int) -> Clipped:
    """As many whole characters as fit."""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if _size(text[:middle]) <= limit:
            low = middle
        else:
            high = middle - 1
    return Clipped(text[:low], len(text) - low)


def _size(text: str) -> int:
    return len(escape(text).encode("utf-8", "replace"))
