"""The command that starts the guest."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

MOUNT = "/opt/workbench/guest"
"""Where the sandbox has this folder, read-only."""
WORKSPACE = "/workspace"
SOURCE = "/source"
HOME = "/tmp/home"
"""The home of the tools: writable, gone with the sandbox. Not the workspace, where the caches and settings that
package managers keep at home would look like the agent's work and would be snapshotted with it."""


class Settings(NamedTuple):
    """What the guest is told when it starts."""

    uid: int
    gid: int
    proxy_port: int | None
    workspace: str = WORKSPACE
    source: str = SOURCE
    home: str = HOME

    @classmethod
    def from_arguments(cls, arguments: Sequence[str]) -> Settings:
        """Read what `command` wrote."""
        return cls(**json.loads(arguments[0]))


def command(tool_uid: int, tool_gid: int, proxy_port: int | None) -> list[str]:
    """The command that starts the guest, as root, with the pipe on its standard input and output.

    Args:
        tool_uid: the user id of all tools.
        tool_gid: their group id.
        proxy_port: the port on 127.0.0.1 whose connections become `connect` channels; None: no way out at all.
    """
    return command_for(Settings(tool_uid, tool_gid, proxy_port))


def command_for(settings: Settings, *, python: str = "python3", folder: str = MOUNT) -> list[str]:
    """The command that starts a guest that lives elsewhere.

    `-I -S -B` skips what the guest does not need of Python's start. Its buffers stay on (no `-u`): what the guest
    starts could inherit that, and an unbuffered write to gVisor's pipes can be cut short.
    """
    return [python, "-I", "-S", "-B", folder, json.dumps(settings._asdict())]
