"""What the guest sees of the machine that it runs in: the evidence by which the workbench judges the isolation."""

from __future__ import annotations

import ctypes
import os
import socket
import sys
from pathlib import Path
from typing import Any

_SYSLOG_ACTION_READ_ALL = 3


def facts() -> dict[str, Any]:
    """All that the ready message says of the machine. What cannot be seen is null."""
    uname = os.uname()
    return {
        "kernel": uname.release,
        "kernel_version": _text("/proc/version"),
        "boot_arguments": _text("/proc/cmdline"),
        "boot_message": _boot_message(),
        "interfaces": [name for _, name in socket.if_nameindex()],
        "machine": uname.machine,
        "python": ".".join(map(str, sys.version_info[:3])),
        "pid": os.getpid(),
        "uid": os.getuid(),
        "capabilities": _capabilities(),
    }


def _text(path: str) -> str | None:
    try:
        return Path(path).read_text(errors="replace").strip()
    except OSError:
        return None


def _boot_message() -> str | None:
    """The first line of the kernel's log, without its level."""
    buffer = ctypes.create_string_buffer(64 * 1024)
    try:
        length = ctypes.CDLL(None).klogctl(_SYSLOG_ACTION_READ_ALL, buffer, len(buffer))
    except (OSError, AttributeError):
        return None
    if length <= 0:
        return None
    line = buffer.raw[:length].split(b"\n", 1)[0].decode(errors="replace")
    return line.split(">", 1)[-1] if line.startswith("<") else line


def _capabilities() -> dict[str, str]:
    status = _text("/proc/self/status") or ""
    pairs = (line.split(":", 1) for line in status.splitlines() if line.startswith("Cap"))
    return {name: value.strip() for name, value in pairs}
