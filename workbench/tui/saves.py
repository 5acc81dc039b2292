"""What follows from a save: the agent is loaded again, and the change is described. It draws nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from workbench.definition.inputs import FOLDER as INPUTS
from workbench.definition.problems import Problem
from workbench.definition.watcher import Change, Watcher, watched_of
from workbench.tui.file_diff import FileDiff, diff
from workbench.tui.session import Session


@dataclass(frozen=True, slots=True)
class Saved:
    """A save: when, what it changed, and the errors that it left.

    `paths` are all changed files, `others` the names of those of which no difference is told: inputs and what is below
    /source. `changes_agent` says whether the agent is another one now, `changes_source` and `changes_script` whether
    files at its /source, or its offline script's, are others.
    """

    at: datetime
    paths: Sequence[Path]
    diffs: Sequence[FileDiff]
    others: Sequence[str] = ()
    errors: Sequence[Problem] = ()
    trouble: str | None = None
    changes_agent: bool = False
    changes_source: bool = False
    changes_script: bool = False

    @property
    def broken(self) -> bool:
        """Whether the files cannot be used as they are now."""
        return bool(self.errors or self.trouble)

    @property
    def follows(self) -> str:
        """What follows from it, in a few words."""
        if self.broken:
            return "cannot be used as it is: the last good definition stays"
        return "live: the next run has it (r)" if self.changes_agent else ""

    def concerns(self, chosen: Path | None) -> bool:
        """Whether it can change what the input `chosen` leads to: other inputs do not count."""
        return any(path.parent.name != INPUTS or path == chosen for path in self.paths)

    @property
    def names(self) -> str:
        """The changed files in a few words."""
        names = [*(shown.name for shown in self.diffs), *self.others]
        return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


@dataclass
class Saves:
    """Follows the files of a session's agent."""

    session: Session
    history: list[Saved] = field(default_factory=list)

    async def __aiter__(self) -> AsyncIterator[Saved]:
        """Each save, once the session has loaded what was saved."""
        session = self.session
        watcher = Watcher(watched_of(session.folder, session.definition))
        async for change in watcher.changes():
            before = session.definition
            await session.reload()
            watcher.watch(watched_of(session.folder, session.definition))
            saved = _saved(change, session, changes_agent=before != session.definition)
            self.history.append(saved)
            yield saved


def _saved(change: Change, session: Session, *, changes_agent: bool) -> Saved:
    folder = session.folder
    source = session.definition.source if session.definition is not None else None
    inputs = [file for file in change.files if file.path.parent.name == INPUTS]
    definition = [file for file in change.files if file not in inputs]
    return Saved(
        at=datetime.now().astimezone(),
        paths=(*(file.path for file in change.files), *change.listed),
        diffs=[diff(file, _name(file.path, folder)) for file in definition],
        others=[_name(path, folder) for path in (*(file.path for file in inputs), *change.listed)],
        errors=[problem for problem in session.problems if problem.severity == "error"],
        trouble=session.trouble,
        changes_agent=changes_agent or bool(change.listed) or bool(definition),
        changes_source=any(source is not None and path.is_relative_to(source) for path in change.listed),
        changes_script=any(path == folder / "offline.yaml" for path in (file.path for file in change.files))
        or any(path.is_relative_to(folder / "offline") for path in change.listed),
    )


def _name(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)
