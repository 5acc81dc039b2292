"""Where the file tools may go: the workspace to read and write, the source folder to read.

This keeps a model's file tools to its own files; it is not the wall of the sandbox. The tools have the rights of the
tool user and bash may do all that they may, so a path that is swapped between its check and its use gives nothing away.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path, PurePath

from .results import ToolError

_MOST_LINKS = 40
_MISSING = (errno.ENOENT, errno.ENOTDIR)


class Roots:
    """The folders of the file tools.

    Args:
        workspace: where relative paths start.
        source: read-only; None if there is no such folder.
    """

    def __init__(self, workspace: str, source: str | None) -> None:
        self.workspace = Path(workspace)
        self.source = None if source is None else Path(source)

    def resolve(self, path: str) -> Path:
        """The place that a path means, with every symbolic link followed.

        Raises:
            ValueError: it is outside the roots, or a link on the way loops or cannot be read.
        """
        candidate = Path(path)
        root = self.workspace.resolve()
        try:
            full = canonical(candidate if candidate.is_absolute() else root / candidate)
        except OSError as error:
            raise ValueError(f"path {path!r}: {reason(error)}") from error
        if within(full, root) or (self.source is not None and within(full, self.source.resolve())):
            return full
        others = "" if self.source is None else " and its other permitted directories"
        raise ValueError(f"path {path!r} is outside the session's working directory{others}")

    def refuse_read_only(self, target: Path, tool: str, file_path: str) -> None:
        """Refuse to change what is in the source folder.

        Raises:
            ToolError: it is there.
        """
        if self.source is not None and within(target, self.source.resolve()):
            raise ToolError(f"{tool}: {file_path} is inside read-only directory {self.source}")

    def may_reach(self, path: str) -> bool:
        """Whether the file tools can read or write what a path leads to, or it cannot be told."""
        try:
            real = Path(path).resolve(strict=True)
            roots = [canonical(root.resolve()) for root in (self.workspace, self.source) if root is not None]
        except (OSError, RuntimeError):
            return True
        return any(within(real, root) for root in roots)


def within(child: PurePath, root: PurePath) -> bool:
    """Whether a resolved path is a resolved folder or inside it."""
    return child.parts[: len(root.parts)] == root.parts


def canonical(path: Path) -> Path:
    """The path without `.`, `..` and symbolic links; what does not exist at its end stays as it is written.

    A link that leads nowhere is followed all the same, so that writing through it cannot leave the roots.

    Raises:
        OSError: links loop, or a part cannot be read.
    """
    prefix = Path(os.path.normpath(str(path)))
    tail: list[str] = []
    links = 0
    while True:
        try:
            return _resolved(prefix).joinpath(*reversed(tail))
        except OSError as error:
            if error.errno not in _MISSING:
                raise
            unresolved = error
        try:
            is_link = stat.S_ISLNK(prefix.lstat().st_mode)
        except OSError as error:
            if error.errno not in _MISSING or prefix.parent == prefix:
                raise
            tail.append(prefix.name)
            prefix = prefix.parent
            continue
        if not is_link:
            raise unresolved
        links += 1
        if links > _MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        target = os.path.join(_resolved(prefix.parent), os.readlink(prefix), *reversed(tail))  # noqa: PTH115, PTH118
        prefix = Path(os.path.normpath(target))
        tail.clear()


def _resolved(path: Path) -> Path:
    try:
        return path.resolve(strict=True)
    except RuntimeError:  # so says Python before 3.13 that links loop
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP)) from None


def reason(error: OSError) -> str:
    """What went wrong with a file, in words that are the same on every system."""
    for kind, words in (
        (FileNotFoundError, "no such file or directory"),
        (NotADirectoryError, "not a directory"),
        (IsADirectoryError, "is a directory"),
        (PermissionError, "permission denied"),
        (FileExistsError, "file already exists"),
    ):
        if isinstance(error, kind):
            return words
    if error.errno == errno.ELOOP:
        return "too many levels of symbolic links"
    return (error.strerror or "i/o error").lower()


def file_error(tool: str, file_path: str, error: OSError) -> ToolError:
    """The error of a tool whose file cannot be read or written."""
    return ToolError(f"{tool}: {file_path}: {reason(error)}")
