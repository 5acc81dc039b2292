"""What the built-in file tools may do, by the `path` and `permissions` of the agent's filesystem servers.

Arguments are judged here by their text alone. That a link does not lead out of /workspace and /source is for the guest,
which opens the files; a link inside /workspace can lead out of a `path` below it. `bash` is bound by none of this.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from workbench.definition.agent import FilesystemServer
from workbench.jsontypes import JsonObject

WORKSPACE = "/workspace"
SOURCE = "/source"

Permission = Literal["read", "write"]

NEEDED: Mapping[str, Permission] = {"read": "read", "glob": "read", "grep": "read", "write": "write", "edit": "write"}
"""The permission that each file tool needs."""

_PATH_ARGUMENT = {"read": "file_path", "write": "file_path", "edit": "file_path", "glob": "path", "grep": "path"}


class FileAccessError(Exception):
    """The agent may not do this with files; `str` is for the model and for a person."""


@dataclass(frozen=True, slots=True)
class _Grant:
    root: str
    permissions: frozenset[str]


class FileAccess:
    """The rights of all filesystem servers of an agent together.

    Raises:
        ValueError: a `path` is neither /workspace nor /source nor below one of them.
    """

    def __init__(self, servers: Sequence[FilesystemServer]) -> None:
        grants = []
        for server in servers:
            root = resolve(server.path)
            if not (_within(root, WORKSPACE) or _within(root, SOURCE)):
                raise ValueError(f"path {server.path} is not {WORKSPACE}, {SOURCE} or a folder below one of them")
            grants.append(_Grant(root, frozenset(server.permissions)))
            if root == WORKSPACE:  # the whole sandbox is meant; /source cannot be written to anyway
                grants.append(_Grant(SOURCE, frozenset(server.permissions)))
        self._grants = grants

    def removed(self) -> Mapping[str, str]:
        """The file tools that the permissions take away, each with the reason."""
        held = {permission for grant in self._grants for permission in grant.permissions}
        listed = ", ".join(sorted(held))
        return {
            tool: f"{tool} needs the permission {needed!r}; agent.yaml gives the filesystem server [{listed}]"
            for tool, needed in NEEDED.items()
            if needed not in held
        }

    def remark(self, tool: str) -> str:
        """What the model should know of the limits of `tool`, empty if there are none."""
        roots = self._roots(tool)
        return "" if WORKSPACE in roots else f"Only below {' and '.join(roots)}."

    def apply(self, tool: str, arguments: JsonObject) -> JsonObject:
        """`arguments` for the guest: a search without a path begins where the agent may read.

        Raises:
            FileAccessError: the arguments name a place that the agent may not touch this way.
        """
        roots = self._roots(tool)
        if {WORKSPACE, SOURCE} <= set(roots):
            return arguments
        name = _PATH_ARGUMENT[tool]
        path = arguments.get(name)
        if path is None and name == "path":
            path = WORKSPACE if WORKSPACE in roots else roots[0]
            arguments = {**arguments, "path": path}
        if not isinstance(path, str):
            raise FileAccessError(f"{tool}: {name} must be text")
        self._require(tool, resolve(path), path, roots)
        pattern = arguments.get("pattern")
        if tool == "glob" and isinstance(pattern, str) and (pattern.startswith("/") or ".." in pattern.split("/")):
            raise FileAccessError(f"glob: the pattern {pattern} may not be absolute or hold '..'")
        return arguments

    def _roots(self, tool: str) -> Sequence[str]:
        return list(dict.fromkeys(grant.root for grant in self._grants if NEEDED[tool] in grant.permissions))

    def _require(self, tool: str, place: str, shown: str, roots: Sequence[str]) -> None:
        if not any(_within(place, root) for root in roots):
            allowed = " and ".join(roots)
            raise FileAccessError(f"{tool}: {shown} is out of reach: agent.yaml lets this agent {tool} below {allowed}")


def resolve(path: str) -> str:
    """The absolute path that `path` means in the sandbox, where tools start in /workspace; links are not followed."""
    return "/" + posixpath.normpath(posixpath.join(WORKSPACE, path)).lstrip("/")


def _within(place: str, root: str) -> bool:
    return place == root or place.startswith(root + "/")
