"""A place in a folder tree that somebody else may be changing, held by descriptors.

It is entered name by name from a folder that is trusted, never through a link, so that whatever is renamed or replaced
meanwhile, nothing outside of that folder is ever touched. Trees may be deeper than a process may have files open: only
the deepest folders stay open, and one further up is opened again, from the top, when it is needed.
"""

from __future__ import annotations

import contextlib
import os

_KEPT_OPEN = 64
_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Descent:
    """Where we are below the folder `root`, an open descriptor that stays the caller's."""

    def __init__(self, root: int) -> None:
        self._names = [""]
        self._ids = [_identity(root)]
        self._fds: list[int | None] = [root]

    @property
    def depth(self) -> int:
        """How many folders below the root."""
        return len(self._names) - 1

    @property
    def path(self) -> str:
        """The way from the root, each name followed by a slash."""
        return "".join(f"{name}/" for name in self._names[1:])

    @property
    def fd(self) -> int:
        """A descriptor of the folder where we are; good until the next step.

        Raises:
            OSError: the folder was moved away or replaced.
        """
        return self._fds[-1] or self._reopen()

    def enter(self, name: str) -> os.stat_result:
        """Go down into the folder `name`.

        Raises:
            OSError: there is no such folder, it is a link, or it may not be read.
        """
        fd = os.open(name, _FLAGS, dir_fd=self.fd)
        status = os.fstat(fd)
        self._names.append(name)
        self._ids.append((status.st_dev, status.st_ino))
        self._fds.append(fd)
        self._close(len(self._fds) - 1 - _KEPT_OPEN)
        return status

    def leave(self) -> None:
        """Go up."""
        self._close(self.depth)
        self._names.pop()
        self._ids.pop()
        self._fds.pop()

    def close(self) -> None:
        """Go back to the root."""
        while self.depth:
            self.leave()

    def _close(self, level: int) -> None:
        """Close the descriptor of a level below the root."""
        if level > 0 and (fd := self._fds[level]) is not None:
            self._fds[level] = None
            os.close(fd)

    def _reopen(self) -> int:
        """Open this folder and those just above it again, coming from the deepest one that is still open."""
        start = max(level for level, fd in enumerate(self._fds) if fd is not None)
        fd = self._fds[start]
        for level in range(start + 1, len(self._fds)):
            child = os.open(self._names[level], _FLAGS, dir_fd=fd)
            self._fds[level] = fd = child
            if _identity(child) != self._ids[level]:
                raise FileNotFoundError("a folder was replaced while it was read")
            self._close(level - _KEPT_OPEN)
        assert fd is not None  # noqa: S101 - the root is always open
        return fd

    def __enter__(self) -> Descent:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self.close()


def _identity(fd: int) -> tuple[int, int]:
    status = os.fstat(fd)
    return status.st_dev, status.st_ino
