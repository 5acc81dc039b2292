"""The tools read, write and edit, with the limits and words of the vendor's implementation."""

from __future__ import annotations

import base64
import errno
import os
import stat
import sys
from typing import TYPE_CHECKING, Any

from .paths import Roots, file_error
from .results import ToolError, ToolResult, text_result

if TYPE_CHECKING:
    from pathlib import Path

FILE_LIMIT = 256 * 1024
"""Bytes of a text file, or of a range of its lines, that are read at once."""
IMAGE_LIMIT = 5 * 1024 * 1024 // 4 * 3
"""Bytes of an image: 5 MiB in base64, the most that the Messages API takes."""
PDF_LIMIT = 20 * 1024 * 1024
"""Bytes of a PDF."""
_PIECE = 64 * 1024
_PDF = "application/pdf"
_URI_SAFE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/")
_MEDIA_TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".pdf": _PDF,
}


def read(roots: Roots, file_path: str, view_range: list[int] | None) -> ToolResult:
    """The text of a file, all or a range of lines; or an image or PDF as a content block.

    Raises:
        ToolError: the file cannot or may not be read.
    """
    target = _resolve(roots, "read", file_path)
    if view_range and len(view_range) != 2:
        raise ToolError("read: view_range must be [start_line, end_line]")
    try:
        size = _regular_size(target, "read", file_path)
        media_type = _MEDIA_TYPES.get(target.suffix.lower())
        if media_type is not None:
            return _read_media(target, file_path, size, media_type, view_range)
        if size > FILE_LIMIT:
            return text_result(_read_lines_of_large_file(target, file_path, size, view_range))
        text = target.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise ToolError(
            f"read: {file_path}: not valid UTF-8 text (binary files are only supported for image/PDF extensions)"
        ) from error
    except OSError as error:
        raise file_error("read", file_path, error) from error
    if not view_range:
        return text_result(text)
    start, end = view_range
    lines = text.split("\n")
    return text_result("\n".join(lines[max(0, start - 1) : end if end > 0 else len(lines)]))


def write(roots: Roots, file_path: str, content: str) -> ToolResult:
    """Write a file and the folders above it.

    Raises:
        ToolError: the file cannot or may not be written.
    """
    target = _resolve(roots, "write", file_path)
    roots.refuse_read_only(target, "write", file_path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _overwrite(target, "write", file_path, content)
    except OSError as error:
        raise file_error("write", file_path, error) from error
    return text_result(f"wrote {len(content)} bytes to {file_path}")


def edit(roots: Roots, file_path: str, old_string: str, new_string: str, replace_all: bool | None) -> ToolResult:
    """Replace a text that occurs once in a file, or all its occurrences.

    Raises:
        ToolError: the file cannot or may not be changed, or the text occurs not once.
    """
    target = _resolve(roots, "edit", file_path)
    roots.refuse_read_only(target, "edit", file_path)
    text = _text_to_edit(target, file_path)
    count = text.count(old_string)
    if count == 0:
        raise ToolError(f"edit: old_string not found in {file_path}")
    if not replace_all and count > 1:
        raise ToolError(f"edit: old_string appears {count} times in {file_path} (must be unique)")
    updated = text.replace(old_string, new_string) if replace_all else text.replace(old_string, new_string, 1)
    try:
        _overwrite(target, "edit", file_path, updated)
    except OSError as error:
        raise file_error("edit", file_path, error) from error
    return text_result(f"edited {file_path} ({count if replace_all else 1} replacement(s))")


def _resolve(roots: Roots, tool: str, file_path: str) -> Path:
    try:
        return roots.resolve(file_path)
    except ValueError as error:
        raise ToolError(f"{tool}: {error}") from error


def _regular_size(target: Path, tool: str, file_path: str) -> int:
    """The size in bytes, asked before the file is opened: opening a FIFO can block for ever."""
    status = target.stat()
    if not stat.S_ISREG(status.st_mode):
        raise ToolError(f"{tool}: {file_path}: not a regular file")
    return status.st_size


def _overwrite(target: Path, tool: str, file_path: str, content: str) -> None:
    """Replace what a file holds. A FIFO without a reader would block whoever opens it to write."""
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC, 0o666)
    except OSError as error:
        if error.errno != errno.ENXIO:  # so says a FIFO
            raise
        raise ToolError(f"{tool}: {file_path}: not a regular file") from error
    with os.fdopen(descriptor, "wb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ToolError(f"{tool}: {file_path}: not a regular file")
        file.truncate()
        file.write(content.encode("utf-8"))


def _text_to_edit(target: Path, file_path: str) -> str:
    try:
        size = _regular_size(target, "edit", file_path)
        if size > FILE_LIMIT:
            raise ToolError(
                f"edit: {file_path} is {size} bytes, exceeds {FILE_LIMIT}-byte limit. "
                "The edit tool loads the whole file and cannot modify a file this large."
            )
        return target.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise ToolError(f"edit: {file_path}: not valid UTF-8 text (cannot edit binary files)") from error
    except OSError as error:
        raise file_error("edit", file_path, error) from error


def _read_media(target: Path, file_path: str, size: int, media_type: str, view_range: list[int] | None) -> ToolResult:
    if view_range:
        raise ToolError("read: view_range is not supported for image/PDF files")
    limit = PDF_LIMIT if media_type == _PDF else IMAGE_LIMIT
    if size > limit:
        raise ToolError(f"read: {file_path} is {size} bytes, exceeds {limit}-byte limit for image/PDF files.")
    data = base64.standard_b64encode(target.read_bytes()).decode("ascii")
    if media_type == _PDF:  # MCP knows no document block; a client makes one of an embedded resource of this type
        resource = {"uri": _uri(target), "mimeType": media_type, "blob": data}
        return _media_result({"type": "resource", "resource": resource})
    return _media_result({"type": "image", "data": data, "mimeType": media_type})


def _uri(path: Path) -> str:
    """The file's URI. Not by pathlib, which would import a module when the worker has given up root's rights."""
    return "file://" + "".join(chr(byte) if byte in _URI_SAFE else f"%{byte:02X}" for byte in os.fsencode(path))


def _media_result(block: dict[str, Any]) -> ToolResult:
    return ToolResult([block])


def _read_lines_of_large_file(target: Path, file_path: str, size: int, view_range: list[int] | None) -> str:
    if not view_range:
        raise ToolError(
            f"read: {file_path} is {size} bytes, exceeds {FILE_LIMIT}-byte limit. "
            "Use the view_range parameter to read specific line ranges, e.g. view_range: [1, 500]."
        )
    lines = _Lines(file_path, view_range[0], view_range[1])
    if lines.empty:
        return ""
    with target.open("rb") as file:
        while not lines.complete:
            piece = file.read(_PIECE)
            if not piece:
                break
            lines.take(piece)
    return lines.text()


class _Lines:
    """Collects a range of lines from pieces of a file without ever holding more than the limit."""

    def __init__(self, file_path: str, first: int, last: int) -> None:
        self._what = (file_path, first, last)
        self._start = max(0, first - 1)
        self._end = last if last > 0 else sys.maxsize
        self._line = 0
        self._bytes = bytearray()

    @property
    def empty(self) -> bool:
        return self._end <= self._start

    @property
    def complete(self) -> bool:
        return self._line >= self._end

    def take(self, piece: bytes) -> None:
        position = 0
        while position < len(piece) and not self.complete:
            newline = piece.find(b"\n", position)
            end = len(piece) if newline < 0 else newline
            if self._line >= self._start:
                self._collect(piece[position:end], ends=newline >= 0)
            if newline < 0:
                return
            self._line += 1
            position = newline + 1

    def text(self) -> str:
        return self._bytes.decode("utf-8")

    def _collect(self, part: bytes, *, ends: bool) -> None:
        self._bytes += part
        if ends and self._line + 1 < self._end:
            self._bytes += b"\n"
        if len(self._bytes) > FILE_LIMIT:
            raise self._too_long()

    def _too_long(self) -> ToolError:
        file_path, first, last = self._what
        if self._end - self._start == 1:
            return ToolError(
                f"read: line {self._start + 1} of {file_path} alone exceeds {FILE_LIMIT}-byte limit. "
                "The read tool cannot return part of a line, so view_range cannot narrow this further."
            )
        return ToolError(
            f"read: view_range [{first}, {last}] of {file_path} exceeds {FILE_LIMIT}-byte limit. "
            "Narrow the view_range to read a smaller portion."
        )
