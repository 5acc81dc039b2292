"""Names of files: as the system gives them, as they are stored, and as a person reads them.

A name is bytes. Stored it is text in UTF-8 with `surrogateescape`, on every machine the same. Shown it has an escape
`\\xNN` for each byte of what cannot be printed, of what is not UTF-8, and of the backslash, so that it is one line,
harmless on a terminal, valid UTF-8, and can be read back.
"""

from __future__ import annotations

import os
import re
import sys

_IS_UTF8 = sys.getfilesystemencoding() == "utf-8"
_ESCAPE = re.compile(rb"\\x([0-9a-f]{2})")
_MAX_NAME = 255


def stored_name(name: str) -> str:
    """The stored form of a name that the system gave."""
    return name if _IS_UTF8 else os.fsencode(name).decode("utf-8", "surrogateescape")


def system_name(stored: str) -> str:
    """The form of a stored name that the system's calls take."""
    return stored if _IS_UTF8 else os.fsdecode(stored.encode("utf-8", "surrogateescape"))


def shown_path(stored: str) -> str:
    """The form of a stored name or path that a person reads."""
    if stored.isprintable() and "\\" not in stored:
        return stored
    return "".join(char if char.isprintable() and char != "\\" else _escaped(char) for char in stored)


def stored_path(shown: str) -> str:
    """The stored form of a path that a person read or wrote."""
    raw = _ESCAPE.sub(lambda match: bytes([int(match[1], 16)]), shown.encode("utf-8", "surrogateescape"))
    return raw.decode("utf-8", "surrogateescape")


def is_file_name(stored: str) -> bool:
    """Whether this is the name of one file in a folder: not empty, no path, none of the names with a meaning."""
    if stored in ("", ".", "..") or "/" in stored or "\0" in stored:
        return False
    try:
        return len(stored.encode("utf-8", "surrogateescape")) <= _MAX_NAME
    except UnicodeEncodeError:
        return False


def is_link_target(stored: str) -> bool:
    """Whether a link can have this target."""
    try:
        stored.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return stored != "" and "\0" not in stored


def _escaped(char: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in char.encode("utf-8", "surrogateescape"))
