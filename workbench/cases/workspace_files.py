"""What a trace tells of the files of a workspace: which of them a run changed, and what it wrote into them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from workbench.jsontypes import JsonObject
from workbench.trace.events import (
    EventData,
    FileChange,
    RunCompleted,
    RunFailed,
    RunStarted,
    ToolCall,
    ToolResult,
)

Change = Literal["added", "modified", "deleted"]

WORKSPACE = "/workspace/"

MOST_LISTED = 1000
"""So many changes of one call are listed at most: where a list is as long, the rest is not known."""


@dataclass(frozen=True, slots=True)
class WorkspaceFiles:
    """The files of a workspace at the end of a run. Paths are relative to it.

    `changes` are the files that differ from the run's beginning, `contents` the texts of those that are known,
    `snapshot` names the whole workspace. `all_known`: it began empty and every change is told, so that what is not
    among them is not there.
    """

    changes: Mapping[str, Change]
    contents: Mapping[str, str]
    snapshot: str | None
    all_known: bool

    def change(self, path: str) -> Change | None:
        """How the run changed a file, None if it did not."""
        return self.changes.get(relative(path))

    def exists(self, path: str) -> bool | None:
        """Whether the file is there at the end, None where the trace cannot tell."""
        change = self.change(path)
        if change is not None:
            return change != "deleted"
        return False if self.all_known else None

    def content(self, path: str) -> str | None:
        """The text of the file at the end, None where it is not known."""
        return self.contents.get(relative(path))


def relative(path: str) -> str:
    """A path as changes tell it: relative to the workspace."""
    return path.removeprefix(WORKSPACE).removeprefix("./")


class FilesFold:
    """The files of a workspace while the events of a run come."""

    def __init__(self) -> None:
        self._all_known = True
        self._latest: str | None = None
        self._last: str | None = None
        self._net: dict[str, Change] = {}
        self._contents: dict[str, str] = {}
        self._open: dict[str, ToolCall] = {}

    def add(self, data: EventData) -> None:
        """Take the data of one event."""
        match data:
            case RunStarted():
                storage = data.definition.get("storage")
                self._all_known = not (isinstance(storage, dict) and storage.get("persistent") is True)
            case ToolCall():
                self._open[data.call_id] = data
                if data.container is not None:
                    self._changed(data.container.changed, data.container.snapshot)
            case ToolResult():
                written = self._written(self._open.pop(data.call_id, None), data)
                self._changed(data.changed, data.snapshot, own=written[0] if written else None)
                if written is not None:
                    self._contents[written[0]] = written[1]
            case RunCompleted():
                self._last = data.snapshot
            case RunFailed():
                self._last = data.state.snapshot

    def files(self) -> WorkspaceFiles:
        """The files as they are now."""
        return WorkspaceFiles(dict(self._net), dict(self._contents), self._last, self._all_known)

    def _changed(self, changes: Sequence[FileChange], snapshot: str | None, own: str | None = None) -> None:
        """Take changes that led to `snapshot`. A call tells those again that the result before it has told."""
        if snapshot is not None and snapshot == self._latest:
            return
        self._latest = snapshot
        self._all_known = self._all_known and len(changes) < MOST_LISTED
        for change in changes:
            before = self._net.get(change.path)
            if change.path != own:
                self._contents.pop(change.path, None)
            if change.change == "deleted" and before == "added":
                del self._net[change.path]
            elif change.change == "added" and before == "deleted":
                self._net[change.path] = "modified"
            elif not (change.change == "modified" and before == "added"):
                self._net[change.path] = change.change

    def _written(self, call: ToolCall | None, result: ToolResult) -> tuple[str, str] | None:
        """The file that a call of the file tools wrote, and its whole text, where the trace tells it."""
        arguments = call.arguments if call is not None else None
        if arguments is None or result.is_error:
            return None
        path = relative(_text(arguments.get("file_path")) or "")
        if not path or result.tool not in ("write", "edit"):
            return None
        text = arguments.get("content") if result.tool == "write" else self._edited(path, arguments)
        return (path, text) if isinstance(text, str) else None

    def _edited(self, path: str, arguments: JsonObject) -> str | None:
        old, new, text = arguments.get("old_string"), arguments.get("new_string"), self._contents.get(path)
        if text is None or not isinstance(old, str) or not isinstance(new, str) or not old:
            return None
        return text.replace(old, new) if arguments.get("replace_all") is True else text.replace(old, new, 1)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
