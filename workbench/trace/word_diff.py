"""The difference between two texts, word by word; it never takes longer than reading them a few times does."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from workbench.trace.sequence_diff import SMALL, Block, shared_blocks, shared_ends

_WORDS = re.compile(r"\s*\w+|\s*[^\w\s]|\s+\Z")
"""A word or a sign with the white space before it; white space alone only at the end."""


class Piece(NamedTuple):
    """A part of one or both texts."""

    tag: Literal["same", "removed", "added"]
    text: str


def word_diff(old: str, new: str) -> Sequence[Piece]:
    """What makes `new` of `old`: the pieces that are not `added` are `old`, those that are not `removed` are `new`.

    What is the same at both ends is trimmed, a small middle is compared word by word, a larger one line by line and
    the changed lines word by word. Where much has changed the whole of it is one removed and one added piece.
    """
    if old == new:
        return [Piece("same", old)] if old else []
    return list(_joined(_diff(old, new)))


def _diff(old: str, new: str) -> Iterator[Piece]:
    old_words, new_words = _WORDS.findall(old), _WORDS.findall(new)
    head, tail = shared_ends(old_words, new_words)
    old_middle, new_middle = old_words[head : len(old_words) - tail], new_words[head : len(new_words) - tail]
    yield Piece("same", "".join(old_words[:head]))
    if max(len(old_middle), len(new_middle)) <= SMALL:
        yield from _pieces(old_middle, new_middle)
    else:
        yield from _by_lines("".join(old_middle), "".join(new_middle))
    yield Piece("same", "".join(old_words[len(old_words) - tail :]))


def _by_lines(old: str, new: str) -> Iterator[Piece]:
    old_lines, new_lines = old.splitlines(keepends=True), new.splitlines(keepends=True)
    for is_same, old_part, new_part in _parts(old_lines, new_lines):
        if is_same:
            yield Piece("same", "".join(old_part))
            continue
        old_words, new_words = _WORDS.findall("".join(old_part)), _WORDS.findall("".join(new_part))
        if max(len(old_words), len(new_words)) <= SMALL:
            yield from _pieces(old_words, new_words)
        else:
            yield from _ends_trimmed(old_words, new_words)


def _ends_trimmed(old: Sequence[str], new: Sequence[str]) -> Iterator[Piece]:
    head, tail = shared_ends(old, new)
    yield Piece("same", "".join(old[:head]))
    yield Piece("removed", "".join(old[head : len(old) - tail]))
    yield Piece("added", "".join(new[head : len(new) - tail]))
    yield Piece("same", "".join(old[len(old) - tail :]))


def _pieces(old: Sequence[str], new: Sequence[str]) -> Iterator[Piece]:
    for is_same, old_part, new_part in _parts(old, new):
        if is_same:
            yield Piece("same", "".join(old_part))
        else:
            yield Piece("removed", "".join(old_part))
            yield Piece("added", "".join(new_part))


def _parts(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[bool, Sequence[str], Sequence[str]]]:
    """The blocks that are the same and what is between them, in order."""
    at_old = at_new = 0
    for block in (*shared_blocks(old, new), Block(len(old), len(new), 0)):
        if block.old > at_old or block.new > at_new:
            yield False, old[at_old : block.old], new[at_new : block.new]
        at_old, at_new = block.old + block.length, block.new + block.length
        if block.length:
            yield True, old[block.old : at_old], new[block.new : at_new]


def _joined(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """Pieces without empty ones; between two pieces that are the same, one removed and one added at most."""
    texts = {"same": "", "removed": "", "added": ""}
    for tag, text in pieces:
        if not text:
            continue
        if tag == "same":
            if not texts["removed"] and not texts["added"]:
                texts["same"] += text
                continue
            yield from _filled(texts)
            texts = {"same": text, "removed": "", "added": ""}
        else:
            texts[tag] += text
    yield from _filled(texts)


def _filled(texts: dict[str, str]) -> Iterator[Piece]:
    for tag in ("same", "removed", "added"):
        if texts[tag]:
            yield Piece(tag, texts[tag])
