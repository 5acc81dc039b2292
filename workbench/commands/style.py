"""Colour for terminal output, and none where it is not wanted."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TextIO

_CODES = {
    "dim": "2",
    "bold": "1",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "magenta": "35",
    "cyan": "36",
}


@dataclass(frozen=True, slots=True)
class Style:
    """Paints text when `coloured`."""

    coloured: bool

    @classmethod
    def of(cls, stream: TextIO) -> Style:
        """Coloured on a terminal, unless NO_COLOR is set or the terminal is dumb."""
        return cls(stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb")

    def __call__(self, text: str, *names: str) -> str:
        """`text` painted with the named colours and weights."""
        if not self.coloured or not names or not text:
            return text
        return f"\x1b[{';'.join(_CODES[name] for name in names)}m{text}\x1b[0m"
