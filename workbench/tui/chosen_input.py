"""Which input runs next: one of the agent's files, or a text of the user's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from workbench.definition.inputs import InputError, offered_inputs, resolve_input
from workbench.trace.terminal import one_line
from workbench.tui.remembered import Remembered

_FILE, _TEXT = "input", "input.text"
_MAX_KEPT = 20_000


class ChosenInput:
    """The last input that ran, kept from one start to the next; a file is read anew for each run."""

    def __init__(self, folder: Path, remembered: Remembered) -> None:
        self._folder = folder
        self._remembered = remembered
        self._path: Path | None = None
        self._own = ""
        self._restored = False

    @property
    def offered(self) -> Sequence[Path]:
        """The inputs that the agent's folder offers."""
        return offered_inputs(self._folder)

    @property
    def file(self) -> Path | None:
        """The file, None if it is a text of the user's own, or nothing was chosen."""
        self._restore()
        return self._path

    @property
    def own(self) -> str:
        """The user's own text, empty if it is a file."""
        self._restore()
        return self._own

    def for_comparison(self) -> Mapping[str, str]:
        """What each input is called, by what asks a comparison for it: the agent's files, else the user's own text."""
        files = {f"@{path}": path.name for path in self.offered}
        means_itself = self.own.strip() not in ("", "-") and not self.own.startswith("@")
        return files or ({self.own: one_line(self.own, 60)} if means_itself else {})

    def choose(self, chosen: Path | str) -> None:
        """Take a file, or a text, for this run and those that follow."""
        self._restored = True
        self._path, self._own = (chosen, "") if isinstance(chosen, Path) else (None, chosen)
        for name in (_FILE, _TEXT):
            self._remembered.forget(name)
        if self._path is not None:
            self._remembered.set(_FILE, self._path.name)
        elif len(self._own) <= _MAX_KEPT:
            self._remembered.set(_TEXT, self._own)

    def text(self) -> str:
        """The input's text; without a choice the first file that is offered is chosen.

        Raises:
            InputError: nothing is offered, or the file cannot be read.
        """
        self._restore()
        if self._own:
            return self._own
        if self._path is None:
            offered = self.offered
            if not offered:
                raise InputError("no input to run: press i to type one, or put files into inputs/")
            self.choose(offered[0])
        return resolve_input(self._folder, f"@{self._path}")

    def _restore(self) -> None:
        if self._restored:
            return
        self._restored = True
        kept = self._remembered.get(_FILE, "")
        self._path = next((path for path in self.offered if path.name == kept), None)
        self._own = "" if self._path is not None else self._remembered.get(_TEXT, "")
