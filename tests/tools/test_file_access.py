"""What the file tools may do."""

from __future__ import annotations

import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.definition.agent import FilesystemServer
from workbench.jsontypes import JsonObject
from workbench.tools.file_access import NEEDED, FileAccess, FileAccessError

PATHS = st.lists(st.sampled_from(["..", ".", "", "workspace", "out", "source", "etc", "a b", "~"]), max_size=7).map(
    "/".join
)
PATHS = PATHS | PATHS.map(lambda path: "/" + path)


def test_the_whole_workspace_means_no_limit_but_the_guest_s() -> None:
    access = FileAccess([FilesystemServer()])
    assert not access.removed()
    assert access.remark("read") == ""
    for path in ("/etc/passwd", "/source/x", "../.."):
        assert access.apply("read", {"file_path": path}) == {"file_path": path}


def test_reading_only_takes_writing_away() -> None:
    removed = FileAccess([FilesystemServer(permissions=("read",))]).removed()
    assert set(removed) == {"write", "edit"}
    assert removed["write"] == "write needs the permission 'write'; agent.yaml gives the filesystem server [read]"


def test_writing_only_takes_reading_away() -> None:
    assert set(FileAccess([FilesystemServer(permissions=("write",))]).removed()) == {"read", "glob", "grep"}


@pytest.mark.parametrize("path", ["/source/../workspace/x", "/workspace", "x", "/sourcecode", "/", "../source/../etc"])
def test_a_path_keeps_to_itself(path: str) -> None:
    access = FileAccess([FilesystemServer(path="/source", permissions=("read",))])
    with pytest.raises(FileAccessError, match="lets this agent read below /source"):
        access.apply("read", {"file_path": path})


def test_a_search_begins_where_reading_is_allowed() -> None:
    access = FileAccess([FilesystemServer(path="/source", permissions=("read",))])
    assert access.apply("grep", {"pattern": "x"}) == {"pattern": "x", "path": "/source"}
    assert access.apply("glob", {"pattern": "**/*.py", "path": "/source/lib"})["path"] == "/source/lib"
    assert access.remark("grep") == "Only below /source."


@pytest.mark.parametrize("pattern", ["/etc/*", "../*", "a/../../*"])
def test_a_pattern_does_not_lead_out(pattern: str) -> None:
    access = FileAccess([FilesystemServer(path="out")])
    with pytest.raises(FileAccessError, match=r"may not be absolute or hold '\.\.'"):
        access.apply("glob", {"pattern": pattern})


def test_rights_of_several_servers_add_up() -> None:
    access = FileAccess([FilesystemServer(permissions=("read",)), FilesystemServer(path="/workspace/out")])
    assert not access.removed()
    assert access.apply("read", {"file_path": "/workspace/in.txt"})
    assert access.apply("write", {"file_path": "out/a.txt", "content": ""})
    with pytest.raises(FileAccessError, match=r"write: in\.txt is out of reach"):
        access.apply("write", {"file_path": "in.txt", "content": ""})


@pytest.mark.parametrize("arguments", [{}, {"file_path": None}, {"file_path": ["/etc"]}, {"file_path": {"a": 1}}])
def test_a_path_that_is_no_text_is_refused(arguments: JsonObject) -> None:
    with pytest.raises(FileAccessError, match="file_path must be text"):
        FileAccess([FilesystemServer(path="/source")]).apply("read", arguments)


@pytest.mark.parametrize("path", ["/", "/etc", "/workspace/../etc", "/workspaces"])
def test_a_place_outside_of_the_sandbox_s_folders_cannot_be_declared(path: str) -> None:
    with pytest.raises(ValueError, match="is not /workspace, /source or a folder below"):
        FileAccess([FilesystemServer(path=path)])


@given(PATHS, st.sampled_from(sorted(NEEDED)))
def test_what_is_let_through_is_below_the_root(path: str, tool: str) -> None:
    access = FileAccess([FilesystemServer(path="/workspace/out")])
    name = "path" if tool in ("glob", "grep") else "file_path"
    try:
        arguments = access.apply(tool, {name: path, "pattern": "*"})
    except FileAccessError:
        return
    place = posixpath.normpath(posixpath.join("/workspace", str(arguments[name])))
    assert place == "/workspace/out" or place.startswith("/workspace/out/")
