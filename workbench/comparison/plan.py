"""What a comparison is: the matrix of variants, inputs and repeats, as plain data. Each cell of it is one run.

A cell is known by its content: the digest of the agent as it runs there, the input, the files that it starts from, who
answers, and the number of the repeat. So a comparison that is started again after an edit runs what the edit changed,
and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from workbench.trace.digest import digest

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""What a comparison may be called."""

MOST_CELLS = 10_000
"""The most runs that one comparison may have."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to run the agent. `prompt` is the file of its system prompt, None for the agent's own.

    `name` tells it from the others in the comparison, `digest` is that of its whole definition. `left_out` are
    settings of the agent that its model does not accept, in words.
    """

    name: str
    model: str
    prompt: str | None
    digest: str
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlannedInput:
    """An input that every variant answers."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Cell:
    """One run of the matrix; `repeat` counts from 1. `key` is the digest of all that the run depends on."""

    variant: Variant
    input: PlannedInput
    repeat: int
    key: str


@dataclass(frozen=True, slots=True)
class Plan:
    """A comparison to be made. `offline` says that the agent's script answers as the model.

    `files` is the snapshot that each run's workspace starts from, None for an empty one. `judge` is the model that
    judges the answers in pairs, None when none does.
    """

    name: str
    agent: str
    variants: tuple[Variant, ...]
    inputs: tuple[PlannedInput, ...]
    repeats: int
    offline: bool
    files: str | None = None
    judge: str | None = None

    @property
    def cells(self) -> Sequence[Cell]:
        """All runs, in the order in which they are to be started: every variant once before any of them again."""
        return tuple(
            Cell(variant, item, repeat, self._key(variant, item, repeat))
            for repeat in range(1, self.repeats + 1)
            for item in self.inputs
            for variant in self.variants
        )

    def _key(self, variant: Variant, item: PlannedInput, repeat: int) -> str:
        return digest([variant.digest, item.text, self.files, self.offline, repeat])


def default_name(variants: Sequence[Variant], inputs: Sequence[PlannedInput]) -> str:
    """The name of a comparison that was given none: the same for the same question, so that asking again goes on."""
    content = digest([[variant.digest for variant in variants], [item.text for item in inputs]])
    return f"{len(variants)}x{len(inputs)}-{content[:6]}"
