"""Puts the steps of two to four runs side by side: what corresponds is in one row, in the order of every run.

The runs are compared with the first of them, each by itself. What is exactly the same and occurs once in both is an
anchor; between anchors what is of the same kind (a call of the same tool, a message) is paired so that as much as
possible has a partner. What has none in the first run is compared among the others.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

from workbench.trace.sequence_diff import anchors, shared_ends

Row = tuple[int | None, ...]
"""For each run the position of the item that it has in this row, None for a gap."""

_MOST_PAIRS = 40_000
"""Pairs of items in a gap between two anchors up to which the best pairing is searched."""
_LOOK_AHEAD = 24
"""In a larger gap: how far the next item of the same kind may be."""
_EXACT, _KIND = 3, 1
"""What a pair is worth: the very same, and only of the same kind."""


class Key(NamedTuple):
    """What of an item decides its partner: `exact` is equal for the very same, which is of one `kind` too."""

    exact: Hashable
    kind: Hashable


def align(runs: Sequence[Sequence[Key]]) -> list[Row]:
    """The rows of the runs side by side. Every item is in one row, and each run's items are in their order."""
    if not runs or not any(runs):
        return []
    first = next(index for index, run in enumerate(runs) if run)
    if not any(runs[first + 1 :]):
        return [tuple(item if run == first else None for run in range(len(runs))) for item in range(len(runs[first]))]
    partners = [dict(pairs(runs[first], run)) if index > first else {} for index, run in enumerate(runs)]
    return _star(runs, first, partners)


def pairs(one: Sequence[Key], other: Sequence[Key]) -> list[tuple[int, int]]:
    """The items of two runs that correspond, as pairs of positions that rise on both sides."""
    head, tail = shared_ends(one, other)
    found = [(index, index) for index in range(head)]
    one_end, other_end = len(one) - tail, len(other) - tail
    one_from, other_from = head, head
    chain = anchors([key.exact for key in one[head:one_end]], [key.exact for key in other[head:other_end]])
    for at_one, at_other in (*((head + a, head + b) for a, b in chain), (one_end, other_end)):
        found += [(one_from + a, other_from + b) for a, b in _in_gap(one[one_from:at_one], other[other_from:at_other])]
        if at_one < one_end:
            found.append((at_one, at_other))
        one_from, other_from = at_one + 1, at_other + 1
    found += [(one_end + index, other_end + index) for index in range(tail)]
    return found


def settled(rows: Sequence[Row], runs: Sequence[Sequence[Key]]) -> int:
    """How many rows at the beginning stay as they are when runs grow: those up to the last that all runs share."""
    for number in range(len(rows) - 1, -1, -1):
        row = rows[number]
        if None not in row and len({run[at].exact for run, at in zip(runs, row, strict=True) if at is not None}) == 1:
            return number + 1
    return 0


def realign(rows: Sequence[Row], runs: Sequence[Sequence[Key]], kept: int) -> list[Row]:
    """The rows of runs that have grown: the first `kept` of those before (see `settled`), the others found anew."""
    begins = [0] * len(runs)
    for row in rows[:kept]:
        begins = [begin if at is None else at + 1 for begin, at in zip(begins, row, strict=True)]
    return [*rows[:kept], *_shifted(align([run[begin:] for run, begin in zip(runs, begins, strict=True)]), begins)]


def _star(runs: Sequence[Sequence[Key]], first: int, partners: Sequence[dict[int, int]]) -> list[Row]:
    """Rows around the items of the run `first`.

    What other runs have before the partner of an item comes before the item's row, and is aligned by itself.
    """
    rows: list[Row] = []
    at = [0] * len(runs)
    for item in range(len(runs[first])):
        partner = [item if run == first else partners[run].get(item) for run in range(len(runs))]
        ends = [begin if place is None else place for begin, place in zip(at, partner, strict=True)]
        ends[first] = at[first] = item
        if ends != at:
            rows += _shifted(align([run[begin:end] for run, begin, end in zip(runs, at, ends, strict=True)]), at)
        rows.append(tuple(partner))
        at = [end if place is None else place + 1 for end, place in zip(ends, partner, strict=True)]
    return rows + _shifted(align([run[begin:] for run, begin in zip(runs, at, strict=True)]), at)


def _shifted(rows: Sequence[Row], by: Sequence[int]) -> list[Row]:
    return [tuple(None if at is None else at + begin for at, begin in zip(row, by, strict=True)) for row in rows]


def _in_gap(one: Sequence[Key], other: Sequence[Key]) -> list[tuple[int, int]]:
    if not one or not other:
        return []
    if len(one) * len(other) > _MOST_PAIRS:
        return _nearest_of_kind(one, other)
    return _best_pairing(one, other)


def _best_pairing(one: Sequence[Key], other: Sequence[Key]) -> list[tuple[int, int]]:
    """The pairing of the highest worth (Needleman and Wunsch, gaps are free)."""
    rows, columns = len(one), len(other)
    worth = [[0] * (columns + 1) for _ in range(rows + 1)]
    for row in range(rows - 1, -1, -1):
        key, here, below = one[row], worth[row], worth[row + 1]
        for column in range(columns - 1, -1, -1):
            best = max(below[column], here[column + 1])
            if key.kind == other[column].kind:
                best = max(best, below[column + 1] + _worth(key, other[column]))
            here[column] = best
    found = []
    row = column = 0
    while row < rows and column < columns:
        best = worth[row][column]
        matches = one[row].kind == other[column].kind
        if matches and best == worth[row + 1][column + 1] + _worth(one[row], other[column]):
            found.append((row, column))
            row, column = row + 1, column + 1
        elif best == worth[row + 1][column]:
            row += 1
        else:
            column += 1
    return found


def _nearest_of_kind(one: Sequence[Key], other: Sequence[Key]) -> list[tuple[int, int]]:
    """A pairing in one pass: each item with the next of its kind, if that is not far."""
    found = []
    begin = 0
    for at, key in enumerate(one):
        for place in range(begin, min(begin + _LOOK_AHEAD, len(other))):
            if other[place].kind == key.kind:
                found.append((at, place))
                begin = place + 1
                break
    return found


def _worth(one: Key, other: Key) -> int:
    return _EXACT if one.exact == other.exact else _KIND
