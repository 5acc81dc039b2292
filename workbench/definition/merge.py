"""Merging two changes of one text, line by line. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

MINE, MIDDLE, THEIRS = "<<<<<<< mine\n", "=======\n", ">>>>>>> disk\n"
"""The lines around a place where both changed."""


@dataclass(frozen=True, slots=True)
class Merged:
    """The merged text, and in how many places both had changed the same lines; those hold both between marks."""

    text: str
    conflicts: int


def merge(base: str, mine: str, theirs: str) -> Merged:
    """What becomes of `base` if both changes are made: mine and theirs.

    Lines that only one has changed are taken from it; where both changed the same lines otherwise, both are kept
    between marks.
    """
    old, ours, others = (text.splitlines(keepends=True) for text in (base, mine, theirs))
    in_mine, in_theirs = _places(old, ours), _places(old, others)
    lines: list[str] = []
    conflicts = at_old = at_mine = at_theirs = 0
    for anchor in [*(number for number in range(len(old)) if number in in_mine and number in in_theirs), len(old)]:
        end_mine, end_theirs = in_mine.get(anchor, len(ours)), in_theirs.get(anchor, len(others))
        settled, conflict = _settled(old[at_old:anchor], ours[at_mine:end_mine], others[at_theirs:end_theirs])
        lines += settled
        conflicts += conflict
        lines += old[anchor : anchor + 1]
        at_old, at_mine, at_theirs = anchor + 1, end_mine + 1, end_theirs + 1
    return Merged("".join(lines), conflicts)


def _places(old: Sequence[str], new: Sequence[str]) -> dict[int, int]:
    """Where each line of `old` that was kept is in `new`."""
    blocks = SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
    return {block.a + number: block.b + number for block in blocks for number in range(block.size)}


def _settled(old: list[str], mine: list[str], theirs: list[str]) -> tuple[list[str], bool]:
    """The lines between two that all have, and whether both changed them differently."""
    if mine in (theirs, old):
        return theirs, False
    if theirs == old:
        return mine, False
    return [MINE, *_closed(mine), MIDDLE, *_closed(theirs), THEIRS], True


def _closed(lines: list[str]) -> list[str]:
    """The lines, the last of them with an end."""
    return [*lines[:-1], lines[-1] if lines[-1].endswith("\n") else lines[-1] + "\n"] if lines else []
