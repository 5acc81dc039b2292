"""What two sequences share, in order: the core of every difference that is shown, of words, lines or steps.

A screen draws differences while a person scrolls, so nothing here may take long, whatever the input. What is equal at
both ends is found first, then what is unique on both sides (as patience diff does it); only small gaps between those
are searched by `difflib`, whose time grows faster than the square of what it is given. A large gap without anything
unique is taken as changed as a whole.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

SMALL = 120
"""Items on one side up to which a gap is searched by `difflib`."""

_MOST_SEARCHED = 60_000
"""Pairs of items that `difflib` may look at in one call, all gaps together; beyond it gaps are not searched."""


class Block(NamedTuple):
    """`length` items that are the same: from `old` on the one side and from `new` on the other."""

    old: int
    new: int
    length: int


def shared_blocks(old: Sequence[Hashable], new: Sequence[Hashable]) -> list[Block]:
    """What both share: blocks in order on both sides, none touching the next on both sides."""
    head, tail = shared_ends(old, new)
    old_end, new_end = len(old) - tail, len(new) - tail
    found = [Block(0, 0, head)] if head else []
    found += _between(old, new, head, old_end, head, new_end)
    if tail:
        found.append(Block(old_end, new_end, tail))
    return list(_joined(found))


def shared_ends(old: Sequence[Hashable], new: Sequence[Hashable]) -> tuple[int, int]:
    """How many items are the same at the beginning, and how many of the others at the end."""
    shorter = min(len(old), len(new))
    head = next((index for index in range(shorter) if old[index] != new[index]), shorter)
    rest = shorter - head
    tail = next((index for index in range(rest) if old[-1 - index] != new[-1 - index]), rest)
    return head, tail


def anchors(old: Sequence[Hashable], new: Sequence[Hashable]) -> list[tuple[int, int]]:
    """The longest rising chain of items that are unique on both sides, as pairs of positions."""
    unique_old, unique_new = _unique(old), _unique(new)
    return _rising([(at, unique_new[item]) for item, at in unique_old.items() if item in unique_new])


def _unique(items: Sequence[Hashable]) -> dict[Hashable, int]:
    """Where each item is that occurs once, in order."""
    counts = Counter(items)
    return {item: at for at, item in enumerate(items) if counts[item] == 1}


def _rising(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest chain of pairs in which the second rises too; the first rises already."""
    ends: list[int] = []
    last: list[int] = []
    before = [-1] * len(pairs)
    for index, (_, position) in enumerate(pairs):
        length = bisect_left(ends, position)
        if length == len(ends):
            ends.append(position)
            last.append(index)
        else:
            ends[length] = position
            last[length] = index
        before[index] = last[length - 1] if length else -1
    chain: list[tuple[int, int]] = []
    index = last[-1] if last else -1
    while index >= 0:
        chain.append(pairs[index])
        index = before[index]
    return chain[::-1]


def _between(
    old: Sequence[Hashable], new: Sequence[Hashable], old_from: int, old_to: int, new_from: int, new_to: int
) -> Iterator[Block]:
    """Blocks of a middle part. It goes through gaps from left to right, so that a chain of gaps needs no recursion."""
    left = _MOST_SEARCHED
    waiting = [(old_from, old_to, new_from, new_to, False)]
    while waiting:
        old_from, old_to, new_from, new_to, anchored = waiting.pop()
        rows, columns = old_to - old_from, new_to - new_from
        if not rows or not columns:
            continue
        old_part, new_part = old[old_from:old_to], new[new_from:new_to]
        if anchored and rows == 1 and columns == 1 and old_part[0] == new_part[0]:
            yield Block(old_from, new_from, 1)
        elif max(rows, columns) <= SMALL and rows * columns <= left:
            left -= rows * columns
            matcher = SequenceMatcher(None, old_part, new_part, autojunk=False)
            for at_old, at_new, length in matcher.get_matching_blocks()[:-1]:
                yield Block(old_from + at_old, new_from + at_new, length)
        else:
            waiting += _gaps(anchors(old_part, new_part), old_from, old_to, new_from, new_to)[::-1]


def _gaps(
    pairs: Sequence[tuple[int, int]], old_from: int, old_to: int, new_from: int, new_to: int
) -> list[tuple[int, int, int, int, bool]]:
    """The anchors of a part and the gaps between them, in order; nothing when there is no anchor to part it."""
    if not pairs:
        return []
    parts = []
    at_old, at_new = old_from, new_from
    for one, other in pairs:
        parts.append((at_old, old_from + one, at_new, new_from + other, False))
        parts.append((old_from + one, old_from + one + 1, new_from + other, new_from + other + 1, True))
        at_old, at_new = old_from + one + 1, new_from + other + 1
    parts.append((at_old, old_to, at_new, new_to, False))
    return parts


def _joined(blocks: Sequence[Block]) -> Iterator[Block]:
    """Blocks that touch on both sides made one."""
    waiting: Block | None = None
    for block in blocks:
        if waiting is None:
            waiting = block
        elif waiting.old + waiting.length == block.old and waiting.new + waiting.length == block.new:
            waiting = Block(waiting.old, waiting.new, waiting.length + block.length)
        else:
            yield waiting
            waiting = block
    if waiting is not None:
        yield waiting
