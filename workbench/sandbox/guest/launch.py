"""The command that starts the guest."""

from __future__ import annotations

MOUNT = "/opt/workbench/guest"
"""Where the sandbox has this folder, read-only."""
WORKSPACE = "/workspace"
SOURCE = "/source"
HOME = "/tmp/home"  # noqa: S108 - the only writable place in the sandbox that is not the workspace
"""The home of the tools: writable, gone with the sandbox. Not the workspace, where the caches and settings that
package managers keep at home would look like the agent's work and would be snapshotted with it."""


def command(
    tool_uid: int,
    tool_gid: int,
    proxy_port: int | None,
    *,
    python: str = "python3",
    folder: str = MOUNT,
    workspace: str = WORKSPACE,
    source: str = SOURCE,
    home: str = HOME,
) -> list[str]:
    """The command that starts the guest, as root, with the pipe on its standard input and output.

    Python's own buffers stay on (no `-u`): the guest does not use them, but what it starts may inherit the setting,
    and an unbuffered write to gVisor's pipes can be cut short. `-I -S` skips what it does not need of the start-up.

    Args:
        tool_uid: the user id of all tools.
        tool_gid: their group id.
        proxy_port: the port on 127.0.0.1 whose connections become `connect` channels; None: no way out at all.
    """
    arguments = [python, "-I", "-S", folder, f"--uid={tool_uid}", f"--gid={tool_gid}"]
    arguments += [f"--workspace={workspace}", f"--source={source}", f"--home={home}"]
    return arguments if proxy_port is None else [*arguments, f"--proxy-port={proxy_port}"]
