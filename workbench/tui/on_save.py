"""What a save of the agent's files leads to. The fuse stands over all of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

OnSave = Literal["show", "rerun", "hot"]
MODES: Sequence[OnSave] = ("show", "rerun", "hot")
"""In the order in which the key goes through them."""

SAID: Mapping[OnSave, str] = {"show": "watching", "rerun": "re-runs on save", "hot": "re-runs what a save affects"}
"""What the top line says of a mode."""

EXPLAINED: Mapping[OnSave, str] = {
    "show": "A save shows what changed. Nothing runs by itself.",
    "rerun": "A save runs the last input again, and stops the run that it takes the place of.",
    "hot": "A save runs the last input again from the first step that it can affect; what comes before is replayed.",
}

DEBOUNCE = 0.3
"""Seconds without another save after which a save leads to a run."""


def mode_of(name: str) -> OnSave:
    """The mode of this name, the quiet one for any other."""
    return next((mode for mode in MODES if mode == name), "show")


def next_mode(mode: OnSave) -> OnSave:
    """The mode after this one."""
    return MODES[(MODES.index(mode) + 1) % len(MODES)]
