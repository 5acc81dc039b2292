"""A file that is being edited here and may be saved elsewhere meanwhile: what it began as, and what is on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from workbench.definition.merge import Merged, merge
from workbench.definition.writing import ChangedOnDiskError, read_text, save_text

Way = Literal["disk", "mine", "merge"]
"""How a conflict is settled: take what is on disk, keep what was typed here, or merge both."""


@dataclass(slots=True)
class EditedFile:
    """Knows nothing of how the text is edited. `base` is what the edit began with, `disk` what the file is now."""

    path: Path
    base: str | None
    disk: str | None

    @classmethod
    def open(cls, path: Path) -> EditedFile:
        """Begin to edit a file; one that is not there begins empty.

        Raises:
            OSError: it cannot be read.
            UnicodeDecodeError: it is no UTF-8 text.
        """
        try:
            text: str | None = read_text(path)
        except FileNotFoundError:
            text = None
        return cls(path, text, text)

    @property
    def conflict(self) -> bool:
        """Whether the file on disk is no longer what the edit began with."""
        return self.disk != self.base

    def dirty(self, mine: str) -> bool:
        """Whether `mine`, what is typed, is not what the edit began with."""
        return mine != (self.base or "")

    def look(self, mine: str) -> str | None:
        """Look at the disk; gives the new text if it can be taken at once, because nothing would be lost.

        Raises:
            UnicodeDecodeError: what is there now is no UTF-8 text.
        """
        try:
            found: str | None = read_text(self.path)
        except OSError:
            found = None
        if found == self.disk:
            return None
        self.disk = found
        if found is not None and (not self.dirty(mine) or mine == found):
            self.base = found
            return found
        return None

    def save(self, mine: str) -> bool:
        """Write `mine`; False if another program changed the file, which is then a conflict, and nothing was written.

        Raises:
            OSError: it cannot be written.
        """
        try:
            save_text(self.path, mine, expected=self.base)
        except ChangedOnDiskError as changed:
            self.disk = changed.text
            return False
        self.base = self.disk = mine
        return True

    def settle(self, way: Way, mine: str) -> Merged:
        """Settle a conflict; gives the text to go on with. Only a later `save` writes it."""
        base, disk = self.base or "", self.disk or ""
        self.base = self.disk
        match way:
            case "disk":
                return Merged(disk, 0)
            case "mine":
                return Merged(mine, 0)
            case "merge":
                return merge(base, mine, disk)
