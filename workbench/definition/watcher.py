"""Noticing saves: everything that an agent is made from is watched, and what changed is told by content.

Editors replace a file, truncate it first, or touch it. So folders are watched, not files; what counts is whether the
content differs from what was seen last; and a file that is suddenly empty or gone is looked at again a moment later.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.definition.agent import AgentDefinition
from workbench.definition.inputs import FOLDER as INPUTS
from workbench.definition.inputs import offered_inputs

_STEP_MS, _DEBOUNCE_MS = 15, 100
_SECOND_LOOK = 0.12
"""Seconds after which a file that was found empty or gone is looked at again."""

_MAX_TEXT = 1 << 21
_MAX_LISTED, _MAX_FOLDERS = 5_000, 300
"""How many entries of a folder are compared, and how many folders are watched; what is beyond changes unnoticed."""

_PASSED_OVER = frozenset({".git", ".workbench", "node_modules", "__pycache__"})
_Stamp = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Watched:
    """What is watched: `files` whose text is compared, and `folders` of which only the listing is."""

    files: Sequence[Path]
    folders: Sequence[Path] = ()


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file whose content is another: its text before and after, None where it is gone, no text or too large."""

    path: Path
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Change:
    """What differs from the last look: files by their content, and paths below watched folders by their listing."""

    files: Sequence[FileChange] = ()
    listed: Sequence[Path] = ()

    def __bool__(self) -> bool:
        """Whether anything differs."""
        return bool(self.files or self.listed)


def watched_of(folder: Path, definition: AgentDefinition | None) -> Watched:
    """All that the agent in `folder` is made from, as far as its last good definition tells."""
    files = [folder / "agent.yaml", folder / "offline.yaml", folder / "prompt.md", *offered_inputs(folder)]
    folders = [folder / INPUTS, folder / "offline"]
    if definition is not None:
        files += definition.files
        if definition.container.dockerfile is not None:
            files.append(definition.container.dockerfile)
        if definition.source is not None:
            folders.append(definition.source)
    return Watched(tuple(dict.fromkeys(files)), tuple(dict.fromkeys(folders)))


class Watcher:
    """Tells each change of what is watched, once."""

    def __init__(self, watched: Watched) -> None:
        """Look for the first time: what is there now is not told."""
        self._watched = watched
        self._texts = _read_all(watched.files)
        self._listing = _list_all(watched.folders)
        self._renewed: asyncio.Event | None = None

    def text(self, path: Path) -> str | None:
        """The text of a watched file as it was seen last."""
        return _decoded(self._texts.get(path))

    def watch(self, watched: Watched) -> None:
        """Watch this from now on. A file that is new among the watched is not told."""
        if watched == self._watched:
            return
        self._watched = watched
        self._texts = _read_all(watched.files) | {k: v for k, v in self._texts.items() if k in watched.files}
        listing = _list_all(watched.folders)
        self._listing = listing | {
            path: stamp
            for path, stamp in self._listing.items()
            if any(path.is_relative_to(folder) for folder in watched.folders)
        }
        if self._renewed is not None:
            self._renewed.set()

    def look(self, *, believe: bool = True) -> Change | None:
        """What has changed since the last look; None if nothing has.

        Unless `believe`, a file that is suddenly empty or gone is taken for one that is just being written, and is left
        to the next look.
        """
        files = []
        for path in self._watched.files:
            before, after = self._texts.get(path), _read(path)
            if before == after or (before and not after and not believe):
                continue
            self._texts[path] = after
            files.append(FileChange(path, _decoded(before), _decoded(after)))
        listing = _list_all(self._watched.folders)
        told = {change.path for change in files}
        listed = [
            path
            for path in sorted(listing.keys() | self._listing.keys())
            if listing.get(path) != self._listing.get(path) and path not in self._texts and path not in told
        ]
        self._listing = listing
        change = Change(tuple(files), tuple(listed))
        return change if change else None

    async def changes(self) -> AsyncIterator[Change]:
        """Each change as it happens, until the caller stops asking."""
        from watchfiles import awatch

        while True:
            self._renewed = asyncio.Event()
            folders = _folders_to_watch(self._watched)
            async for _ in awatch(
                *folders,
                watch_filter=_worth_a_look,
                debounce=_DEBOUNCE_MS,
                step=_STEP_MS,
                recursive=False,
                stop_event=self._renewed,
            ):
                for change in (self.look(believe=False), await self._second_look()):
                    if change is not None:
                        yield change
                if _folders_to_watch(self._watched) != folders:
                    break
            if self._renewed.is_set():
                # what changed while the watch was set up anew
                change = self.look()
                if change is not None:
                    yield change

    async def _second_look(self) -> Change | None:
        if all(_read(path) or not self._texts.get(path) for path in self._watched.files):
            return None
        await asyncio.sleep(_SECOND_LOOK)
        return self.look()


def _worth_a_look(_change: object, path: str) -> bool:
    return not any(part in _PASSED_OVER for part in Path(path).parts[-2:])


def _folders_to_watch(watched: Watched) -> Sequence[Path]:
    """The folders that hold the files, those of what links lead to, and the watched folders with those below them."""
    found = [place.parent for file in watched.files for place in (file, file.resolve())]
    for folder in watched.folders:
        # a folder that may come is noticed in the one that it would be in
        found += [folder.parent, *(Path(place) for place, _ in _walk(folder))]
    return list(dict.fromkeys(place for place in found if place.is_dir()))[:_MAX_FOLDERS]


def _walk(folder: Path) -> list[tuple[str, list[str]]]:
    found: list[tuple[str, list[str]]] = []
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in _PASSED_OVER)
        found.append((place, sorted(files)))
        if len(found) >= _MAX_FOLDERS:
            break
    return found


def _read_all(files: Sequence[Path]) -> dict[Path, bytes | None]:
    return {path: _read(path) for path in files}


def _read(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_TEXT + 1)
    except OSError:
        return None


def _decoded(content: bytes | None) -> str | None:
    if content is None or len(content) > _MAX_TEXT:
        return None
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _list_all(folders: Sequence[Path]) -> dict[Path, _Stamp]:
    """Size and time of change of every file below the folders."""
    listing: dict[Path, _Stamp] = {}
    for folder in folders:
        for place, names in _walk(folder):
            for name in names:
                if len(listing) >= _MAX_LISTED:
                    return listing
                path = Path(place) / name
                try:
                    seen = path.stat()
                except OSError:
                    continue
                listing[path] = (seen.st_size, seen.st_mtime_ns)
    return listing
