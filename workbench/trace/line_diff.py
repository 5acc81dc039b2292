"""The difference between two texts, line by line, as a unified diff."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from workbench.trace.sequence_diff import Block, shared_blocks

CONTEXT = 3
"""Unchanged lines that are shown around a change."""


class DiffLine(NamedTuple):
    """A line of a unified diff, without its end; `text` of a hunk's head is its `@@ -1,4 +1,5 @@`."""

    tag: Literal["hunk", "same", "removed", "added"]
    text: str

    def __str__(self) -> str:
        return _SIGNS[self.tag] + self.text


_SIGNS = {"hunk": "", "same": " ", "removed": "-", "added": "+"}


class _Change(NamedTuple):
    old_from: int
    old_to: int
    new_from: int
    new_to: int


def unified_lines(old: str, new: str, context: int = CONTEXT) -> Sequence[DiffLine]:
    """The unified diff of two texts, empty when they are the same.

    Only line feeds part lines, so what follows the last of them is a line too, though it may be empty.
    """
    if old == new:
        return []
    old_lines, new_lines = old.split("\n"), new.split("\n")
    changes = list(_changes(old_lines, new_lines))
    return [line for hunk in _hunks(changes, context) for line in _hunk_lines(hunk, old_lines, new_lines, context)]


def _changes(old: Sequence[str], new: Sequence[str]) -> Iterator[_Change]:
    at_old = at_new = 0
    for block in (*shared_blocks(old, new), Block(len(old), len(new), 0)):
        if block.old > at_old or block.new > at_new:
            yield _Change(at_old, block.old, at_new, block.new)
        at_old, at_new = block.old + block.length, block.new + block.length


def _hunks(changes: Sequence[_Change], context: int) -> Iterator[list[_Change]]:
    """Changes so near to each other that their context would overlap."""
    hunk: list[_Change] = []
    for change in changes:
        if hunk and change.old_from - hunk[-1].old_to > 2 * context:
            yield hunk
            hunk = []
        hunk.append(change)
    if hunk:
        yield hunk


def _hunk_lines(hunk: Sequence[_Change], old: Sequence[str], new: Sequence[str], context: int) -> Iterator[DiffLine]:
    before = min(context, hunk[0].old_from)
    after = min(context, len(old) - hunk[-1].old_to)
    old_from, old_to = hunk[0].old_from - before, hunk[-1].old_to + after
    new_from, new_to = hunk[0].new_from - before, hunk[-1].new_to + after
    yield DiffLine("hunk", f"@@ -{_range(old_from, old_to)} +{_range(new_from, new_to)} @@")
    at = old_from
    for change in hunk:
        yield from (DiffLine("same", line) for line in old[at : change.old_from])
        yield from (DiffLine("removed", line) for line in old[change.old_from : change.old_to])
        yield from (DiffLine("added", line) for line in new[change.new_from : change.new_to])
        at = change.old_to
    yield from (DiffLine("same", line) for line in old[at:old_to])


def _range(start: int, end: int) -> str:
    length = end - start
    if length == 1:
        return str(start + 1)
    return f"{start + 1 if length else start},{length}"
