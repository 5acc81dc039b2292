"""What a trace tells of files: which a run changed in the end, and the texts that its file tools wrote."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from tests.engine.scripted_world import agent
from workbench.cases.workspace_files import MOST_LISTED, FilesFold, WorkspaceFiles
from workbench.trace.events import ContainerState, FileChange, RunStarted, ToolCall, ToolResult, Trigger

Change = tuple[str, Literal["added", "modified", "deleted"]]


class Telling:
    """Tells a fold of calls one after the other."""

    def __init__(self, *, persistent: bool = False) -> None:
        definition = agent(persistent=persistent)
        self.fold = FilesFold()
        self.fold.add(
            RunStarted("a", "d", definition.document, Trigger(), "go", "claude-haiku-4-5", "offline", None, None)
        )
        self._calls = 0

    def call(
        self,
        tool: str,
        arguments: dict[str, Any] | None,
        *changed: Change,
        before: Sequence[Change] = (),
        is_error: bool = False,
        found: str | None = None,
        after: str | None = None,
    ) -> None:
        self._calls += 1
        call_id = f"c{self._calls}"
        state = ContainerState("/workspace", found, [FileChange(path, change) for path, change in before])
        self.fold.add(ToolCall(call_id, 1, tool, "filesystem", arguments, 0, "", state))
        changes = [FileChange(path, change) for path, change in changed]
        self.fold.add(ToolResult(call_id, tool, "filesystem", [], 0, is_error, 0.1, snapshot=after, changed=changes))

    @property
    def files(self) -> WorkspaceFiles:
        return self.fold.files()


def test_changes_add_up_to_what_differs_from_the_beginning() -> None:
    told = Telling()
    told.call("bash", {}, ("a", "added"), ("b", "added"), ("c", "modified"), ("d", "deleted"))
    told.call("bash", {}, ("a", "modified"), ("b", "deleted"), ("c", "deleted"), before=[("d", "added")])
    assert told.files.changes == {"a": "added", "c": "deleted", "d": "modified"}
    assert [told.files.exists(path) for path in ("a", "b", "c", "d", "/workspace/a", "other")] == [
        True,
        False,
        False,
        True,
        True,
        False,
    ]


def test_what_is_written_and_edited_is_known() -> None:
    told = Telling()
    told.call("write", {"file_path": "/workspace/a", "content": "one two two"}, ("a", "added"))
    assert told.files.content("a") == "one two two"
    told.call("edit", {"file_path": "a", "old_string": "one", "new_string": "1"}, ("a", "modified"))
    told.call(
        "edit", {"file_path": "a", "old_string": "two", "new_string": "2", "replace_all": True}, ("a", "modified")
    )
    assert told.files.content("/workspace/a") == "1 2 2"


def test_what_something_else_changed_is_not_known_any_more() -> None:
    told = Telling()
    told.call("write", {"file_path": "a", "content": "one"}, ("a", "added"))
    told.call("bash", {"command": "date > a"}, ("a", "modified"))
    assert told.files.content("a") is None
    told.call("edit", {"file_path": "a", "old_string": "one", "new_string": "1"}, ("a", "modified"))
    assert told.files.content("a") is None
    told.call("write", {"file_path": "a", "content": "two"}, ("a", "modified"), before=[("a", "deleted")])
    assert told.files.content("a") == "two"


def test_changes_that_are_told_twice_happened_once() -> None:
    told = Telling()
    told.call("write", {"file_path": "a", "content": "one"}, ("a", "added"), after="s1")
    told.call("bash", {}, ("a", "deleted"), before=[("a", "added")], found="s1", after="s2")
    told.call(
        "write", {"file_path": "b", "content": "two"}, ("b", "added"), before=[("a", "deleted")], found="s2", after="s3"
    )
    told.call("read", {}, before=[("b", "added")], found="s3", after="s3")
    assert told.files.changes == {"b": "added"}
    assert told.files.content("b") == "two"
    told.call("read", {}, before=[("b", "modified")], found="s4", after="s4")  # something ran in the background
    assert told.files.content("b") is None


def test_what_failed_or_was_not_captured_wrote_nothing_that_is_known() -> None:
    told = Telling()
    told.call("write", {"file_path": "a", "content": "one"}, is_error=True)
    told.call("write", None, ("b", "added"))
    assert (told.files.content("a"), told.files.content("b")) == (None, None)
    assert (told.files.exists("a"), told.files.exists("b")) == (False, True)


def test_of_a_workspace_that_is_kept_or_not_listed_whole_nothing_is_missing_for_sure() -> None:
    told = Telling(persistent=True)
    told.call("bash", {}, ("a", "deleted"))
    assert (told.files.exists("a"), told.files.exists("other")) == (False, None)
    told = Telling()
    told.call("bash", {}, *[(f"f{number}", "added") for number in range(MOST_LISTED)])
    assert told.files.exists("other") is None
