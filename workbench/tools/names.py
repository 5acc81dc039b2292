"""The names under which the model sees tools: valid for the API, unique, and the server's own where possible."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

MAX_LENGTH = 128
"""Characters of a tool's name; the Messages API takes letters, digits, `_` and `-`."""

_VALID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_INVALID_CHARACTER = re.compile(r"[^A-Za-z0-9_-]")
_DIGEST_LENGTH = 8


@dataclass(frozen=True, slots=True)
class Offered:
    """A tool under its own name, at the server of that name. The names of fixed tools are never changed."""

    server: str
    name: str
    fixed: bool = False


def is_valid(name: str) -> bool:
    """Whether the API takes `name` as the name of a tool."""
    return _VALID.fullmatch(name) is not None


def resolve(offered: Sequence[Offered], taken: Collection[str] = ()) -> Sequence[str]:
    """The name of each tool of `offered`, in its order; no two are equal and none is in `taken`.

    A tool keeps its own name if that is valid and no other tool has it. Otherwise invalid characters become `_`, and
    where that makes a clash, `server__tool`; what then still clashes or is too long ends in a digest of both names, so
    that a tool's name does not depend on the order of things.

    Raises:
        ValueError: two fixed tools have one name, or a fixed tool has a name of `taken`.
    """
    used = set(taken)
    for tool in offered:
        if tool.fixed and tool.name in used:
            raise ValueError(f"two tools are named {tool.name}")
        used |= {tool.name} if tool.fixed else set()
    wishes = [tool.name if tool.fixed else _spelt(tool.name) for tool in offered]
    wished = Counter(wishes)
    clashes = [
        not tool.fixed and (wished[wish] > 1 or wish in used or len(wish) > MAX_LENGTH)
        for tool, wish in zip(offered, wishes, strict=True)
    ]
    used |= {wish for wish, clash in zip(wishes, clashes, strict=True) if not clash}
    names = []
    for tool, wish, clash in zip(offered, wishes, clashes, strict=True):
        name = _qualified(tool, used) if clash else wish
        used.add(name)
        names.append(name)
    return names


def _qualified(tool: Offered, used: set[str]) -> str:
    name = f"{_spelt(tool.server)}__{_spelt(tool.name)}"
    attempt = 0
    while name in used or len(name) > MAX_LENGTH:
        source = "\0".join([tool.server, tool.name, *["again"] * attempt])
        suffix = hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_LENGTH]
        stem = f"{_spelt(tool.server)}__{_spelt(tool.name)}"[: MAX_LENGTH - _DIGEST_LENGTH - 1]
        name = f"{stem}_{suffix}"
        attempt += 1
    return name


def _spelt(name: str) -> str:
    return _INVALID_CHARACTER.sub("_", name) or "tool"
