"""Objects on disk under the SHA-256 of their content, in 256 folders.

An object is written to a temporary file of its own and renamed, so that any number of processes may write at once and
none ever sees half an object. Nothing is synced to the disk: when a process is killed nothing is lost, after a power
failure the newest objects may be short or missing. That is noticed whenever they are read, because every read checks
the digest, and mended when the same content is stored again.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import re
import secrets
import zlib
from collections.abc import Iterator
from pathlib import Path

from workbench.sandbox.sandbox import SandboxError

_DIGEST = re.compile(r"[0-9a-f]{64}")


class SnapshotError(SandboxError):
    """A snapshot cannot be taken, read or restored. `str` tells a person what happened and what to do."""


class CorruptSnapshotError(SnapshotError):
    """What is stored is not what was stored. Nothing is changed."""


def is_digest(text: str) -> bool:
    """Whether this is the digest of an object."""
    return _DIGEST.fullmatch(text) is not None


class ObjectStore:
    """Objects in the folder `root`; compressed ones are kept as zlib streams."""

    def __init__(self, root: Path, *, compressed: bool, max_bytes: int) -> None:
        self._root = str(root)
        self._compressed = compressed
        self._max_bytes = max_bytes
        self._temporary = str(root.parent / "tmp")
        self._name = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._numbers = itertools.count()  # threads may share it, which they may not with a generator
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        Path(self._temporary).mkdir(mode=0o700, exist_ok=True)

    def put(self, data: bytes) -> str:
        """Store `data` unless it is there, and return its digest.

        Raises:
            SnapshotError: it cannot be written, for example because the disk is full.
        """
        digest = hashlib.sha256(data).hexdigest()
        path = self.path(digest)
        try:
            size = os.stat(path).st_size  # noqa: PTH116 - ten thousands of calls
            if size == len(data) or (self._compressed and size):
                return digest
        except FileNotFoundError:
            pass
        try:
            self._write(path, zlib.compress(data, 1) if self._compressed else data)
        except OSError as error:
            raise SnapshotError(f"the workspace cannot be recorded in {self._root}: {error.strerror}") from error
        return digest

    def get(self, digest: str) -> bytes:
        """The content of an object.

        Raises:
            CorruptSnapshotError: it is missing, or not what was stored.
        """
        path = self.path(digest)
        try:
            with open(path, "rb") as file:  # noqa: PTH123 - ten thousands of calls
                data = file.read(self._max_bytes + 1)
            if self._compressed:
                data = zlib.decompressobj().decompress(data, self._max_bytes + 1)
        except FileNotFoundError:
            raise CorruptSnapshotError(f"the snapshot is incomplete: {path} is missing") from None
        except (OSError, zlib.error) as error:
            raise CorruptSnapshotError(f"the snapshot is damaged: {path} cannot be read ({error})") from error
        if hashlib.sha256(data).hexdigest() != digest:
            raise CorruptSnapshotError(f"the snapshot is damaged: the content of {path} is not what was stored")
        return data

    def path(self, digest: str) -> str:
        """Where an object is or would be."""
        return f"{self._root}/{digest[:2]}/{digest[2:]}"

    def digests(self) -> Iterator[str]:
        """All objects that are stored."""
        for folder in sorted(Path(self._root).iterdir()):
            for file in sorted(os.listdir(folder)):  # noqa: PTH208 - names only
                if is_digest(folder.name + file):
                    yield folder.name + file

    def remove(self, digest: str) -> int:
        """Remove an object and return the bytes that it took."""
        path = Path(self.path(digest))
        try:
            size = path.stat().st_size
            path.unlink()
        except FileNotFoundError:  # by another process
            return 0
        return size

    def _write(self, path: str, data: bytes) -> None:
        temporary = f"{self._temporary}/{self._name}-{next(self._numbers)}"
        try:
            fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(fd, "wb") as file:
                file.write(data)
            try:
                os.rename(temporary, path)  # noqa: PTH104 - ten thousands of calls
            except FileNotFoundError:
                Path(path).parent.mkdir(mode=0o700, exist_ok=True)
                Path(temporary).rename(path)
        except OSError:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
            raise
